//! Draws one trace.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::SpanData;

use super::layout::Layout;
use super::line::{Colour, Line, clock, dollars, duration, plural, shortened};
use super::read::{self, Tokens};
use super::trace::Trace;
use crate::settings::ConsoleForm;

/// Deeper branches are not indented further: they would be unreadable, and the output would grow quadratically.
const DEEPEST_INDENT: usize = 40;
/// The columns that one level takes.
const INDENT: usize = 3;
/// How many levels are drawn on the narrowest terminal.
const FEWEST_LEVELS: usize = 4;
/// A row of at least so many equal siblings is folded.
const LONG_ROW: usize = 4;
/// How many characters of an input or output are shown in short, and how many at most.
const SHORT: usize = 60;
const LONGEST: usize = 4_000;
/// How many inputs of spans above are not repeated.
const MOST_INPUTS: usize = 8;
/// How many errors a summary lists.
const MOST_ERRORS: usize = 5;

/// A trace that is being printed.
pub(super) struct Tree {
    id: TraceId,
    trace: Trace,
    layout: Layout,
    width: Option<usize>,
    children: HashMap<SpanId, Vec<usize>>,
    roots: Vec<usize>,
    /// Spans that have failed, and those above them.
    troubled: HashSet<SpanId>,
}

impl Tree {
    pub(super) fn new(id: TraceId, mut trace: Trace, layout: Layout) -> Self {
        trace.spans.sort_by_key(|span| span.start_time);
        let known: HashSet<_> = trace.spans.iter().map(|span| span.span_context.span_id()).collect();
        let mut children: HashMap<_, Vec<_>> = HashMap::new();
        let mut roots = Vec::new();
        for (index, span) in trace.spans.iter().enumerate() {
            if known.contains(&span.parent_span_id) {
                children.entry(span.parent_span_id).or_default().push(index);
            } else {
                roots.push(index);
            }
        }
        let is_cut = layout.form != ConsoleForm::Full;
        let width = layout.width.columns().filter(|_| is_cut);
        let troubled = troubled(&trace.spans);
        Tree { id, trace, layout, width, children, roots, troubled }
    }

    pub(super) fn draw(&self) -> String {
        let mut page = String::new();
        if self.layout.form == ConsoleForm::Summary {
            self.summarize(&mut page);
        } else {
            self.draw_head(&mut page);
            self.draw_branches(&mut page);
        }
        page
    }

    fn write(&self, line: Line, page: &mut String) {
        line.write(self.width, self.layout.is_coloured, page);
    }

    /// The figures of the whole trace, and where to find it elsewhere.
    fn draw_head(&self, page: &mut String) {
        let mut line = Line::after(&self.start());
        self.add_figures(&mut line);
        self.write(line, page);
        let mut line = Line::after("");
        line.part(Colour::Aside, &format!("trace {}", self.id));
        self.add_people(&mut line);
        self.write(line, page);
    }

    fn start(&self) -> String {
        self.trace.spans.first().map_or_else(String::new, |span| clock(span.start_time))
    }

    fn add_figures(&self, line: &mut Line) {
        let all: Vec<_> = (0..self.trace.spans.len()).collect();
        line.part(Colour::Plain, &duration(self.length()));
        line.part(Colour::Plain, &plural(all.len() + self.trace.left_out, "span"));
        self.add_usage(line, &all);
        let errors = self.trace.spans.iter().filter(|span| read::has_failed(span)).count();
        if errors > 0 {
            line.part(Colour::Error, &plural(errors, "error"));
        }
        for (number, what) in [(self.trace.left_out, "not shown"), (self.trace.open, "not ended")] {
            if number > 0 {
                line.part(Colour::Plain, &format!("{number} {what}"));
            }
        }
    }

    /// The tokens and the cost of the calls of models among these spans.
    fn add_usage(&self, line: &mut Line, indexes: &[usize]) {
        let spans = indexes.iter().map(|index| &self.trace.spans[*index]);
        let calls: Vec<_> = spans.filter(|span| read::is_model_call(span)).collect();
        let tokens = calls.iter().map(|span| Tokens::of(span).total()).fold(0, usize::saturating_add);
        if tokens > 0 {
            line.part(Colour::Plain, &plural(tokens, "token"));
        }
        let costs = calls.iter().filter_map(|span| read::cost(span));
        if let Some(cost) = costs.reduce(|all, one| all + one) {
            line.part(Colour::Plain, &dollars(cost));
        }
    }

    fn add_people(&self, line: &mut Line) {
        let spans = &self.trace.spans;
        let session = spans.iter().find_map(read::session);
        let user = spans.iter().find_map(read::user);
        for (what, who) in [("session", session), ("user", user)] {
            if let Some(who) = who {
                line.part(Colour::Plain, &format!("{what} {who}"));
            }
        }
    }

    fn length(&self) -> Duration {
        let spans = &self.trace.spans;
        let start = spans.iter().map(|span| span.start_time).min();
        let end = spans.iter().map(|span| span.end_time).max();
        let length = end.zip(start).and_then(|(end, start)| end.duration_since(start).ok());
        length.unwrap_or_default()
    }

    /// One line for the trace, and one for each of its first errors.
    fn summarize(&self, page: &mut String) {
        let mut line = Line::after(&self.start());
        let roots = self.roots.iter().map(|index| &self.trace.spans[*index]);
        let has_failed = roots.clone().any(read::has_failed);
        let (colour, outcome) = if has_failed { (Colour::Error, "failed") } else { (Colour::Plain, "ok") };
        line.part(colour, outcome);
        if let Some(root) = roots.clone().next() {
            add_label(&mut line, root);
        }
        self.add_figures(&mut line);
        self.add_people(&mut line);
        line.part(Colour::Aside, &format!("trace {}", self.id));
        self.write(line, page);
        let origins: Vec<_> = self.trace.spans.iter().filter(|span| self.is_origin(span)).collect();
        for origin in origins.iter().take(MOST_ERRORS) {
            let mut line = Line::after("  ");
            add_label(&mut line, origin);
            add_failure(&mut line, origin);
            line.part_of(Colour::Aside, line_of_place(origin));
            self.write(line, page);
        }
        if origins.len() > MOST_ERRORS {
            let more = plural(origins.len() - MOST_ERRORS, "more error");
            self.write(Line::after(&format!("  … {more}")), page);
        }
    }

    fn draw_branches(&self, page: &mut String) {
        // Uses an explicit stack, because a trace can be deeper than recursion allows.
        let mut stack = Vec::new();
        self.push_rows(&mut stack, &self.roots, &Above::default());
        while let Some(Branch { row, above, is_last }) = stack.pop() {
            let (corner, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let start = format!("{}{corner}", above.indent);
            let index = match row {
                Row::Span(index) => index,
                Row::Folded(indexes) => {
                    self.write(self.folded(&start, &indexes), page);
                    continue;
                }
                Row::Deeper(indexes) => {
                    let number = plural(self.count(&indexes), "span");
                    self.write(Line::after(&format!("{start}… {number} deeper")), page);
                    continue;
                }
            };
            let span = &self.trace.spans[index];
            let is_deepest = above.depth > self.deepest_indent();
            let indent = if is_deepest { above.indent.clone() } else { format!("{}{below}", above.indent) };
            self.write(self.line(&start, span, &above), page);
            self.draw_details(&format!("{}{below}", above.indent), span, page);
            let mut inputs = above.inputs.clone();
            inputs.extend(read::input(span).map(Rc::new));
            inputs.drain(..inputs.len().saturating_sub(MOST_INPUTS));
            let output = read::whole_output(span).or(above.output);
            let above = Above { indent, depth: above.depth + 1, inputs, output };
            let children = self.children_of(span);
            self.push_rows(&mut stack, children, &above);
        }
    }

    fn children_of(&self, span: &SpanData) -> &[usize] {
        self.children.get(&span.span_context.span_id()).map_or(&[], Vec::as_slice)
    }

    /// Branches take half of the width at most.
    fn deepest_indent(&self) -> usize {
        let levels = |width| usize::max(width / 2 / INDENT, FEWEST_LEVELS);
        self.width.map_or(DEEPEST_INDENT, levels).min(DEEPEST_INDENT)
    }

    /// Pushes in reverse, so that the first row is popped first.
    fn push_rows<'a>(&'a self, stack: &mut Vec<Branch<'a>>, indexes: &[usize], above: &Above<'a>) {
        let rows = self.rows(indexes, above.depth);
        let number = rows.len();
        for (position, row) in rows.into_iter().enumerate().rev() {
            stack.push(Branch { row, above: above.clone(), is_last: position + 1 == number });
        }
    }

    /// What is drawn of siblings: all of them, or without the later ones of a long row of equal ones, and those below the
    /// deepest level only where there is an error.
    fn rows(&self, indexes: &[usize], depth: usize) -> Vec<Row> {
        if self.layout.form == ConsoleForm::Full {
            return indexes.iter().copied().map(Row::Span).collect();
        }
        let (shown, deeper): (Vec<_>, Vec<_>) =
            indexes.iter().partition(|index| depth <= self.deepest_indent() || self.is_troubled(**index));
        let mut rows = Vec::new();
        for row in shown.chunk_by(|one, other| self.are_alike(*one, *other)) {
            let (first, rest) = if row.len() < LONG_ROW { (row, &[][..]) } else { row.split_at(1) };
            rows.extend(first.iter().copied().map(Row::Span));
            rows.extend((!rest.is_empty()).then(|| Row::Folded(rest.to_vec())));
        }
        rows.extend((!deeper.is_empty()).then_some(Row::Deeper(deeper)));
        rows
    }

    fn is_troubled(&self, index: usize) -> bool {
        self.troubled.contains(&self.trace.spans[index].span_context.span_id())
    }

    fn are_alike(&self, one: usize, other: usize) -> bool {
        let [first, second] = [one, other].map(|index| &self.trace.spans[index]);
        let is_quiet = !self.is_troubled(one) && !self.is_troubled(other);
        is_quiet && first.name == second.name && read::kind(first) == read::kind(second)
    }

    /// All spans of these branches.
    fn all_of(&self, indexes: &[usize]) -> Vec<usize> {
        let mut all = indexes.to_vec();
        let mut next = 0;
        while let Some(index) = all.get(next) {
            all.extend_from_slice(self.children_of(&self.trace.spans[*index]));
            next += 1;
        }
        all
    }

    fn count(&self, indexes: &[usize]) -> usize {
        self.all_of(indexes).len()
    }

    fn folded(&self, start: &str, indexes: &[usize]) -> Line {
        let mut line = Line::after(&format!("{start}… {} more ", indexes.len()));
        let spans = indexes.iter().map(|index| &self.trace.spans[*index]);
        if let Some(span) = spans.clone().next() {
            add_label(&mut line, span);
        }
        let time = spans.map(read::length).fold(Duration::ZERO, Duration::saturating_add);
        line.part(Colour::Plain, &format!("{} in all", duration(time)));
        let all = self.all_of(indexes);
        if all.len() > indexes.len() {
            line.part(Colour::Plain, &plural(all.len(), "span"));
        }
        self.add_usage(&mut line, &all);
        line
    }

    fn line(&self, start: &str, span: &SpanData, above: &Above<'_>) -> Line {
        let mut line = Line::after(start);
        add_label(&mut line, span);
        if self.layout.form == ConsoleForm::Full {
            line.part(Colour::Aside, &format!("+{}", duration(self.since_start(span))));
        }
        line.part(Colour::Plain, &duration(read::length(span)));
        if read::is_model_call(span) {
            line.part_of(Colour::Plain, read::model(span).filter(|model| !names(span, model)));
            line.part_of(Colour::Plain, Tokens::of(span).shown());
            line.part_of(Colour::Plain, read::cost(span).map(dollars));
        }
        if span.parent_span_id != SpanId::INVALID && !self.children.contains_key(&span.parent_span_id) {
            line.part(Colour::Aside, "(remote parent)");
        }
        add_failure(&mut line, span);
        if self.layout.form == ConsoleForm::Tree {
            add_values(&mut line, span, above);
        }
        line
    }

    fn since_start(&self, span: &SpanData) -> Duration {
        let start = self.trace.spans.first().map_or(span.start_time, |first| first.start_time);
        span.start_time.duration_since(start).unwrap_or_default()
    }

    /// The lines below a span: whole values, and where and why an error happened.
    fn draw_details(&self, indent: &str, span: &SpanData, page: &mut String) {
        let mut lines = Vec::new();
        if self.layout.form == ConsoleForm::Full {
            let values = [("in", read::whole_input(span)), ("out", read::whole_output(span))];
            let shown =
                |(what, value): (_, Option<&str>)| Some(format!("{what}: {}", shortened(value?, LONGEST)));
            lines.extend(values.into_iter().filter_map(shown));
        }
        if self.is_origin(span) {
            lines.extend(line_of_place(span));
            lines.extend(read::causes(span).map(|cause| format!("caused by: {cause}")));
        }
        for text in lines {
            let mut line = Line::after(indent);
            line.part(Colour::Aside, &text);
            self.write(line, page);
        }
    }

    /// Whether an error happened in this span, rather than in one below, whose error it passes on.
    fn is_origin(&self, span: &SpanData) -> bool {
        let passed_on = |message: &str| {
            let mut texts = [read::message(span)].into_iter().chain(read::causes(span));
            texts.any(|text| text.contains(message))
        };
        let mut failed = self
            .children_of(span)
            .iter()
            .map(|index| &self.trace.spans[*index])
            .filter(|span| read::has_failed(span));
        read::has_failed(span) && !failed.any(|child| passed_on(read::message(child)))
    }
}

/// A branch that will be drawn.
struct Branch<'a> {
    row: Row,
    above: Above<'a>,
    is_last: bool,
}

enum Row {
    Span(usize),
    /// Siblings that are like the one before.
    Folded(Vec<usize>),
    /// Siblings below the deepest level.
    Deeper(Vec<usize>),
}

/// What is drawn above a span.
#[derive(Clone, Default)]
struct Above<'a> {
    indent: String,
    depth: usize,
    /// The inputs of the nearest spans above, which are not repeated. They are shared, because each can be long, and each
    /// sibling has what is above it.
    inputs: Vec<Rc<Cow<'a, str>>>,
    output: Option<&'a str>,
}

fn troubled(spans: &[SpanData]) -> HashSet<SpanId> {
    let parents: HashMap<_, _> =
        spans.iter().map(|span| (span.span_context.span_id(), span.parent_span_id)).collect();
    let mut troubled = HashSet::new();
    for span in spans.iter().filter(|span| read::has_failed(span)) {
        let mut id = span.span_context.span_id();
        while let Some(parent) = parents.get(&id)
            && troubled.insert(id)
        {
            id = *parent;
        }
    }
    troubled
}

fn add_label(line: &mut Line, span: &SpanData) {
    line.part(Colour::Kind, read::kind(span));
    line.push(Colour::Plain, " ");
    line.push(Colour::Plain, &span.name);
}

fn add_failure(line: &mut Line, span: &SpanData) {
    line.part_of(Colour::Error, read::failure(span));
}

/// The input and the output in short, unless they are those of a span above.
fn add_values(line: &mut Line, span: &SpanData, above: &Above<'_>) {
    let is_above = |input: &Cow<'_, str>| above.inputs.iter().any(|other| **other == *input);
    let input = read::input(span).filter(|input| !input.is_empty() && !is_above(input));
    let output = read::output(span).filter(|output| above.output != Some(output));
    line.part_of(Colour::Aside, input.map(|input| in_short(&input)));
    line.part_of(Colour::Aside, output.map(|output| format!("→ {}", in_short(&output))));
}

/// The beginning of a value, with single blanks.
fn in_short(value: &str) -> String {
    // Values can be long, and only their beginning is read.
    let beginning: String = value.chars().take(4 * SHORT).collect();
    let words: Vec<_> = beginning.split_whitespace().collect();
    shortened(&words.join(" "), SHORT)
}

fn line_of_place(span: &SpanData) -> Option<String> {
    Some(format!("at {}", read::place(span)?))
}

/// Whether the name of a span, such as `chat gpt-4o`, names the model, of which it may leave the date out.
fn names(span: &SpanData, model: &str) -> bool {
    span.name.split(' ').next_back().is_some_and(|last| !last.is_empty() && model.starts_with(last))
}
