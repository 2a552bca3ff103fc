//! What agents tell each other of their work without OpenTelemetry: the traceability extension.
//!
//! Source: `a2aproject/a2a-samples`, `extensions/traceability/v1`. Its text and its implementation differ; this is the form
//! that the implementation writes.

mod read;
mod tell;

use ::a2a::AgentExtension;
use a2a_client::ServiceParams;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

pub(super) use self::read::record;
pub(super) use self::tell::Telling;
use crate::semconv::openinference::SPAN_KIND as KIND;

/// What activates it.
const URI: &str = "https://github.com/a2aproject/a2a-samples/extensions/traceability/v1";

/// Where it stands in the metadata.
const KEY: &str = "github.com/a2aproject/a2a-samples/extensions/traceability/v1/traceability";

/// An agent must not fill another's traces.
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
    /// In milliseconds. A number is not whole where it has been through a protocol buffer.
    latency: Option<Number>,
    error: Option<Value>,
}

/// What an agent's card says of an agent that tells of its work, where it is asked:
/// [`TracedHandler::traceability`](super::TracedHandler::traceability).
///
/// ```
/// use a2a::AgentCapabilities;
///
/// let extensions = vec![a2a_otel::a2a::traceability_extension()];
/// let capabilities = AgentCapabilities { extensions: Some(extensions), ..AgentCapabilities::default() };
/// ```
#[must_use]
pub fn traceability_extension() -> AgentExtension {
    let description = "Tells of the steps behind an answer";
    let description = Some(description.to_owned());
    AgentExtension { uri: URI.to_owned(), description, required: Some(false), params: None }
}

/// Asks the agent for it.
pub(super) fn ask(params: &mut ServiceParams) {
    if !is_asked(params) {
        params.entry(::a2a::SVC_PARAM_EXTENSIONS.to_owned()).or_default().push(URI.to_owned());
    }
}

/// Whether a caller asks for it.
fn is_asked(params: &ServiceParams) -> bool {
    let names = |(name, _): &(&String, _)| name.eq_ignore_ascii_case(::a2a::SVC_PARAM_EXTENSIONS);
    let lists = params.iter().filter(names).flat_map(|(_, lists)| lists);
    lists.flat_map(|list| list.split(',')).any(|uri| uri.trim() == URI)
}
