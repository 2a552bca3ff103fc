//! The spans of a trace as a tree.

use std::collections::{HashMap, HashSet};

use opentelemetry::trace::SpanId;

use super::capture::Captured;

/// A span, and those below it.
pub(super) struct Branch<'a> {
    pub(super) span: &'a Captured,
    pub(super) children: Vec<Branch<'a>>,
}

/// Returns the roots, which have no parent among the spans. Every span is in the tree once, even if parents form a circle.
pub(super) fn branches(spans: &[Captured]) -> Vec<Branch<'_>> {
    let mut children: HashMap<SpanId, Vec<usize>> = HashMap::new();
    let known: HashSet<_> = spans.iter().map(|span| span.span_id).collect();
    let mut roots = Vec::new();
    for (number, span) in spans.iter().enumerate() {
        match span.parent_id {
            Some(parent) if known.contains(&parent) => children.entry(parent).or_default().push(number),
            _ => roots.push(number),
        }
    }
    let mut grower = Grower { spans, children, is_placed: vec![false; spans.len()] };
    let mut tree: Vec<_> = roots.into_iter().filter_map(|root| grower.grow(root)).collect();
    // Only spans in a circle, and those below them, have no place yet.
    tree.extend((0..spans.len()).filter_map(|number| grower.grow(number)).collect::<Vec<_>>());
    tree
}

struct Grower<'a> {
    spans: &'a [Captured],
    children: HashMap<SpanId, Vec<usize>>,
    is_placed: Vec<bool>,
}

impl<'a> Grower<'a> {
    fn grow(&mut self, number: usize) -> Option<Branch<'a>> {
        if std::mem::replace(&mut self.is_placed[number], true) {
            return None;
        }
        let span = &self.spans[number];
        let children = self.children.remove(&span.span_id).unwrap_or_default();
        Some(Branch { span, children: children.into_iter().filter_map(|child| self.grow(child)).collect() })
    }
}
