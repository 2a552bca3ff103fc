//! Variables in queries and links, as Grafana replaces them: `$name`, `${name}`, `${name:format}`, `[[name]]`.
//!
//! Formats are ignored: a value in a query is always escaped for a regular expression in a string. A name that is not known
//! stays as it is, and so do the values that were put in.

use super::time::{Window, written};

/// What has a meaning in Prometheus's regular expressions.
const SPECIAL: [char; 14] = ['\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$'];

/// Replaces each variable for which `value` has a value.
pub(crate) fn substitute(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(start) = rest.find(['$', '[']) {
        filled.push_str(&rest[..start]);
        rest = &rest[start..];
        let (taken, put) = match reference(rest).map(|(name, length)| (value(name), length)) {
            Some((Some(value), length)) => (length, value),
            _ => (1, rest[..1].to_owned()),
        };
        filled.push_str(&put);
        rest = &rest[taken..];
    }
    filled.push_str(rest);
    filled
}

/// The name of the variable at the start of a text, and the length of the reference.
fn reference(text: &str) -> Option<(&str, usize)> {
    for (open, close) in [("${", "}"), ("[[", "]]")] {
        if let Some(inside) = text.strip_prefix(open) {
            let (inside, _) = inside.split_once(close)?;
            let name = inside.split_once(':').map_or(inside, |(name, _)| name);
            return Some((name, open.len() + inside.len() + close.len()));
        }
    }
    let name = text.strip_prefix('$')?;
    let length = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(name.len());
    Some((&name[..length], length + 1))
}

/// What the selected values of a variable are in a query: a regular expression, escaped for a string in double quotes.
pub(crate) fn alternatives(values: &[&str]) -> String {
    let values: Vec<_> = values.iter().map(|value| for_string(&for_expression(value))).collect();
    match values.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join("|")),
    }
}

fn for_expression(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        if SPECIAL.contains(&letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn for_string(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

/// What Grafana's own variables are in a window.
pub(crate) fn built_in(name: &str, window: &Window, scraped: f64) -> Option<String> {
    let rate = (window.step + scraped).max(4.0 * scraped);
    let milliseconds = |seconds: f64| (seconds * 1000.0).round().to_string();
    Some(match name {
        "__interval" => written(window.step),
        "__interval_ms" => milliseconds(window.step),
        "__rate_interval" => written(rate),
        "__rate_interval_ms" => milliseconds(rate),
        "__range" => written(window.seconds().max(1.0).round()),
        "__range_s" => window.seconds().max(1.0).round().to_string(),
        "__range_ms" => milliseconds(window.seconds()),
        "__from" => milliseconds(window.start),
        "__to" => milliseconds(window.end),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use promql_parser::label::Matcher;
    use promql_parser::parser::{Expr, parse};
    use proptest::prelude::*;

    use super::*;

    fn known(name: &str) -> Option<String> {
        [("service", "sales"), ("a", "$service")]
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn variables_are_replaced_as_grafana_does() {
        for (text, expected) in [
            ("x{service=~\"$service\"}[5m]", "x{service=~\"sales\"}[5m]"),
            ("${service} ${service:regex} [[service]] [[service:csv]]", "sales sales sales sales"),
            (
                "$services $1 $ ${ ${unknown} [[unknown]] [1h] $",
                "$services $1 $ ${ ${unknown} [[unknown]] [1h] $",
            ),
            ("$a", "$service"),
            ("$service$service", "salessales"),
        ] {
            assert_eq!(substitute(text, known), expected);
        }
    }

    #[test]
    fn intervals_are_those_of_grafana() {
        let window = Window { start: 0.0, end: 3600.0, step: 20.0 };
        let value = |name: &str| built_in(name, &window, 15.0);
        assert_eq!(value("__rate_interval").as_deref(), Some("60s"));
        assert_eq!(value("__interval").as_deref(), Some("20s"));
        assert_eq!(value("__range").as_deref(), Some("3600s"));
        assert_eq!(value("__nothing"), None);
    }

    /// The matcher in a query with these values, as Prometheus reads it.
    fn parsed(values: &[String]) -> Matcher {
        let filled = alternatives(&values.iter().map(String::as_str).collect::<Vec<_>>());
        let query = substitute("up{service_name=~\"$service\"}", |_| Some(filled.clone()));
        let Ok(Expr::VectorSelector(selector)) = parse(&query) else { panic!("{query} does not parse") };
        let [matcher] = &selector.matchers.matchers[..] else { panic!("{query} has several matchers") };
        matcher.clone()
    }

    proptest! {
        #[test]
        fn selected_values_match_themselves_and_nothing_else(
            values in prop::collection::vec("[a-c\\\\\"'\n(){}|.$*+?\\[\\]^<>&ü ]{0,6}", 1..4),
            other in "[a-c\\\\\"'\n(){}|.$*+?\\[\\]^<>&ü ]{0,6}",
        ) {
            let matcher = parsed(&values);
            for value in &values {
                prop_assert!(matcher.is_match(value), "{matcher} does not match {value:?}");
            }
            prop_assert_eq!(matcher.is_match(&other), values.contains(&other), "{} and {:?}", matcher, other);
        }

        #[test]
        fn text_without_known_variables_stays(text in "[$a-z{}\\[\\]: é]{0,40}") {
            prop_assert_eq!(substitute(&text, |_| None), text);
        }
    }
}
