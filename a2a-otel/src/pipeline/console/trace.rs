//! The spans of a trace that has not been printed yet.

use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::SpanId;
use opentelemetry_sdk::trace::SpanData;

use super::line::{Colour, Line, clock, duration, plural};
use super::read;

/// The largest number of spans that is kept of one trace, because a trace that never ends must not take all memory.
pub(super) const MOST_SPANS: usize = 10_000;

/// When a trace that runs is first reported, and the longest time between two reports.
const FIRST_REPORT: Duration = Duration::from_secs(2);
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Trace {
    pub(super) open: usize,
    pub(super) spans: Vec<SpanData>,
    pub(super) left_out: usize,
    pub(super) live: Option<Live>,
}

/// What is reported of a trace that runs.
pub(super) struct Live {
    pub(super) begin: Instant,
    pub(super) next_report: Duration,
    /// The spans that have not ended, in the order of their start.
    pub(super) running: Vec<(SpanId, String)>,
}

impl Trace {
    pub(super) fn keep(&mut self, span: SpanData) {
        if let Some(live) = &mut self.live {
            live.running.retain(|(id, _)| *id != span.span_context.span_id());
        }
        if !span.span_context.is_sampled() {
            return;
        }
        if self.spans.len() < MOST_SPANS {
            self.spans.push(span);
        } else {
            self.left_out += 1;
        }
    }

    /// Notes that a span has started. Returns the line that says so, if the span is the first of the trace.
    pub(super) fn started(&mut self, span: &SpanData) -> Option<Line> {
        let label = format!("{} {}", read::kind(span), span.name);
        let is_first = self.live.is_none();
        let line = is_first.then(|| live_line("started", &label));
        let progress = self.live.get_or_insert_with(|| Live {
            begin: Instant::now(),
            next_report: FIRST_REPORT,
            running: Vec::new(),
        });
        if progress.running.len() < MOST_SPANS {
            progress.running.push((span.span_context.span_id(), label));
        }
        line
    }

    /// What the trace is doing, if it is time to say so.
    pub(super) fn report(&mut self, now: Instant) -> Option<Line> {
        let progress = self.live.as_mut()?;
        let elapsed = now.saturating_duration_since(progress.begin);
        let ((_, first), (_, last)) = (progress.running.first()?, progress.running.last()?);
        if elapsed < progress.next_report {
            return None;
        }
        // Each silence is twice as long as the one before.
        progress.next_report = elapsed + elapsed.clamp(FIRST_REPORT, LONGEST_SILENCE);
        let mut line = live_line("running", first);
        line.part(Colour::Plain, &duration(elapsed));
        line.part(Colour::Plain, &plural(self.spans.len() + self.left_out, "span"));
        if progress.running.len() > 1 {
            line.part(Colour::Plain, &format!("now {last}"));
        }
        Some(line)
    }
}

fn live_line(what: &str, label: &str) -> Line {
    let mut line = Line::after(&clock(SystemTime::now()));
    line.part(Colour::Aside, what);
    line.part(Colour::Plain, label);
    line
}
