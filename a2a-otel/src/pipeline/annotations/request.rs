//! Annotations as a signal: JSON requests to Phoenix's REST interface.

use super::{Annotator, Entry, Subject};
use crate::pipeline::ledger::Ledger;
use crate::pipeline::outbox::Outbox;
use crate::pipeline::sender::Outlet;
use crate::pipeline::signal::{self, Payload, Signal};
use crate::pipeline::transport::Http;
use crate::pipeline::weigh::Weigh;
use crate::settings::{Batch, Endpoint, Settings};

/// The bound of the queue. An explanation is a few sentences, so thousands of annotations fit.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// The bounds of one request.
const REQUEST_ITEMS: usize = 100;
const REQUEST_BYTES: usize = 1024 * 1024;

/// Returns an annotator for the Phoenix that spans are sent to, if they are sent.
pub(crate) fn annotator(settings: &Settings) -> Option<Annotator> {
    let endpoint = settings.endpoint.as_ref().filter(|_| settings.exporter.is_otlp())?;
    let server = endpoint.server();
    let limits = Batch {
        queue_bytes: QUEUE_BYTES,
        queue: None,
        size: REQUEST_ITEMS,
        bytes: REQUEST_BYTES,
        ..settings.batch.answered_within(settings.timeout)
    };
    let ledger = Ledger::new(&signal::ANNOTATIONS, server.as_ref().unwrap_or(endpoint).to_string());
    let outlet = outlet(Http::json(settings, endpoint), server.as_ref());
    let outbox = Outbox::new("a2a-otel-annotator", limits, ledger, outlet, |_| AnnotationSignal);
    Some(Annotator::new(server, outbox))
}

/// Posts to the path of the request's subject. Without a server, annotations never enter the queue.
fn outlet(mut http: Http, server: Option<&Endpoint>) -> Outlet<AnnotationRequest> {
    let server = server.map(Endpoint::as_str).unwrap_or_default().to_owned();
    Box::new(move |request, patience| {
        let url = format!("{server}{}", request.subject.path());
        http.post(&url, request.body(), patience)
    })
}

/// The signal of annotations.
struct AnnotationSignal;

impl Signal for AnnotationSignal {
    type Item = Entry;
    type Payload = AnnotationRequest;

    const KEEPS_ORDER: bool = true;

    /// An entry that replaces another goes into a later request: if both are in one request, Phoenix does not define
    /// which one it keeps.
    fn pack(&mut self, entries: Vec<Entry>) -> Vec<AnnotationRequest> {
        let mut requests: Vec<AnnotationRequest> = Vec::new();
        for entry in entries {
            let last = requests.iter_mut().rfind(|request| request.subject == entry.subject);
            match last {
                Some(request) if request.entries.iter().all(|other| other.key != entry.key) => {
                    request.entries.push(entry);
                }
                _ => requests.push(AnnotationRequest { subject: entry.subject, entries: vec![entry] }),
            }
        }
        requests
    }
}

/// Annotations of one kind of subject, sent in one request.
#[derive(Debug)]
struct AnnotationRequest {
    subject: Subject,
    entries: Vec<Entry>,
}

impl AnnotationRequest {
    fn body(&self) -> Vec<u8> {
        let entries: Vec<_> = self.entries.iter().map(|entry| entry.json.as_str()).collect();
        format!(r#"{{"data":[{}]}}"#, entries.join(",")).into_bytes()
    }
}

impl Payload for AnnotationRequest {
    fn items(&self) -> usize {
        self.entries.len()
    }

    fn bytes(&self) -> usize {
        self.entries.iter().map(Weigh::bytes).sum()
    }

    fn halve(mut self) -> Result<[Self; 2], Self> {
        if self.entries.len() < 2 {
            return Err(self);
        }
        let entries = self.entries.split_off(self.entries.len() / 2);
        let back = AnnotationRequest { subject: self.subject, entries };
        Ok([self, back])
    }

    fn name_of_first(&self) -> String {
        self.entries.first().map(|entry| format!("{:?}", entry.key[1])).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_an_annotation_holds_has_its_weight() {
        let key = ["identity", "name", "user"].map(str::to_owned);
        let entry = Entry { subject: Subject::Span, key, json: "{}".to_owned() };
        assert_eq!(entry.bytes(), size_of::<Entry>() + 16 + 2);
    }

    #[test]
    fn what_replaces_another_goes_into_a_later_request() {
        let entry = |subject, id: &str, json: &str| Entry {
            subject,
            key: [id.to_owned(), "name".to_owned(), String::new()],
            json: json.to_owned(),
        };
        let entries = vec![
            entry(Subject::Span, "a", "1"),
            entry(Subject::Trace, "a", "2"),
            entry(Subject::Span, "b", "3"),
            entry(Subject::Span, "a", "4"),
            entry(Subject::Span, "b", "5"),
            entry(Subject::Span, "a", "6"),
            entry(Subject::Trace, "b", "7"),
        ];
        let bodies = AnnotationSignal.pack(entries);
        let bodies: Vec<_> = bodies
            .iter()
            .map(|request| (request.subject, String::from_utf8(request.body()).unwrap()))
            .collect();
        let body = |subject, list: &str| (subject, format!(r#"{{"data":[{list}]}}"#));
        assert_eq!(
            bodies,
            [
                body(Subject::Span, "1,3"),
                body(Subject::Trace, "2,7"),
                body(Subject::Span, "4,5"),
                body(Subject::Span, "6"),
            ]
        );
    }
}
