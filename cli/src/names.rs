//! What the series of OpenTelemetry's metrics are called in Prometheus, so that a query works whether they are scraped or
//! pushed.

use a2a_otel::metrics::InstrumentKind;
use a2a_otel::semconv::prometheus::Name;

/// Returns the name of a metric in Prometheus. A histogram's series add `_bucket`, `_sum` and `_count` to it.
///
/// ```
/// use a2a_otel::metrics::InstrumentKind;
/// use a2a_otel_cli::names::metric;
///
/// assert_eq!(metric("shop.order.duration", "s", InstrumentKind::Histogram), "shop_order_duration_seconds");
/// assert_eq!(metric("shop.revenue", "EUR", InstrumentKind::Counter), "shop_revenue_EUR_total");
/// assert_eq!(metric("shop.revenue", "{EUR}", InstrumentKind::Counter), "shop_revenue_total");
/// ```
#[must_use]
pub fn metric(name: &str, unit: &str, kind: InstrumentKind) -> String {
    let Name { family, .. } = Name::new(name, unit, kind);
    if kind == InstrumentKind::Counter { format!("{family}_total") } else { family }
}

/// Returns the names of the series that a metric with this name in Prometheus has.
///
/// ```
/// use a2a_otel::metrics::InstrumentKind;
/// use a2a_otel_cli::names::series;
///
/// let names = series("shop_order_duration_seconds", InstrumentKind::Histogram);
/// assert_eq!(names[0], "shop_order_duration_seconds_bucket");
/// ```
#[must_use]
pub fn series(metric: &str, kind: InstrumentKind) -> Vec<String> {
    if kind == InstrumentKind::Histogram {
        ["_bucket", "_sum", "_count"].map(|suffix| format!("{metric}{suffix}")).into()
    } else {
        vec![metric.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use a2a_otel::metrics::InstrumentKind::{Counter, Gauge, Histogram, UpDownCounter};
    use a2a_otel::semconv::prometheus::label_name;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_become_words_and_annotations_are_dropped() {
        for (name, unit, kind, expected) in [
            ("gen_ai.client.token.usage", "{token}", Histogram, "gen_ai_client_token_usage"),
            ("gen_ai.client.operation.duration", "s", Histogram, "gen_ai_client_operation_duration_seconds"),
            ("a2a.client.message.size", "By", Histogram, "a2a_client_message_size_bytes"),
            ("gen_ai.client.cost", "USD", Counter, "gen_ai_client_cost_USD_total"),
            ("sales", "{EUR}", Counter, "sales_total"),
            ("orders.total", "{order}", Counter, "orders_total"),
            ("total.orders", "", Counter, "orders_total"),
            ("cpu.utilization", "1", Gauge, "cpu_utilization_ratio"),
            ("hit.ratio", "1", Gauge, "hit_ratio"),
            ("balance", "1", UpDownCounter, "balance"),
            ("http.seconds.of", "s", Histogram, "http_seconds_of"),
            ("read", "By/s", Gauge, "read_bytes_per_second"),
            ("rate", "{request}/s", Gauge, "rate_per_second"),
            ("total", "", Counter, "__total"),
            ("a..b--c/d_", "", Gauge, "a_b_c_d"),
            ("9lives", "", Gauge, "_9lives"),
        ] {
            assert_eq!(metric(name, unit, kind), expected, "{name} in {unit}");
        }
    }

    fn kinds() -> impl Strategy<Value = InstrumentKind> {
        prop::sample::select(vec![Counter, UpDownCounter, Gauge, Histogram])
    }

    fn is_name(name: &str) -> bool {
        name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':')
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && !name.is_empty()
    }

    proptest! {
        #[test]
        fn every_name_is_one_in_prometheus(name in ".{0,40}", unit in ".{0,12}", kind in kinds()) {
            let translated = metric(&name, &unit, kind);
            prop_assert!(is_name(&translated), "{}", translated);
            prop_assert!(kind != Counter || translated.ends_with("_total"), "{}", translated);
        }

        #[test]
        fn a_translated_name_stays_as_it_is(name in "[a-z][a-z0-9_.]{0,30}", kind in kinds()) {
            let once = metric(&name, "", kind);
            prop_assert_eq!(metric(&once, "", kind), once);
        }

        #[test]
        fn an_annotation_changes_nothing(name in "[a-z][a-z0-9_.]{0,30}", word in "[a-zA-Z_]{0,8}", kind in kinds()) {
            prop_assert_eq!(metric(&name, &format!("{{{word}}}"), kind), metric(&name, "", kind));
        }

        #[test]
        fn a_unit_stands_in_the_name_once(name in "[a-z][a-z0-9.]{0,30}", kind in kinds()) {
            let translated = metric(&format!("{name}.seconds"), "s", kind);
            prop_assert_eq!(translated, metric(&format!("{name}.seconds"), "", kind));
        }

        #[test]
        fn every_label_is_one_in_prometheus(key in ".{0,40}") {
            let translated = label_name(&key);
            prop_assert!(is_name(&translated) && !translated.contains(':'), "{}", translated);
            prop_assert!(!translated.starts_with("__"), "{}", translated);
        }
    }
}
