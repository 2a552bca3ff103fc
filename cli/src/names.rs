//! What OpenTelemetry's names are called in Prometheus.
//!
//! The rules are those by which Prometheus and OpenTelemetry's collector translate metrics, so that a query works
//! whether the metrics are scraped or pushed.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>.

use a2a_otel::metrics::InstrumentKind;

/// Units that have another name in Prometheus, in UCUM's notation.
const UNITS: &[(&str, &str)] = &[
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("kBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// The units behind the slash of a rate, as in `By/s`.
const UNITS_OF_RATES: &[(&str, &str)] = &[
    ("s", "second"),
    ("m", "minute"),
    ("min", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

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
    let mut words: Vec<String> = words(name).map(str::to_owned).collect();
    for word in unit_words(unit) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match kind {
        InstrumentKind::Counter => words.retain(|word| word != "total"),
        InstrumentKind::Gauge if unit == "1" => {
            words.retain(|word| word != "ratio");
            words.push("ratio".to_owned());
        }
        _ => {}
    }
    let mut family = words.join("_");
    if !family.starts_with(|first: char| first.is_ascii_alphabetic() || first == ':') {
        family.insert(0, '_');
    }
    if kind == InstrumentKind::Counter {
        family.push_str("_total");
    }
    family
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

/// Returns the name of the label that an attribute becomes.
///
/// ```
/// assert_eq!(a2a_otel_cli::names::label("gen_ai.tool.name"), "gen_ai_tool_name");
/// ```
#[must_use]
pub fn label(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for character in key.chars() {
        if character.is_ascii_alphanumeric() {
            name.push(character);
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    match name.as_bytes().first() {
        Some(first) if first.is_ascii_digit() => name.insert_str(0, "key_"),
        Some(_) => {}
        None => name.push('_'),
    }
    name
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_separator).filter(|word| !word.is_empty())
}

/// Prometheus has the underscore for all other characters.
fn is_separator(character: char) -> bool {
    !(character.is_ascii_alphanumeric() || character == ':')
}

/// What a unit adds to a name: the unit itself, and what it is divided by. Annotations such as `{request}` add nothing.
fn unit_words(unit: &str) -> impl Iterator<Item = String> {
    let (main, rate) = unit.split_once('/').unwrap_or((unit, ""));
    let rate = word_of(rate, UNITS_OF_RATES).map(|rate| format!("per_{rate}"));
    word_of(main, UNITS).into_iter().chain(rate)
}

fn word_of(unit: &str, known: &[(&str, &str)]) -> Option<String> {
    let unit = unit.trim();
    if unit.contains(['{', '}']) {
        return None;
    }
    let word = match known.iter().find(|(symbol, _)| *symbol == unit) {
        Some((_, word)) => (*word).to_owned(),
        None => words(unit).collect::<Vec<_>>().join("_"),
    };
    Some(word).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use a2a_otel::metrics::InstrumentKind::{Counter, Gauge, Histogram, UpDownCounter};
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
            let translated = label(&key);
            prop_assert!(is_name(&translated) && !translated.contains(':'), "{}", translated);
            prop_assert!(!translated.starts_with("__"), "{}", translated);
        }
    }
}
