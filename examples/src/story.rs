//! What a run of the marketplace tells a person: one screen, with the trace of one request.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::opentelemetry::{Context, Value};
use a2a_otel::{Builder, TreePrinter};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

/// The widest line, however wide the terminal is: longer ones are hard to read.
const WIDEST: usize = 100;

/// How many columns a line may have.
#[must_use]
pub fn width() -> usize {
    let terminal = terminal_size::terminal_size_of(io::stdout());
    terminal.map_or(WIDEST, |(width, _)| usize::from(width.0).clamp(1, WIDEST))
}

/// Writes a text on one line, cut to a number of characters.
#[must_use]
pub fn cut(text: &str, characters: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= characters {
        return text;
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Writes a text behind the start of a line, cut to the width of the line.
#[must_use]
pub fn cut_line(start: &str, text: &str, width: usize) -> String {
    format!("{start}{}", cut(text, width.saturating_sub(start.chars().count())))
}

/// Reads a run's spans for its story.
#[derive(Clone, Debug, Default)]
pub struct Story {
    traces: Traces,
    tally: Arc<Mutex<Tally>>,
}

/// The printed traces.
#[derive(Clone, Debug, Default)]
struct Traces(Arc<Mutex<Vec<String>>>);

/// The sums of a run's spans.
#[derive(Debug, Default)]
struct Tally {
    spans: usize,
    tokens: i64,
    dollars: f64,
    errors: usize,
}

impl Story {
    /// Lets the story read the spans of this telemetry.
    pub fn listen(&self, builder: Builder) -> Builder {
        let wants_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let printer = TreePrinter::new(self.traces.clone())
            .colour(wants_colour && io::stdout().is_terminal())
            .width(width());
        builder.span_processor(printer).span_processor(self.clone())
    }

    /// The trace of a session, as a tree.
    #[must_use]
    pub fn trace_of(&self, session: &str) -> Option<String> {
        let traces = locked(&self.traces.0);
        traces.iter().find(|trace| trace.contains(&format!("session {session}"))).cloned()
    }

    /// The sums of all spans, in one line.
    #[must_use]
    pub fn sums(&self) -> String {
        let Tally { spans, tokens, dollars, errors } = &*locked(&self.tally);
        let mut text = format!("Recorded: {spans} spans, of which {errors} have an error");
        // Where the agents run elsewhere, so do their models.
        if *tokens > 0 {
            let _ = write!(text, "; {tokens} tokens, ${dollars:.4}");
        }
        text
    }
}

impl SpanProcessor for Story {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            locked(&self.tally).add(&span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Tally {
    fn add(&mut self, span: &SpanData) {
        self.spans += 1;
        self.errors += usize::from(matches!(span.status, Status::Error { .. }));
        for attribute in &span.attributes {
            match (attribute.key.as_str(), &attribute.value) {
                ("llm.token_count.total", Value::I64(tokens)) => self.tokens += tokens,
                ("llm.cost.total", Value::F64(dollars)) => self.dollars += dollars,
                _ => {}
            }
        }
    }
}

impl Write for Traces {
    /// The printer writes each trace as a whole.
    fn write(&mut self, trace: &[u8]) -> io::Result<usize> {
        locked(&self.0).push(String::from_utf8_lossy(trace).into_owned());
        Ok(trace.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes the place of the exporter that would print every trace.
#[derive(Debug)]
pub struct Unprinted;

impl SpanExporter for Unprinted {
    async fn export(&self, _spans: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
