//! The rows of the table: what is measured, with which alternatives it is compared, and the targets.

use crate::measure::{Figure, Variant};
use crate::{call, capture, compile, conversation, figures, hop, mcp, metric, pipeline, poll, scrape, size};

// The alternatives.
pub(crate) const PLAIN: &str = "plain";
pub(crate) const OURS: &str = "ours";
pub(crate) const BY_HAND: &str = "OTel API by hand";
/// Without a status, and with a span that ends when it is dropped.
pub(crate) const BY_HAND_BARE: &str = "OTel API by hand, no status";
pub(crate) const TRACER_KEPT: &str = "OTel API by hand, tracer kept";
/// As a library keeps it that has a meter provider from the start, and none that is replaced.
pub(crate) const INSTRUMENT_KEPT: &str = "OTel API by hand, kept instrument";
pub(crate) const TRACING: &str = "tracing + tracing-opentelemetry";
pub(crate) const NO_SUBSCRIBER: &str = "tracing without subscriber";
pub(crate) const FASTRACE: &str = "fastrace";
/// Without the work of the thread that passes the spans to the reporter.
pub(crate) const FASTRACE_CALLER: &str = "fastrace, caller's thread only";
/// Each call is a separate trace, as with the other alternatives.
pub(crate) const FASTRACE_ROOTS: &str = "fastrace, each call a root";
pub(crate) const SERDE: &str = "serde_json of both + empty span";
pub(crate) const SERDE_ONCE: &str = "serde_json once + empty span";
/// The SDK's processor; in the rows that send spans, with opentelemetry-otlp.
pub(crate) const SDK_BATCH: &str = "OTel SDK's batch processor";
/// With the crate `prometheus`, to text 0.0.4.
/// The same before something exports exemplars.
pub(crate) const NO_EXEMPLARS: &str = "ours without exemplars";
pub(crate) const PROMETHEUS: &str = "opentelemetry-prometheus";
pub(crate) const OPEN_METRICS: &str = "ours in OpenMetrics";
/// A span on each side: `#[instrument]` here, `TraceLayer` there.
pub(crate) const TOWER_HTTP: &str = "tower-http + tracing-opentelemetry";
pub(crate) const INSTRUMENT: &str = "#[instrument(err, fields)]";
pub(crate) const INSTRUMENT_RET: &str = "#[instrument(err, ret, fields)]";
/// The same call in a process whose subscriber has no bridge.
pub(crate) const NO_STAND_IN: &str = "ours without it";
/// The same call while no meter provider is set.
pub(crate) const WITHOUT_METRICS: &str = "ours, no meter provider";
pub(crate) const SKIP_ALL: &str = "ours with skip_all";

pub(crate) struct Row {
    /// The name on the command line and for the child process.
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    /// Whether the figures are differences from `PLAIN`.
    pub(crate) over_plain: bool,
    /// The environment of the process.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    pub(crate) measure: Measure,
    pub(crate) beside: &'static [(&'static str, Target)],
}

pub(crate) enum Measure {
    /// Calls that are timed, in a separate process, because their state is process-wide.
    Calls { a_round: u32, variants: fn() -> Vec<Variant> },
    /// Figures that are not times.
    Figures(fn() -> Vec<Figure>),
}

/// The target for ours, relative to theirs.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// At most this many times theirs.
    AtMost(f64),
    /// Less than this many times theirs.
    Below(f64),
    /// Theirs plus at most this much.
    Plus(f64),
    /// No target: only for information.
    Ratio,
    Difference,
}

use Target::{AtMost, Below, Difference, Plus, Ratio};

/// Telemetry is on, and no exporter follows the span processor.
const ON: &[(&str, &str)] = &[("OTEL_TRACES_EXPORTER", "none")];
const OFF_BY_SAMPLER: &[(&str, &str)] =
    &[("OTEL_TRACES_EXPORTER", "none"), ("OTEL_TRACES_SAMPLER", "always_off")];
const DISABLED: &[(&str, &str)] = &[("OTEL_SDK_DISABLED", "true")];

const fn calls(
    name: &'static str,
    what: &'static str,
    environment: &'static [(&'static str, &'static str)],
    variants: fn() -> Vec<Variant>,
    beside: &'static [(&'static str, Target)],
) -> Row {
    let measure = Measure::Calls { a_round: 2_000, variants };
    Row { name, what, unit: "ns", over_plain: false, environment, measure, beside }
}

const fn future_size(name: &'static str, what: &'static str, figures: fn() -> Vec<Figure>) -> Row {
    let beside =
        &[(PLAIN, Plus(48.0)), (SKIP_ALL, Difference), (TRACING, Difference), (FASTRACE, Difference)];
    let measure = Measure::Figures(figures);
    Row { name, what, unit: "bytes", over_plain: false, environment: &[], measure, beside }
}

const fn compiled(
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    figures: fn() -> Vec<Figure>,
    beside: &'static [(&'static str, Target)],
) -> Row {
    let measure = Measure::Figures(figures);
    Row { name, what, unit, over_plain: true, environment: &[], measure, beside }
}

pub(crate) const ROWS: &[Row] = &[
    calls(
        "span sampled",
        "sampled span, 10 attributes",
        ON,
        call::sampled,
        &[
            (BY_HAND, AtMost(1.15)),
            (BY_HAND_BARE, AtMost(1.40)),
            (TRACING, AtMost(0.28)),
            (FASTRACE, Below(0.5)),
            (FASTRACE_CALLER, Ratio),
            (FASTRACE_ROOTS, Ratio),
        ],
    ),
    calls(
        "span over a global provider",
        "sampled span over an own provider",
        &[],
        call::global,
        &[(BY_HAND, AtMost(1.15)), (BY_HAND_BARE, AtMost(1.40))],
    ),
    calls(
        "span dropped over a global provider",
        "the same, dropped by its sampler",
        OFF_BY_SAMPLER,
        call::global,
        &[(BY_HAND, AtMost(1.10)), (BY_HAND_BARE, Ratio)],
    ),
    calls(
        "span below unsampled parent",
        "parent not sampled",
        ON,
        call::below_unsampled,
        &[(TRACING, AtMost(0.02)), (BY_HAND, Ratio), (FASTRACE, Ratio)],
    ),
    calls(
        "span dropped by sampler",
        "root that the sampler drops",
        OFF_BY_SAMPLER,
        call::dropped,
        &[(TRACING, AtMost(0.15)), (BY_HAND, Ratio)],
    ),
    calls(
        "span with a stand-in",
        "sampled span, known to tracing",
        ON,
        call::with_stand_in,
        &[(NO_STAND_IN, Difference), (TRACING, Ratio)],
    ),
    calls(
        "span disabled",
        "disabled at run time",
        DISABLED,
        call::disabled,
        &[(FASTRACE, Below(0.5)), (NO_SUBSCRIBER, Ratio), (PLAIN, Ratio)],
    ),
    calls(
        "span without provider",
        "neither init nor a global provider",
        &[],
        call::without_provider,
        &[(BY_HAND, AtMost(1.0)), (TRACER_KEPT, Ratio)],
    ),
    calls(
        "metric counted",
        "call counted, a static label",
        ON,
        metric::count,
        &[(INSTRUMENT_KEPT, AtMost(2.0)), (PLAIN, Difference)],
    ),
    calls(
        "metric copied",
        "call counted, a label that is copied",
        ON,
        metric::count_copied,
        &[(INSTRUMENT_KEPT, AtMost(2.0))],
    ),
    calls("metric timed", "call timed, a static label", ON, metric::time, &[(INSTRUMENT_KEPT, AtMost(2.0))]),
    Row {
        measure: Measure::Calls { a_round: 80_000, variants: metric::count_on_threads },
        ..calls(
            "metric threads",
            "call counted, on four threads",
            ON,
            metric::count_on_threads,
            &[(INSTRUMENT_KEPT, AtMost(2.0))],
        )
    },
    calls(
        "metric without provider",
        "metric, no meter provider",
        &[],
        metric::without_provider,
        &[(PLAIN, Plus(10.0))],
    ),
    calls(
        "metric disabled",
        "metric, disabled at run time",
        DISABLED,
        metric::disabled,
        &[(PLAIN, Plus(10.0))],
    ),
    compiled(
        "metric scraped",
        "a scrape of 10,000 series",
        "ms CPU",
        scrape::figures,
        &[(PROMETHEUS, AtMost(1.0)), (OPEN_METRICS, Ratio)],
    ),
    calls(
        "metric exemplar",
        "call counted in a sampled span, kept as exemplar",
        ON,
        metric::count_with_exemplar,
        &[(NO_EXEMPLARS, Plus(50.0))],
    ),
    calls(
        "figures sampled tool",
        "what metrics add to a sampled tool",
        ON,
        figures::sampled_tool,
        &[(WITHOUT_METRICS, Plus(100.0)), (BY_HAND, Difference)],
    ),
    calls(
        "figures sampled agent",
        "what metrics add to a sampled agent",
        ON,
        figures::sampled_agent,
        &[(WITHOUT_METRICS, Plus(100.0)), (BY_HAND, Difference)],
    ),
    calls(
        "figures unsampled tool",
        "what metrics add to an unsampled tool",
        ON,
        figures::unsampled_tool,
        &[(WITHOUT_METRICS, Plus(60.0)), (BY_HAND, Difference)],
    ),
    calls(
        "figures unsampled agent",
        "what metrics add to an unsampled agent",
        ON,
        figures::unsampled_agent,
        &[(WITHOUT_METRICS, Plus(60.0)), (BY_HAND, Difference)],
    ),
    Row {
        over_plain: true,
        ..calls(
            "poll",
            "each further poll",
            ON,
            poll::variants,
            &[(TRACING, AtMost(0.25)), (BY_HAND, Ratio), (FASTRACE, Ratio)],
        )
    },
    future_size("size of nothing", "future, no argument", size::nothing),
    future_size("size of number", "future, a u64", size::number),
    future_size("size of local", "future, a local of 4 KiB", size::local),
    future_size("size of arguments", "future, four arguments of 64 bytes", size::arguments),
    Row {
        measure: Measure::Calls { a_round: 50, variants: capture::variants },
        ..calls("capture", "input and output of 10 kB", ON, capture::variants, &[(SERDE, AtMost(1.15))])
    },
    Row {
        measure: Measure::Calls { a_round: 50, variants: conversation::variants },
        ..calls(
            "conversation",
            "request of 100 messages read",
            ON,
            conversation::variants,
            &[(SERDE_ONCE, AtMost(1.3))],
        )
    },
    Row {
        measure: Measure::Calls { a_round: 20, variants: hop::variants },
        ..calls(
            "hop whole",
            "A2A call over HTTP, both sides",
            ON,
            hop::variants,
            &[(PLAIN, Ratio), (TOWER_HTTP, Ratio)],
        )
    },
    Row {
        measure: Measure::Calls { a_round: 20, variants: hop::variants },
        over_plain: true,
        ..calls("hop added", "what is added to the call", ON, hop::variants, &[(TOWER_HTTP, Ratio)])
    },
    Row {
        measure: Measure::Calls { a_round: 50, variants: mcp::variants },
        ..calls("mcp hop", "MCP call over pipes, both sides", ON, mcp::variants, &[(PLAIN, Ratio)])
    },
    Row {
        measure: Measure::Calls { a_round: 500, variants: pipeline::ends },
        ..calls(
            "pipeline end",
            "a span started, ended and queued",
            &[],
            pipeline::ends,
            &[(SDK_BATCH, AtMost(1.0))],
        )
    },
    compiled("pipeline sent", "a span of 2 kB sent", "µs CPU", pipeline::sent, &[(SDK_BATCH, AtMost(0.667))]),
    compiled(
        "pipeline compressed",
        "a span of 2 kB compressed and sent",
        "µs CPU",
        pipeline::sent_compressed,
        &[(SDK_BATCH, AtMost(0.667))],
    ),
    compiled(
        "compile check",
        "`cargo check` of 1,000 functions",
        "s CPU",
        compile::check,
        &[(INSTRUMENT, AtMost(0.20)), (INSTRUMENT_RET, Ratio), (FASTRACE, Below(0.5)), (SKIP_ALL, Ratio)],
    ),
    compiled(
        "compile build",
        "`cargo build` of 1,000 functions",
        "s CPU",
        compile::build,
        &[(INSTRUMENT, AtMost(0.25)), (INSTRUMENT_RET, Ratio), (FASTRACE, Below(0.5)), (SKIP_ALL, Ratio)],
    ),
    compiled(
        "compile text",
        "`.text` a function, release",
        "bytes",
        compile::text,
        &[(INSTRUMENT, AtMost(0.4)), (INSTRUMENT_RET, Ratio), (FASTRACE, Ratio), (SKIP_ALL, Ratio)],
    ),
];
