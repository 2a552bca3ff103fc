//! The credentials that a request passes on to other servers. They are never recorded.
//!
//! Sources: the API references of Anthropic (`mcp_servers`), OpenAI (tools of the type `mcp`), Azure OpenAI (`data_sources`)
//! and `LiteLLM` (`api_key`, `extra_headers`).

use std::borrow::Cow;
use std::ops::Range;

use crate::capture::REDACTED;
use crate::json::Node;

/// The lists whose items may have credentials. The request itself may have some as well.
const HOLDERS: &[&str] = &["mcp_servers", "tools", "data_sources", "dataSources"];

const NAMES: &[&str] = &[
    "access_token",
    "api_key",
    "apiKey",
    "authentication",
    "authorization",
    "authorization_token",
    "extra_headers",
    "headers",
];

/// Where credentials are in the text of a request, in order.
pub(super) fn places(request: Node<'_>) -> Vec<Range<usize>> {
    let items = HOLDERS.iter().flat_map(|list| request.list(list));
    let mut places: Vec<_> = std::iter::once(request).chain(items).flat_map(own_places).collect();
    places.sort_unstable_by_key(|place| place.start);
    places
}

/// The credentials of one object, or of its parameters.
fn own_places(holder: Node<'_>) -> impl Iterator<Item = Range<usize>> {
    let is_secret = |(name, value): &(&str, Node<'_>)| {
        NAMES.contains(name) && (value.is_text() || value.is_object() || value.is_list())
    };
    let parameters = holder.get("parameters").into_iter().flat_map(Node::entries);
    holder.entries().chain(parameters).filter(is_secret).map(|(_, value)| value.range())
}

/// A JSON text without what is at these places.
pub(super) fn replaced(text: &str, places: &[Range<usize>]) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut kept = 0;
    for place in places {
        replaced.extend([&text[kept..place.start], "\"", REDACTED, "\""]);
        kept = place.end;
    }
    replaced.push_str(&text[kept..]);
    replaced
}

/// The JSON of a tool, without its credentials.
pub(super) fn without(tool: Node<'_>) -> Cow<'_, str> {
    let start = tool.range().start;
    let places: Vec<_> = own_places(tool).map(|place| place.start - start..place.end - start).collect();
    if places.is_empty() { tool.raw().into() } else { replaced(tool.raw(), &places).into() }
}
