//! The counts of the pipeline as metrics.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use crate::pipeline::{Backend, Census, Loss};
use crate::semconv::metrics::BuiltIn;
use crate::semconv::metrics::sdk::{
    COMPONENT_NAME, COMPONENT_TYPE, DURATION, EXPORTED, INFLIGHT, PROCESSED, QUEUE_BYTES, QUEUE_CAPACITY,
    QUEUE_SIZE, RECOVERED, REPLAYED, SAMPLING_RESULT, SPAN_LIVE, SPAN_STARTED, SPOOLED,
};
use crate::semconv::opentelemetry::ERROR_TYPE;

/// Creates instruments that read the counts of exporters and spans whenever metrics are collected.
/// If several pipelines may have the same meter, `shared` is the number of the first exporter, which is then named for the
/// spans too: callbacks with the same attributes would overwrite each other's values.
pub(crate) fn observe(meter: &Meter, backends: &[Backend], shared: Option<usize>) -> Arc<Census> {
    let census = Arc::default();
    observe_spans(meter, &census, shared.map(|first| component(PROCESSOR, first)));
    let backends: Arc<[Named]> = (shared.unwrap_or_default()..).zip(backends).map(Named::new).collect();
    for Named { backend, exporter, .. } in &*backends {
        let BuiltIn { name, unit, description, .. } = DURATION;
        let durations = meter.f64_histogram(name).with_unit(unit).with_description(description).build();
        backend.time_requests(durations, exporter.to_vec());
    }
    let count = |metric, source: Source| counter(meter, metric, &backends, source);
    let gauge = |metric, source: Source| up_down_counter(meter, metric, &backends, source);
    count(PROCESSED, |of, observe| {
        let delivery = of.backend.delivery();
        let lost = |loss: Loss| delivery.dropped.get(loss.reason()).copied().unwrap_or_default();
        let before = [(Loss::QueueFull, "queue_full"), (Loss::TooLate, "already_shutdown")];
        let lost_before: u64 = before.iter().map(|(loss, _)| lost(*loss)).sum();
        observe(delivery.generated - lost_before - delivery.waiting(), &of.processor, None);
        for (loss, error) in before {
            observe(lost(loss), &of.processor, Some(error));
        }
    });
    count(EXPORTED, |of, observe| {
        let delivery = of.backend.delivery();
        observe(delivery.delivered + delivery.replayed, &of.exporter, None);
        for (reason, spans) in delivery.dropped {
            let error = if reason == Loss::Rejected.reason() { "rejected" } else { reason };
            observe(spans, &of.exporter, Some(error));
        }
    });
    gauge(INFLIGHT, |of, observe| observe(of.backend.inflight(), &of.exporter, None));
    gauge(QUEUE_SIZE, |of, observe| observe(of.backend.queue().spans as u64, &of.processor, None));
    gauge(QUEUE_BYTES, |of, observe| observe(of.backend.queue().bytes as u64, &of.processor, None));
    gauge(QUEUE_CAPACITY, |of, observe| observe(of.backend.queue().capacity as u64, &of.processor, None));
    gauge(SPOOLED, |of, observe| observe(of.backend.delivery().spooled, &of.exporter, None));
    count(RECOVERED, |of, observe| observe(of.backend.delivery().recovered, &of.exporter, None));
    count(REPLAYED, |of, observe| observe(of.backend.delivery().replayed, &of.exporter, None));
    census
}

/// An exporter, and the conventions' names for its processor and exporter.
struct Named {
    backend: Backend,
    processor: [KeyValue; 2],
    exporter: [KeyValue; 2],
}

impl Named {
    fn new((number, backend): (usize, &Backend)) -> Self {
        let exporter = component(backend.exporter_type(), number);
        Named { backend: backend.clone(), processor: component(PROCESSOR, number), exporter }
    }
}

/// The type of our processors.
const PROCESSOR: &str = "a2a_otel_span_processor";

fn component(kind: &'static str, number: usize) -> [KeyValue; 2] {
    [KeyValue::new(COMPONENT_TYPE, kind), KeyValue::new(COMPONENT_NAME, format!("{kind}/{number}"))]
}

/// Takes a number, its component, and the type of error that it counts.
type Observe<'a> = dyn FnMut(u64, &[KeyValue; 2], Option<&'static str>) + 'a;

/// Reads the numbers of one exporter.
type Source = fn(&Named, &mut Observe<'_>);

fn observe_spans(meter: &Meter, census: &Arc<Census>, component: Option<[KeyValue; 2]>) {
    let sampled = KeyValue::new(SAMPLING_RESULT, "RECORD_AND_SAMPLE");
    let key: Arc<[_]> = [sampled].into_iter().chain(component.into_iter().flatten()).collect();
    let BuiltIn { name, unit, description, .. } = SPAN_STARTED;
    let (counted, attributes) = (census.clone(), key.clone());
    let started = move |observer: &dyn AsyncInstrument<u64>| {
        observer.observe(counted.spans_started(), &attributes);
    };
    meter
        .u64_observable_counter(name)
        .with_unit(unit)
        .with_description(description)
        .with_callback(started)
        .build();
    let BuiltIn { name, unit, description, .. } = SPAN_LIVE;
    let counted = census.clone();
    let live = move |observer: &dyn AsyncInstrument<i64>| {
        observer.observe(counted.spans_alive().cast_signed(), &key);
    };
    meter
        .i64_observable_up_down_counter(name)
        .with_unit(unit)
        .with_description(description)
        .with_callback(live)
        .build();
}

fn counter(
    meter: &Meter,
    BuiltIn { name, unit, description, .. }: BuiltIn,
    of: &Arc<[Named]>,
    source: Source,
) {
    let of = of.clone();
    let callback = move |observer: &dyn AsyncInstrument<u64>| {
        observe_all(&of, source, |number, key| observer.observe(number, key));
    };
    meter
        .u64_observable_counter(name)
        .with_unit(unit)
        .with_description(description)
        .with_callback(callback)
        .build();
}

fn up_down_counter(
    meter: &Meter,
    BuiltIn { name, unit, description, .. }: BuiltIn,
    of: &Arc<[Named]>,
    source: Source,
) {
    let of = of.clone();
    let callback = move |observer: &dyn AsyncInstrument<i64>| {
        observe_all(&of, source, |number, key| observer.observe(number.cast_signed(), key));
    };
    meter
        .i64_observable_up_down_counter(name)
        .with_unit(unit)
        .with_description(description)
        .with_callback(callback)
        .build();
}

fn observe_all(of: &[Named], source: Source, mut observe: impl FnMut(u64, &[KeyValue])) {
    for named in of {
        source(named, &mut |number, component, error| {
            let error = error.map(|error| KeyValue::new(ERROR_TYPE, error));
            let attributes: Vec<_> = component.iter().cloned().chain(error).collect();
            observe(number, &attributes);
        });
    }
}
