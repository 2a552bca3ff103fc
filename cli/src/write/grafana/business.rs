//! The dashboard of the program's own metrics: panels by the kind of each instrument, and declared ratios.

use a2a_otel::metrics::InstrumentKind;

use super::About;
use super::panel::{Draft, DraftQuery, Look};
use crate::model::{Metric, Model};
use crate::promql::SERVICE;
use crate::sources::Ratio;

pub(super) const ABOUT: About = About {
    path: "grafana/business.json",
    uid: "a2a-otel-business",
    title: "Business intelligence",
    description: "What the agents do for the business: every #[business_metric] in the sources.",
};

const SELECTED: &str = "service_name=~\"$service\"";
const RATE: &str = "$__rate_interval";
const RANGE: &str = "$__range";

/// Currencies that Grafana can write. Others are written behind the number.
const CURRENCIES: &[&str] = &[
    "USD", "GBP", "EUR", "JPY", "RUB", "UAH", "BRL", "DKK", "ISK", "NOK", "SEK", "CZK", "CHF", "PLN", "BTC",
    "ZAR", "INR", "KRW", "IDR", "PHP", "VND", "TRY", "MYR", "XPF", "BGN", "PYG", "UYU", "ILS", "HUF",
];

/// Units of UCUM, and what Grafana calls them.
const UNITS: &[(&str, &str)] = &[
    ("s", "s"),
    ("ms", "ms"),
    ("us", "µs"),
    ("ns", "ns"),
    ("min", "m"),
    ("h", "h"),
    ("d", "d"),
    ("By", "bytes"),
    ("1", "percentunit"),
    ("%", "percent"),
];

/// A section for the ratios, one for totals, and one for each kind of instrument.
pub(super) fn sections(model: &Model) -> Vec<(String, Vec<Draft>)> {
    let mut sections: Vec<(String, Vec<Draft>)> = Vec::new();
    sections.push((
        "Ratios".to_owned(),
        model.ratios.iter().filter_map(|ratio| of_ratio(ratio, model)).collect(),
    ));
    let totals = model.business().filter(|metric| metric.kind == InstrumentKind::Counter).map(total);
    sections.push(("In the selected time".to_owned(), totals.collect()));
    for (title, kind) in [
        ("Over time", InstrumentKind::Counter),
        ("Distributions", InstrumentKind::Histogram),
        ("Levels", InstrumentKind::UpDownCounter),
        ("Last values", InstrumentKind::Gauge),
    ] {
        let metrics = model.business().filter(|metric| metric.kind == kind);
        sections.push((title.to_owned(), metrics.flat_map(over_time).collect()));
    }
    sections
}

/// How much of a counter came together.
fn total(metric: &Metric) -> Draft {
    let expr = format!("sum(increase({}{{{SELECTED}}}[{RANGE}])) or vector(0)", metric.prometheus);
    draft(metric, spoken(&metric.name), "Total in the selected time.", unit(&metric.unit), Look::Number)
        .with(vec![DraftQuery::new("", expr)])
}

fn over_time(metric: &Metric) -> Vec<Draft> {
    match metric.kind {
        InstrumentKind::Counter => split(metric, &|by| {
            let expr = format!("60 * sum by ({by}) (rate({}{{{SELECTED}}}[{RATE}]))", metric.prometheus);
            (expr, "Per minute.", unit(&metric.unit), Look::Stack)
        }),
        InstrumentKind::Histogram => distribution(metric),
        InstrumentKind::UpDownCounter => split(metric, &|by| {
            let expr = format!("sum by ({by}) ({}{{{SELECTED}}})", metric.prometheus);
            (expr, "The sum over all programs.", unit(&metric.unit), Look::Stack)
        }),
        InstrumentKind::Gauge => split(metric, &|by| {
            let expr = format!("max by ({by}) ({}{{{SELECTED}}})", metric.prometheus);
            (expr, "The last value; the highest, where there are several.", unit(&metric.unit), Look::Lines)
        }),
    }
}

/// One panel for each label, or one by program for a metric without labels.
fn split(metric: &Metric, query: &dyn Fn(&str) -> (String, &'static str, String, Look)) -> Vec<Draft> {
    let panel = |label: &str, by: &str| {
        let (expr, note, unit, look) = query(label);
        let title = format!("{}{by}", spoken(&metric.name));
        draft(metric, title, note, unit, look).with(vec![DraftQuery::new(format!("{{{{{label}}}}}"), expr)])
    };
    if metric.labels.is_empty() {
        return vec![panel(SERVICE, " over time")];
    }
    let labels = metric.labels.iter();
    labels
        .map(|label| panel(&label.prometheus(), &format!(" by {}", label.key.replace(['_', '.'], " "))))
        .collect()
}

/// The quantiles of a histogram over all labels, and by each label.
fn distribution(metric: &Metric) -> Vec<Draft> {
    let quantile = |quantile: f64, by: &str| {
        let series = format!("{}_bucket{{{SELECTED}}}[{RATE}]", metric.prometheus);
        format!("histogram_quantile({quantile}, sum by (le{by}) (rate({series})))")
    };
    let all = [0.5, 0.95, 0.99].map(|part| DraftQuery::new(format!("p{}", part * 100.0), quantile(part, "")));
    let note = "Half, 95 and 99 of 100 values are lower.";
    let title = spoken(&metric.name);
    let whole = draft(metric, title.clone(), note, unit(&metric.unit), Look::Quantiles).with(all.into());
    let split = metric.labels.iter().map(|label| {
        let (name, word) = (label.prometheus(), label.key.replace(['_', '.'], " "));
        let query = DraftQuery::new(format!("{{{{{name}}}}}"), quantile(0.95, &format!(", {name}")));
        draft(
            metric,
            format!("{title} by {word}"),
            "95 of 100 values are lower.",
            unit(&metric.unit),
            Look::Quantiles,
        )
        .with(vec![query])
    });
    std::iter::once(whole).chain(split).collect()
}

/// A declared ratio, over the selected time and over its course.
fn of_ratio(ratio: &Ratio, model: &Model) -> Option<Draft> {
    let (of, per) = (model.find(&ratio.of)?, model.find(&ratio.per)?);
    let sum = |metric: &Metric, part: &str| match metric.kind {
        InstrumentKind::Counter => format!("sum(increase({}{{{SELECTED}}}[{RANGE}]))", metric.prometheus),
        InstrumentKind::Histogram => {
            format!("sum(increase({}{part}{{{SELECTED}}}[{RANGE}]))", metric.prometheus)
        }
        InstrumentKind::UpDownCounter | InstrumentKind::Gauge => {
            format!("sum({}{{{SELECTED}}})", metric.prometheus)
        }
    };
    let expr = format!("({} or vector(0)) / ({} > 0)", sum(of, "_sum"), sum(per, "_count"));
    let description = if ratio.description.is_empty() {
        format!("`{}` divided by `{}`, in the selected time.", ratio.of, ratio.per)
    } else {
        format!("{}; in the selected time.", ratio.description.trim_end_matches('.'))
    };
    let queries = vec![DraftQuery::new("", expr)];
    Some(Draft {
        title: ratio.title.clone(),
        description,
        unit: unit(&ratio.unit),
        look: Look::Number,
        queries,
    })
}

fn draft(metric: &Metric, title: String, note: &str, unit: String, look: Look) -> Draft {
    let description = format!("{}. {note}", metric.description.trim_end_matches('.'));
    Draft { title, description, unit, look, queries: Vec::new() }
}

impl Draft {
    fn with(self, queries: Vec<DraftQuery>) -> Self {
        Self { queries, ..self }
    }
}

/// The unit as Grafana names it. A word in braces is not shown, because the title says it.
fn unit(ucum: &str) -> String {
    let word = ucum.trim_start_matches('{').trim_end_matches('}');
    if CURRENCIES.contains(&word) {
        return format!("currency{word}");
    }
    match UNITS.iter().find(|(symbol, _)| *symbol == ucum) {
        Some((_, unit)) => (*unit).to_owned(),
        None if ucum.is_empty() || ucum.starts_with('{') => "short".to_owned(),
        None => format!("suffix: {ucum}"),
    }
}

/// A name as words: `shop.orders` is "Shop orders".
fn spoken(name: &str) -> String {
    let words = name.replace(['.', '_', '-', '/'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
