//! A project: the traces of one test.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use super::answers::{list, optional_text};
use super::{Answer, Cost, Phoenix, Session, Span, Trace};
use crate::services::eventually;
use crate::tree::{self, Tree};

/// How long to wait for spans. A span is stored after 0.1 s, and Phoenix stores 200 spans a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest page that Phoenix returns.
const PAGE: &str = "limit=1000";

/// A project of a [`Phoenix`], which need not exist yet.
#[derive(Debug)]
pub struct Project<'a> {
    phoenix: &'a Phoenix,
    name: String,
    id: OnceLock<String>,
    patience: Duration,
}

impl<'a> Project<'a> {
    pub(super) fn new(phoenix: &'a Phoenix, name: &str) -> Self {
        Self { phoenix, name: name.to_owned(), id: OnceLock::new(), patience: PATIENCE }
    }

    /// Sets how long to wait for what has been sent.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The project name that spans have to be sent with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Phoenix's own id, which also works if the name contains a slash. `None` before the first span is stored.
    #[must_use]
    #[track_caller]
    pub fn id(&self) -> Option<&str> {
        if self.id.get().is_none() {
            let id = self.ask("id")["id"].take();
            let _ = self.id.set(optional_text(&id)?);
        }
        self.id.get().map(String::as_str)
    }

    /// The page of a trace in the user interface.
    ///
    /// # Panics
    ///
    /// If no span of the project is stored.
    #[must_use]
    #[track_caller]
    pub fn trace_url(&self, trace_id: &str) -> String {
        let id = self.id().unwrap_or_else(|| panic!("Phoenix has no project {}", self.name));
        format!("{}/projects/{id}/traces/{trace_id}", self.phoenix.url())
    }

    /// Sends spans with Phoenix's JSON API, which, unlike OTLP, reports invalid and duplicate spans.
    #[must_use]
    #[track_caller]
    pub fn post_spans(&self, spans: &[Value]) -> Answer {
        self.phoenix.post(&format!("/v1/projects/{}/spans", self.name), &json!({ "data": spans }))
    }

    /// All stored spans, in the order of their start.
    #[must_use]
    #[track_caller]
    pub fn spans(&self) -> Vec<Span> {
        let pages = self.pages("spans", "&sort=start_time&order=asc");
        pages.iter().flat_map(|page| list(page, Span::read)).collect()
    }

    /// Waits until there are enough spans, and returns them.
    ///
    /// # Panics
    ///
    /// If there are not enough in time. The message shows the spans that are there.
    #[track_caller]
    pub fn wait_for_spans(&self, enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let mut spans = Vec::new();
        let waited = eventually(self.patience, || {
            spans = self.spans();
            enough(&spans).then_some(())
        });
        assert!(waited.is_some(), "{}", self.complaint(&spans));
        spans
    }

    /// The number of all stored spans.
    ///
    /// # Panics
    ///
    /// If Phoenix does not answer.
    #[must_use]
    #[track_caller]
    pub fn number(&self) -> usize {
        self.ask("recordCount")["recordCount"].as_u64().unwrap_or_default().try_into().unwrap_or(usize::MAX)
    }

    /// Waits until at least this many spans are stored, by their number alone, which Phoenix finds quickly, and returns them.
    ///
    /// # Panics
    ///
    /// If there are not enough in time. The message shows the spans that are there.
    #[must_use]
    #[track_caller]
    pub fn wait_for_number(&self, at_least: usize) -> Vec<Span> {
        let waited = eventually(self.patience, || (self.number() >= at_least).then_some(()));
        let spans = self.spans();
        assert!(waited.is_some(), "{at_least} spans: {}", self.complaint(&spans));
        spans
    }

    /// Waits until the only trace of this project has exactly this many spans, and returns it.
    ///
    /// # Panics
    ///
    /// If the number of spans is wrong after the waiting time, or they are not one tree.
    #[must_use]
    #[track_caller]
    pub fn wait_for_tree(&self, spans: usize) -> Tree {
        Tree::single(&self.wait_for_spans(|stored| stored.len() == spans))
    }

    /// All stored traces, the latest first.
    #[must_use]
    #[track_caller]
    pub fn traces(&self) -> Vec<Trace> {
        let pages = self.pages("traces", "");
        pages.iter().flat_map(|page| list(page, Trace::read)).collect()
    }

    /// The number of spans that match a condition of the filter box, such as `span_kind == 'TOOL'`.
    ///
    /// # Panics
    ///
    /// If Phoenix does not understand the condition.
    #[must_use]
    #[track_caller]
    pub fn count(&self, condition: &str) -> u64 {
        // A JSON string, with its quotes, is also a GraphQL string.
        let fields = format!("recordCount(filterCondition: {})", Value::from(condition));
        self.ask(&fields)["recordCount"].as_u64().unwrap_or_default()
    }

    /// The total cost of all spans, once Phoenix has computed it.
    #[must_use]
    #[track_caller]
    pub fn cost(&self) -> Option<Cost> {
        Cost::read(&self.ask(Cost::FIELDS)["costSummary"])
    }

    /// The session with this id. It belongs to the project in which it was first used.
    #[must_use]
    #[track_caller]
    pub fn session(&self, session_id: &str) -> Option<Session> {
        self.sessions().into_iter().find(|session| session.id == session_id)
    }

    /// The first 1000 sessions.
    #[must_use]
    #[track_caller]
    pub fn sessions(&self) -> Vec<Session> {
        let sessions =
            self.ask(&format!("sessions(first: 1000) {{ edges {{ node {{ {} }} }} }}", Session::FIELDS));
        list(&sessions["sessions"]["edges"], |edge| Session::read(&edge["node"]))
    }

    /// Queries fields of the project. Returns null if it does not exist yet.
    #[track_caller]
    fn ask(&self, fields: &str) -> Value {
        let query = format!("query($name: String!) {{ getProjectByName(name: $name) {{ {fields} }} }}");
        self.phoenix.graphql(&query, &json!({ "name": self.name }))["getProjectByName"].take()
    }

    /// Follows Phoenix's cursor through all pages.
    #[track_caller]
    fn pages(&self, what: &str, order: &str) -> Vec<Value> {
        let Some(id) = self.id() else { return Vec::new() };
        let mut pages = Vec::new();
        let mut cursor = Some(String::new());
        while let Some(from) = cursor {
            let answer = self.phoenix.get(&format!("/v1/projects/{id}/{what}?{PAGE}{order}{from}"));
            assert!(answer.status == 200, "{what} of {}: {answer:?}", self.name);
            cursor = answer.body["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
            pages.push(answer.body["data"].clone());
        }
        pages
    }

    fn complaint(&self, spans: &[Span]) -> String {
        let forest = tree::text(&Tree::forest(spans));
        let waited = self.patience;
        let last_words = self.phoenix.last_words();
        format!("after {waited:?}, project {} has\n{forest}Phoenix said:\n{last_words}", self.name)
    }
}
