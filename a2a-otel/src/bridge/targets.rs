//! Which targets the bridge ignores.

/// Libraries whose spans are ignored: those that send telemetry, whose spans would describe the sending itself, and
/// rmcp, whose spans last as long as a service or a session.
const IGNORED: [&str; 9] =
    ["h2", "hyper", "hyper_util", "reqwest", "rmcp", "rustls", "tonic", "tower", "ureq"];

pub(super) fn is_ignored(target: &str) -> bool {
    let within =
        |name| target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    target.starts_with("opentelemetry") || IGNORED.iter().any(|name| within(*name))
}
