//! What differs between two traces.

use std::fmt;
use std::time::Duration;

use opentelemetry::trace::Status;
use serde_json::Value as Json;

use super::align::{Pair, align};
use super::capture::Captured;
use super::changes::{Change, changes};
use super::trace::Trace;
use super::tree::{Branch, branches};
use super::value;
use crate::semconv::openinference as names;

/// The most lines of a comparison that are shown.
const MOST_LINES: usize = 80;

/// The most lines about one input or output.
const MOST_CHANGES: usize = 5;

/// The most equal siblings in a row that are named.
const MOST_EQUAL: usize = 2;

/// What is compared of a span, besides its place, kind, name and status.
const COMPARED: &[(&str, &str)] = &[
    ("input", names::INPUT_VALUE),
    ("output", names::OUTPUT_VALUE),
    ("model", names::LLM_MODEL_NAME),
    ("model", names::EMBEDDING_MODEL_NAME),
    ("prompt tokens", names::LLM_TOKEN_COUNT_PROMPT),
    ("completion tokens", names::LLM_TOKEN_COUNT_COMPLETION),
    ("tokens", names::LLM_TOKEN_COUNT_TOTAL),
    ("cost", names::LLM_COST_TOTAL),
];

/// Compares two traces: which spans are new, gone, moved or renamed, and whose input, output, status, model, tokens or cost
/// has changed.
///
/// Spans below the same parent are aligned by kind, name and order; spans that run at the same time may change places. Input
/// and output are compared as JSON where they are JSON, so that the order of keys does not matter. Ids and times do not
/// matter either: the time that a span took is only shown.
///
/// ```
/// use a2a_otel::testing::{capture, diff};
///
/// #[a2a_otel::tool_span]
/// fn count(product: &str) -> u32 {
///     if product == "lamp" { 3 } else { 0 }
/// }
///
/// let first = capture();
/// count("lamp");
/// let first = first.trace();
/// let second = capture();
/// count("sofa");
/// let diff = diff(&first, &second.trace());
/// assert!(!diff.is_empty());
/// assert!(diff.to_string().contains(r#"input.product: "lamp" → "sofa""#), "{diff}");
/// ```
#[must_use]
pub fn diff(before: &Trace, after: &Trace) -> Diff {
    Diff { roots: compare_all(&branches(before.spans()), &branches(after.spans())), is_colored: false }
}

/// What differs between two traces, as [`diff`] returns it.
///
/// `Display` shows the tree with what has changed: `-` before a span that only the first trace has, `+` before one that only
/// the second has, `~` before one that has changed. Spans that are equal are counted where they stand in a row. The text is
/// cut to a readable length; `{:#}` shows all of it.
#[derive(Clone, Debug)]
pub struct Diff {
    roots: Vec<Node>,
    is_colored: bool,
}

#[derive(Clone, Debug)]
struct Node {
    mark: Mark,
    /// Kind and name.
    title: String,
    /// What has changed, a line each.
    lines: Vec<String>,
    /// How long the span took, before and after.
    took: [Option<Duration>; 2],
    children: Vec<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mark {
    Equal,
    Changed,
    Removed,
    Added,
}

impl Diff {
    /// Whether the traces are equal, but for ids and times.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.iter().all(Node::is_equal)
    }

    /// The number of spans that are new, gone or changed.
    ///
    /// ```
    /// use a2a_otel::testing::{Trace, diff};
    ///
    /// assert_eq!(diff(&Trace::default(), &Trace::default()).changed_spans(), 0);
    /// ```
    #[must_use]
    pub fn changed_spans(&self) -> usize {
        self.roots.iter().map(Node::changed).sum()
    }

    /// Shows it in the colours of a terminal.
    #[must_use]
    pub fn colored(mut self) -> Self {
        self.is_colored = true;
        self
    }
}

fn compare_all(before: &[Branch<'_>], after: &[Branch<'_>]) -> Vec<Node> {
    align(before, after).iter().map(compare).collect()
}

fn compare(pair: &Pair<'_, '_>) -> Node {
    match *pair {
        Pair::Removed(branch) => Node::only(Mark::Removed, branch),
        Pair::Added(branch) => Node::only(Mark::Added, branch),
        Pair::Both { before, after, is_moved } => {
            let lines = lines(before.span, after.span, is_moved);
            Node {
                mark: if lines.is_empty() { Mark::Equal } else { Mark::Changed },
                title: title(after.span),
                lines,
                took: [took(before.span), took(after.span)],
                children: compare_all(&before.children, &after.children),
            }
        }
    }
}

fn title(span: &Captured) -> String {
    format!("{} {}", if span.kind.is_empty() { "-" } else { &span.kind }, span.name)
}

fn took(span: &Captured) -> Option<Duration> {
    span.end.duration_since(span.start).ok()
}

/// What has changed of a span, a line each.
fn lines(before: &Captured, after: &Captured, is_moved: bool) -> Vec<String> {
    let moved = is_moved.then(|| "its place among its siblings is another".to_owned());
    let renamed = (before.name != after.name).then(|| format!("name: {} → {}", before.name, after.name));
    let (status, other) = (status(before), status(after));
    let status = (status != other).then(|| format!("status: {status} → {other}"));
    let compared = COMPARED.iter().flat_map(|(label, key)| compared(label, key, before, after));
    moved.into_iter().chain(renamed).chain(status).chain(compared).collect()
}

fn status(span: &Captured) -> String {
    match &span.status {
        Status::Unset => "unset".to_owned(),
        Status::Ok => "ok".to_owned(),
        Status::Error { description } => format!("error, {description}"),
    }
}

fn compared(label: &str, key: &str, before: &Captured, after: &Captured) -> Vec<String> {
    let changes = match (content(before, key), content(after, key)) {
        (Some(before), Some(after)) => changes(&before, &after),
        (None, None) => Vec::new(),
        (before, after) => vec![Change { path: String::new(), before, after }],
    };
    let line = |change: &Change| match change.path.as_str() {
        "" => format!("{label}: {change}"),
        path if path.starts_with('[') => format!("{label}{change}"),
        _ => format!("{label}.{change}"),
    };
    let more = changes.len().saturating_sub(MOST_CHANGES);
    let more = (more > 0).then(|| format!("{label}: {more} more changes"));
    changes.iter().take(MOST_CHANGES).map(line).chain(more).collect()
}

/// The value of an attribute; a text of JSON is read.
fn content(span: &Captured, key: &str) -> Option<Json> {
    let value = value::write(span.attributes.get(key)?);
    let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    Some(parsed.unwrap_or(value))
}

impl Node {
    /// A span that only one trace has, with those below it.
    fn only(mark: Mark, branch: &Branch<'_>) -> Self {
        let took = took(branch.span);
        Self {
            mark,
            title: title(branch.span),
            lines: Vec::new(),
            took: if mark == Mark::Removed { [took, None] } else { [None, took] },
            children: branch.children.iter().map(|child| Self::only(mark, child)).collect(),
        }
    }

    fn is_equal(&self) -> bool {
        self.mark == Mark::Equal && self.children.iter().all(Self::is_equal)
    }

    fn len(&self) -> usize {
        1 + self.children.iter().map(Self::len).sum::<usize>()
    }

    fn changed(&self) -> usize {
        usize::from(self.mark != Mark::Equal) + self.children.iter().map(Self::changed).sum::<usize>()
    }

    /// The time that it took, as far as both traces have it.
    fn latency(&self) -> String {
        let [before, after] = self.took.map(|took| took.map(|took| format!("{took:.1?}")));
        match (before, after) {
            (Some(before), Some(after)) => format!("  [{before} → {after}]"),
            (Some(one), None) | (None, Some(one)) => format!("  [{one}]"),
            (None, None) => String::new(),
        }
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return formatter.write_str("the traces are equal");
        }
        let mut lines = Vec::new();
        write_siblings(&self.roots, 0, &mut lines);
        let spans = if self.changed_spans() == 1 { "span differs" } else { "spans differ" };
        write!(formatter, "{} {spans} (- gone, + new, ~ changed):", self.changed_spans())?;
        let most = if formatter.alternate() { lines.len() } else { MOST_LINES };
        for (mark, line) in lines.iter().take(most) {
            formatter.write_str("\n")?;
            self.write_line(formatter, *mark, line)?;
        }
        let more = lines.len().saturating_sub(most);
        if more > 0 { write!(formatter, "\n… and {more} more lines") } else { Ok(()) }
    }
}

impl Diff {
    fn write_line(&self, formatter: &mut fmt::Formatter<'_>, mark: Mark, line: &str) -> fmt::Result {
        let (sign, color) = match mark {
            Mark::Equal => (' ', "2"),
            Mark::Changed => ('~', "33"),
            Mark::Removed => ('-', "31"),
            Mark::Added => ('+', "32"),
        };
        let line = format!("{sign} {line}");
        let line = line.trim_end();
        if self.is_colored {
            write!(formatter, "\x1b[{color}m{line}\x1b[0m")
        } else {
            formatter.write_str(line)
        }
    }
}

type Lines = Vec<(Mark, String)>;

fn write_siblings(siblings: &[Node], depth: usize, lines: &mut Lines) {
    for row in siblings.chunk_by(|one, other| one.is_equal() == other.is_equal()) {
        let is_named = !row[0].is_equal() || row.len() <= MOST_EQUAL;
        if is_named {
            for node in row {
                write_node(node, depth, lines);
            }
        } else {
            let spans: usize = row.iter().map(Node::len).sum();
            lines.push((Mark::Equal, format!("{:indent$}… {spans} equal spans", "", indent = 2 * depth)));
        }
    }
}

fn write_node(node: &Node, depth: usize, lines: &mut Lines) {
    let indent = 2 * depth;
    let below = node.len() - 1;
    if node.is_equal() {
        let below = if below > 0 { format!(" … {below} equal below") } else { String::new() };
        lines.push((Mark::Equal, format!("{:indent$}{}{below}", "", node.title)));
        return;
    }
    lines.push((node.mark, format!("{:indent$}{}{}", "", node.title, node.latency())));
    for line in node.lines.iter().flat_map(|line| line.split('\n')) {
        lines.push((Mark::Changed, format!("{:indent$}    {line}", "")));
    }
    write_siblings(&node.children, depth + 1, lines);
}
