//! The traceability extension, by which agents report their work to each other without OpenTelemetry.
//!
//! Source: `a2aproject/a2a-samples`, `extensions/traceability/v1`. Its specification and its implementation differ;
//! this is the form that the implementation writes.

mod read;
mod report;

use ::a2a::AgentExtension;
use a2a_client::ServiceParams;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

pub(super) use self::read::record;
pub(super) use self::report::Reporter;
use crate::semconv::openinference::SPAN_KIND as KIND;

/// The URI that activates it.
const URI: &str = "https://github.com/a2aproject/a2a-samples/extensions/traceability/v1";

/// Its key in the metadata.
const KEY: &str = "github.com/a2aproject/a2a-samples/extensions/traceability/v1/traceability";

/// The most steps that are read, so that an agent cannot fill another's traces.
const MOST_STEPS: usize = 1000;

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResponseTrace {
    trace_id: Option<String>,
    steps: Vec<Value>,
}

#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Step {
    #[serde(rename = "step_id")]
    id: String,
    trace_id: Option<String>,
    #[serde(rename = "parent_step_id")]
    parent: Option<String>,
    /// `AGENT`, `TOOL` or `HOST`.
    call_type: Option<String>,
    name: Option<String>,
    parameters: Option<Value>,
    requests: Option<Value>,
    total_tokens: Option<Number>,
    additional_attributes: Option<Map<String, Value>>,
    start_time: Option<String>,
    end_time: Option<String>,
    /// In milliseconds. The number is not whole if it has been through a protocol buffer.
    latency: Option<Number>,
    error: Option<Value>,
}

/// Returns the entry for the card of an agent that reports its work when it is asked to:
///
/// ```
/// use a2a::AgentCapabilities;
///
/// let extensions = vec![a2a_otel::a2a::traceability_extension()];
/// let capabilities = AgentCapabilities { extensions: Some(extensions), ..AgentCapabilities::default() };
/// ```
#[must_use]
pub fn traceability_extension() -> AgentExtension {
    let description = "Reports the steps behind an answer";
    let description = Some(description.to_owned());
    AgentExtension { uri: URI.to_owned(), description, required: Some(false), params: None }
}

/// Asks the agent to report its work.
pub(super) fn ask(params: &mut ServiceParams) {
    if !is_asked(params) {
        params.entry(::a2a::SVC_PARAM_EXTENSIONS.to_owned()).or_default().push(URI.to_owned());
    }
}

/// Returns whether the caller asks for a report.
fn is_asked(params: &ServiceParams) -> bool {
    let names = |(name, _): &(&String, _)| name.eq_ignore_ascii_case(::a2a::SVC_PARAM_EXTENSIONS);
    let lists = params.iter().filter(names).flat_map(|(_, lists)| lists);
    lists.flat_map(|list| list.split(',')).any(|uri| uri.trim() == URI)
}
