//! The spans of a trace as a tree, as Phoenix shows them.

use std::collections::BTreeMap;
use std::fmt;

use crate::phoenix::Span;

/// In a path, matches any number of levels, including none.
const ANY_LEVELS: &str = "...";

/// One trace.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The trace's id, in hexadecimal digits.
    pub trace_id: String,
    spans: Vec<Span>,
}

impl Tree {
    /// Groups these spans into traces, in the order of their start.
    #[must_use]
    pub fn forest(spans: &[Span]) -> Vec<Self> {
        let mut traces: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
        for span in spans {
            traces.entry(&span.trace_id).or_default().push(span.clone());
        }
        let mut forest: Vec<Self> = traces.into_iter().map(Self::from_trace).collect();
        forest.sort_by_key(|tree| tree.spans[0].start);
        forest
    }

    fn from_trace((trace_id, mut spans): (&str, Vec<Span>)) -> Self {
        spans.sort_by_key(|span| span.start);
        Self { trace_id: trace_id.to_owned(), spans }
    }

    /// Returns the only trace of these spans, which has one root above all other spans.
    ///
    /// # Panics
    ///
    /// If there is not exactly one trace, or the trace is incomplete.
    #[must_use]
    #[track_caller]
    pub fn single(spans: &[Span]) -> Self {
        let mut forest = Self::forest(spans);
        assert!(forest.len() == 1, "{} traces, not one:\n{}", forest.len(), text(&forest));
        let tree = forest.remove(0);
        tree.assert_whole();
        tree
    }

    /// Asserts that there is one root, and that every other span is below it.
    ///
    /// # Panics
    ///
    /// If a second span has no parent, or a parent is missing.
    #[track_caller]
    pub fn assert_whole(&self) {
        let roots = self.roots().count();
        assert!(roots == 1, "{roots} roots, not one:\n{self}");
        assert!(self.lost().is_empty(), "spans without a way to the root:\n{self}");
    }

    /// The span that has no parent.
    ///
    /// # Panics
    ///
    /// If there is not exactly one.
    #[must_use]
    #[track_caller]
    pub fn root(&self) -> &Span {
        self.assert_whole();
        self.roots().next().expect("a whole tree has a root")
    }

    /// All spans, in the order of their start.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The children of a span, in the order of their start.
    pub fn children<'a>(&'a self, parent: &Span) -> impl Iterator<Item = &'a Span> {
        self.spans.iter().filter(|span| span.parent_id.as_ref() == Some(&parent.span_id))
    }

    /// The spans that match a pattern: `"LLM"`, `"TOOL find"` (a prefix of the name), `"* find"`.
    pub fn all<'a>(&'a self, pattern: &str) -> impl Iterator<Item = &'a Span> {
        self.spans.iter().filter(move |span| matches(pattern, span))
    }

    /// The only span that matches a pattern.
    ///
    /// # Panics
    ///
    /// If there is not exactly one.
    #[must_use]
    #[track_caller]
    pub fn find(&self, pattern: &str) -> &Span {
        let found: Vec<&Span> = self.all(pattern).collect();
        let [span] = found[..] else { panic!("{} spans are {pattern:?}, not one:\n{self}", found.len()) };
        span
    }

    /// Whether the patterns match a path from the root: a parent, its child, and so on; `"..."` is any number of
    /// levels.
    #[must_use]
    pub fn has_path(&self, path: &[&str]) -> bool {
        self.roots().any(|root| self.leads_along(root, path))
    }

    /// Asserts that [`has_path`](Self::has_path) holds.
    ///
    /// # Panics
    ///
    /// If it does not. The message shows the tree.
    #[track_caller]
    pub fn assert_path(&self, path: &[&str]) {
        assert!(self.has_path(path), "no path {path:?} in\n{self}");
    }

    fn leads_along(&self, span: &Span, path: &[&str]) -> bool {
        match path {
            [] => true,
            [first, rest @ ..] if *first == ANY_LEVELS => {
                self.leads_along(span, rest) || self.children(span).any(|child| self.leads_along(child, path))
            }
            [last] => matches(last, span),
            [first, rest @ ..] => {
                matches(first, span) && self.children(span).any(|child| self.leads_along(child, rest))
            }
        }
    }

    fn roots(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(|span| span.parent_id.is_none())
    }

    /// The spans with their depth, each followed by its descendants.
    fn walk(&self) -> Vec<(usize, &Span)> {
        let mut walked = Vec::new();
        let mut ahead: Vec<(usize, &Span)> = self.roots().map(|root| (0, root)).collect();
        ahead.reverse();
        while let Some((depth, span)) = ahead.pop() {
            walked.push((depth, span));
            let children_from = ahead.len();
            ahead.extend(self.children(span).map(|child| (depth + 1, child)));
            ahead[children_from..].reverse();
        }
        walked
    }

    /// The spans that are not below a root: orphans with their descendants, and circles.
    fn lost(&self) -> Vec<&Span> {
        let walked = self.walk();
        let is_lost = |span: &&Span| !walked.iter().any(|(_, other)| other.span_id == span.span_id);
        self.spans.iter().filter(is_lost).collect()
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "trace {}", self.trace_id)?;
        for (depth, span) in self.walk() {
            writeln!(formatter, "{:indent$}{span}", "", indent = 2 * (depth + 1))?;
        }
        for span in self.lost() {
            let parent = span.parent_id.as_deref().unwrap_or_default();
            writeln!(formatter, "  {span}, under {parent}, which does not lead to a root")?;
        }
        Ok(())
    }
}

/// Formats the traces for the message of a failed assertion.
#[must_use]
pub fn text(forest: &[Tree]) -> String {
    forest.iter().map(Tree::to_string).collect()
}

fn matches(pattern: &str, span: &Span) -> bool {
    let (kind, name) = pattern.split_once(' ').unwrap_or((pattern, ""));
    (kind == "*" || kind == span.kind) && span.name.starts_with(name)
}
