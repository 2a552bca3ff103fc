//! A project: the traces of one test.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use super::answers::{list, optional_text};
use super::{Answer, Cost, Phoenix, Session, Span, Trace};
use crate::services::eventually;
use crate::tree::{self, Tree};

/// A span is there after 0.1 s, and Phoenix takes in 200 a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest page that Phoenix gives.
const PAGE: &str = "limit=1000";

/// A project of a [`Phoenix`], which need not be there yet.
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

    /// Waits longer, or less long, for what has been sent.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// What spans have to name as their project.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Phoenix's own id, which works where a name with a slash does not; nothing before the first span is stored.
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

    /// Sends spans by Phoenix's JSON API, which unlike OTLP reports what is invalid or there already.
    #[must_use]
    #[track_caller]
    pub fn post_spans(&self, spans: &[Value]) -> Answer {
        self.phoenix.post(&format!("/v1/projects/{}/spans", self.name), &json!({ "data": spans }))
    }

    /// Every span that is stored, in the order of their start.
    #[must_use]
    #[track_caller]
    pub fn spans(&self) -> Vec<Span> {
        let pages = self.pages("spans", "&sort=start_time&order=asc");
        pages.iter().flat_map(|page| list(page, Span::read)).collect()
    }

    /// The spans, once there are enough of them.
    ///
    /// # Panics
    ///
    /// If that does not come true in time; with what is there.
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

    /// The one trace of this project, once it has this many spans, and no more.
    ///
    /// # Panics
    ///
    /// If it does not get them in time, or they are not one tree.
    #[must_use]
    #[track_caller]
    pub fn wait_for_tree(&self, spans: usize) -> Tree {
        Tree::single(&self.wait_for_spans(|stored| stored.len() == spans))
    }

    /// Every trace that is stored, the latest first.
    #[must_use]
    #[track_caller]
    pub fn traces(&self) -> Vec<Trace> {
        let pages = self.pages("traces", "");
        pages.iter().flat_map(|page| list(page, Trace::read)).collect()
    }

    /// How many spans a condition of the filter box finds: `span_kind == 'TOOL'`.
    ///
    /// # Panics
    ///
    /// If Phoenix does not understand the condition.
    #[must_use]
    #[track_caller]
    pub fn count(&self, condition: &str) -> u64 {
        // A JSON text is a GraphQL text, quotes and all.
        let fields = format!("recordCount(filterCondition: {})", Value::from(condition));
        self.ask(&fields)["recordCount"].as_u64().unwrap_or_default()
    }

    /// What all spans cost together, once Phoenix has worked it out.
    #[must_use]
    #[track_caller]
    pub fn cost(&self) -> Option<Cost> {
        Cost::read(&self.ask(Cost::FIELDS)["costSummary"])
    }

    /// The session of this id, which belongs to the project that named it first.
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

    /// Asks for fields of the project, or gets null where it is not there yet.
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
