//! Reads the span and the annotation back from Phoenix.

use std::thread;
use std::time::{Duration, Instant};

use a2a_otel::Telemetry;
use a2a_otel::phoenix::PhoenixError;
use a2a_otel::settings::Protocol;
use serde_json::Value;

use super::check::{Check, Section};
use super::receiver::rounded;
use super::sending::{ANNOTATION, Absent, Ids, Sent};

/// Examines the Phoenix that spans go to, if they do.
pub(super) fn examine(telemetry: &Telemetry, sent: &Sent, timeout: Duration) -> Option<Section> {
    let checks = match (&sent.phoenix, &sent.span) {
        (Err(Absent::NoSpans), _) => return None,
        (Err(Absent::NoPhoenix(error)), _) => vec![absent(telemetry, error)],
        (Ok(version), None) => vec![Check::ok("phoenix.version", format!("Phoenix {version} answers"))],
        (Ok(version), Some(ids)) => {
            let mut checks = vec![Check::ok("phoenix.version", format!("Phoenix {version} answers"))];
            let phoenix = Phoenix { telemetry, ids, timeout };
            checks.extend(phoenix.stored(sent));
            checks
        }
    };
    Some(Section { id: "phoenix", title: "Phoenix".to_owned(), checks })
}

/// Why there is nothing to ask.
fn absent(telemetry: &Telemetry, error: &PhoenixError) -> Check {
    let id = "phoenix.version";
    if telemetry.settings().protocol == Protocol::Grpc {
        return Check::skipped(
            id,
            "over gRPC, the endpoint does not show where Phoenix's REST interface is, so annotations would be dropped",
            "send over HTTP to Phoenix's port 6006, if you annotate",
        );
    }
    let reason = match error {
        PhoenixError::Unanswered(_) => error.to_string(),
        _ => "the receiver does not say that it is a Phoenix, so annotations would be dropped".to_owned(),
    };
    Check::skipped(id, reason, "nothing, unless it is one; then the endpoint has to end in /v1/traces")
}

struct Phoenix<'a> {
    telemetry: &'a Telemetry,
    ids: &'a Ids,
    timeout: Duration,
}

impl Phoenix<'_> {
    fn stored(&self, sent: &Sent) -> Vec<Check> {
        let project = &self.telemetry.settings().project_name;
        let Some(place) = self.eventually(|| self.find_span()) else {
            return vec![Check::failed(
                "phoenix.span",
                format!("the span is not in the project \"{project}\" after {}", rounded(self.timeout)),
                "look at Phoenix's log; a header x-project-name selects another project; --timeout waits longer",
            )];
        };
        let page = a2a_otel::phoenix::trace_url(&self.ids.trace).unwrap_or_default();
        let span = Check::ok("phoenix.span", format!("the span is in the project \"{project}\": {page}"));
        vec![span, self.annotation(sent, &place)]
    }

    fn annotation(&self, sent: &Sent, project: &str) -> Check {
        let id = "phoenix.annotation";
        let log = "look at Phoenix's log; spans are not affected";
        match sent.annotation() {
            Err(cause) => Check::failed(id, cause, log),
            Ok(()) if self.eventually(|| self.find_annotation(project)).is_some() => {
                Check::ok(id, format!("the span has the annotation \"{ANNOTATION}\""))
            }
            Ok(()) => Check::failed(
                id,
                format!("the annotation is not on the span after {}", rounded(self.timeout)),
                log,
            ),
        }
    }

    /// Returns the path of the project, once it has the span.
    fn find_span(&self) -> Option<String> {
        let page = self.telemetry.phoenix_url()?;
        let project = format!("/v1/projects/{}", page.rsplit('/').next()?);
        let spans = self.ask(&format!("{project}/spans?limit=1&span_id={}", self.ids.span))?;
        let is_ours = |span: &Value| span["context"]["span_id"] == self.ids.span.as_str();
        spans.iter().any(is_ours).then_some(project)
    }

    fn find_annotation(&self, project: &str) -> Option<()> {
        let annotations = self.ask(&format!("{project}/span_annotations?span_ids={}", self.ids.span))?;
        annotations.iter().any(|annotation| annotation["name"] == ANNOTATION).then_some(())
    }

    fn ask(&self, path: &str) -> Option<Vec<Value>> {
        self.telemetry.ask_phoenix(path).ok()?["data"].as_array().cloned()
    }

    /// Phoenix stores a moment after it has accepted.
    fn eventually<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + self.timeout;
        loop {
            let found = look();
            if found.is_some() || Instant::now() >= deadline {
                return found;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}
