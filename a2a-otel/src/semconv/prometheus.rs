//! What OpenTelemetry's names are called in Prometheus.
//!
//! The rules are those by which Prometheus and the collector translate metrics that are pushed to them, so that a
//! dashboard works for both ways.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>.

use std::borrow::Cow;

use super::metrics::InstrumentKind;

/// The name of a metric.
///
/// ```
/// use a2a_otel::metrics::InstrumentKind;
/// use a2a_otel::semconv::prometheus::Name;
///
/// let name = Name::new("shop.order.duration", "s", InstrumentKind::Histogram);
/// assert_eq!((name.family.as_str(), name.unit.as_deref()), ("shop_order_duration_seconds", Some("seconds")));
/// ```
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Name {
    /// The name without the suffix of a counter, which OpenMetrics calls the metric family.
    pub family: String,
    /// The unit, if the name ends with it, as OpenMetrics requires.
    pub unit: Option<String>,
}

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

impl Name {
    /// The name of a metric with this name and unit in OpenTelemetry.
    #[must_use]
    pub fn new(name: &str, unit: &str, kind: InstrumentKind) -> Self {
        let mut words: Vec<Cow<'_, str>> =
            name.split(is_separator).filter(|word| !word.is_empty()).map(Cow::Borrowed).collect();
        for word in unit_words(unit) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        match kind {
            InstrumentKind::Counter => words.retain(|word| word != "total"),
            InstrumentKind::Gauge if unit == "1" => {
                words.retain(|word| word != "ratio");
                words.push("ratio".into());
            }
            _ => {}
        }
        let mut family = words.join("_");
        if !family.starts_with(|first: char| first.is_ascii_alphabetic() || first == ':') {
            family.insert(0, '_');
        }
        let unit = if kind == InstrumentKind::Gauge && unit == "1" {
            Some("ratio".to_owned())
        } else {
            Some(unit_words(unit).collect::<Vec<_>>().join("_")).filter(|unit| !unit.is_empty())
        };
        let unit = unit.filter(|unit| family.strip_suffix(&**unit).is_some_and(|rest| rest.ends_with('_')));
        Self { family, unit }
    }
}

/// Whether a character separates the words of a name. Prometheus has the underscore for that.
fn is_separator(character: char) -> bool {
    !(character.is_ascii_alphanumeric() || character == ':')
}

/// What a unit adds to a name: the unit itself, and what it is divided by. Annotations such as `{request}` add nothing.
fn unit_words(unit: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let (main, rate) = unit.split_once('/').unwrap_or((unit, ""));
    let main = word_of(main, UNITS);
    let rate = word_of(rate, UNITS_OF_RATES).map(|rate| Cow::Owned(format!("per_{rate}")));
    main.into_iter().chain(rate)
}

fn word_of<'a>(unit: &'a str, known: &[(&str, &'static str)]) -> Option<Cow<'a, str>> {
    let unit = unit.trim();
    if unit.contains(['{', '}']) {
        return None;
    }
    let word = match known.iter().find(|(symbol, _)| *symbol == unit) {
        Some((_, word)) => Cow::Borrowed(*word),
        None if unit.contains(is_separator) => {
            let words: Vec<_> = unit.split(is_separator).filter(|word| !word.is_empty()).collect();
            Cow::Owned(words.join("_"))
        }
        None => Cow::Borrowed(unit),
    };
    Some(word).filter(|word| !word.is_empty())
}

/// The name of a label for an attribute. Each run of other characters becomes an underscore, so that no name begins
/// with the two underscores that Prometheus reserves.
///
/// ```
/// assert_eq!(a2a_otel::semconv::prometheus::label_name("gen_ai.tool.name"), "gen_ai_tool_name");
/// ```
#[must_use]
pub fn label_name(key: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_name(name: &str, unit: &str, kind: InstrumentKind, family: &str, family_unit: Option<&str>) {
        let named = Name::new(name, unit, kind);
        assert_eq!((&*named.family, named.unit.as_deref()), (family, family_unit), "{name} in {unit}");
    }

    #[test]
    fn names_have_units_once() {
        use InstrumentKind::{Counter, Gauge, Histogram, UpDownCounter};
        assert_name("http.duration", "s", Histogram, "http_duration_seconds", Some("seconds"));
        assert_name("http.duration_seconds", "s", Histogram, "http_duration_seconds", Some("seconds"));
        assert_name("http.seconds.of", "s", Histogram, "http_seconds_of", None);
        assert_name("read", "By/s", Gauge, "read_bytes_per_second", Some("bytes_per_second"));
        assert_name("gen_ai.client.token.usage", "{token}", Histogram, "gen_ai_client_token_usage", None);
        assert_name("gen_ai.client.cost", "USD", Counter, "gen_ai_client_cost_USD", Some("USD"));
        assert_name("sales", "{EUR}", Counter, "sales", None);
        assert_name("orders.total", "{order}", Counter, "orders", None);
        assert_name("total.orders", "", Counter, "orders", None);
        assert_name("orders.total", "", Gauge, "orders_total", None);
        assert_name("cpu.utilization", "1", Gauge, "cpu_utilization_ratio", Some("ratio"));
        assert_name("hit.ratio", "1", Gauge, "hit_ratio", Some("ratio"));
        assert_name("hits", "1", Counter, "hits", None);
        assert_name("share", "1", Histogram, "share", None);
        assert_name("balance", "1", UpDownCounter, "balance", None);
        assert_name("rate", "{request}/s", Gauge, "rate_per_second", Some("per_second"));
        assert_name("heat", "kg.m/s2", Gauge, "heat_kg_m_per_s2", Some("kg_m_per_s2"));
        assert_name("seconds", "s", Gauge, "seconds", None);
    }

    #[test]
    fn names_have_no_other_characters() {
        assert_name("a..b--c/d_", "", InstrumentKind::Gauge, "a_b_c_d", None);
        assert_name("9lives", "", InstrumentKind::Gauge, "_9lives", None);
        assert_name("total", "", InstrumentKind::Counter, "_", None);
        assert_name("größe", "", InstrumentKind::Gauge, "gr_e", None);
        for (key, name) in [
            ("http.method", "http_method"),
            ("__name__", "_name_"),
            ("1st", "key_1st"),
            ("é", "_"),
            ("", "_"),
            ("a--b", "a_b"),
        ] {
            assert_eq!(label_name(key), name, "{key}");
        }
    }
}
