//! Telemetry with one sampler, and what it has recorded.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use a2a_otel::Telemetry;
use a2a_otel::metrics::{Instrument, MetricsSnapshot, Reading};
use a2a_otel::semconv::{GenAiVersion, metrics};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler};

/// Which spans are sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sampled {
    All,
    Half,
    None,
}

pub(crate) const EACH: [Sampled; 3] = [Sampled::All, Sampled::Half, Sampled::None];

/// The figures that our own rows have, by name and labels: how many values, and their sum.
pub(crate) type Figures = BTreeMap<(String, BTreeMap<String, String>), (u64, f64)>;

pub(crate) fn take_turns() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn start(sampled: Sampled, version: GenAiVersion) -> Telemetry {
    let chosen = match sampled {
        Sampled::All => Sampler::AlwaysOn,
        Sampled::Half => Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(0.5))),
        Sampled::None => Sampler::AlwaysOff,
    };
    let builder = Telemetry::builder().tracing(false).gen_ai_version(version).sampler(chosen);
    builder.span_exporter(InMemorySpanExporter::default()).init().expect("valid settings")
}

/// What is recorded while this runs. All servers and tasks of `run` have ended when it returns.
pub(crate) fn recorded(sampled: Sampled, version: GenAiVersion, run: impl FnOnce()) -> MetricsSnapshot {
    let _turn = take_turns();
    let telemetry = start(sampled, version);
    run();
    telemetry.metrics()
}

/// What the operations of the table have recorded.
pub(crate) fn figures(snapshot: &MetricsSnapshot) -> Figures {
    let ours =
        snapshot.instruments().filter(|it| metrics::find(&it.name).is_some() && !is_of_pipeline(&it.name));
    ours.flat_map(of_instrument).collect()
}

/// Whether a row is about the sending of spans, which depends on how many there are.
pub(crate) fn is_of_pipeline(name: &str) -> bool {
    const OTHERS: &[&str] = &[
        "otel.sdk.",
        "a2a_otel.queue.",
        "a2a_otel.spool.",
        "process.",
        "tokio.",
        "gen_ai.client.cost",
        "gen_ai.client.unpriced_calls",
    ];
    OTHERS.iter().any(|prefix| name.starts_with(prefix))
}

fn of_instrument(
    instrument: &Instrument,
) -> impl Iterator<Item = ((String, BTreeMap<String, String>), (u64, f64))> + '_ {
    instrument.points.iter().map(|point| {
        let values = match &point.reading {
            // How long something takes differs from run to run.
            Reading::Distribution(all) => (all.count, if instrument.unit == "s" { 0.0 } else { all.sum }),
            Reading::Sum(sum) | Reading::Last(sum) => (1, *sum),
            other => panic!("{other:?}"),
        };
        ((instrument.name.clone(), point.attributes.clone()), values)
    })
}

/// How many values have these labels, among others.
pub(crate) fn count(snapshot: &MetricsSnapshot, name: &str, labels: &[(&str, &str)]) -> u64 {
    sum_of(snapshot, name, labels, |reading| match reading {
        Reading::Distribution(all) => all.count,
        _ => 1,
    })
}

/// The sum of the values that have these labels, among others.
pub(crate) fn sum(snapshot: &MetricsSnapshot, name: &str, labels: &[(&str, &str)]) -> f64 {
    sum_of(snapshot, name, labels, |reading| match reading {
        Reading::Distribution(all) => all.sum,
        Reading::Sum(sum) | Reading::Last(sum) => *sum,
        other => panic!("{other:?}"),
    })
}

fn sum_of<N: std::iter::Sum>(
    snapshot: &MetricsSnapshot,
    name: &str,
    labels: &[(&str, &str)],
    read: impl Fn(&Reading) -> N,
) -> N {
    let has = |attributes: &BTreeMap<String, String>| {
        labels.iter().all(|(key, value)| attributes.get(*key).is_some_and(|own| own == value))
    };
    snapshot
        .points(name)
        .iter()
        .filter(|point| has(&point.attributes))
        .map(|point| read(&point.reading))
        .sum()
}
