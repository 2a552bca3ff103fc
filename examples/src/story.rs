//! What a run of the marketplace tells a person: one screen, with the trace of one request.

use std::collections::HashMap;
use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use a2a_otel::opentelemetry::trace::{Status, TraceId};
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

/// Prints a line. If nobody reads standard output any longer, as behind `head`, the run goes on and nothing is printed.
pub fn say(line: &dyn Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Replaces what could control the terminal with blanks, because models and other agents write parts of what is printed:
/// control characters, and marks that change the direction of the text.
#[must_use]
pub fn harmless(text: &str) -> String {
    const fn is_direction(character: char) -> bool {
        matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
    }
    text.replace(|character: char| character.is_control() || is_direction(character), " ")
}

/// Writes a text on one line, cut to a number of characters.
#[must_use]
pub fn cut(text: &str, characters: usize) -> String {
    let text = harmless(text).split_whitespace().collect::<Vec<_>>().join(" ");
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
#[derive(Clone, Debug)]
pub struct Story(Arc<Mutex<Book>>);

/// What a story knows.
#[derive(Debug)]
struct Book {
    printer: TreePrinter,
    page: Page,
    trees: HashMap<TraceId, String>,
    /// The trace of each session. It is not searched for in what is printed, because lines are cut to their width.
    sessions: HashMap<String, TraceId>,
    tally: Tally,
}

/// What the printer has just written.
#[derive(Clone, Debug, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

/// The sums of a run's spans.
#[derive(Debug, Default)]
struct Tally {
    spans: usize,
    tokens: i64,
    dollars: f64,
    errors: usize,
}

impl Default for Story {
    fn default() -> Self {
        Self::of_width(width())
    }
}

impl Story {
    fn of_width(width: usize) -> Self {
        let wants_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let page = Page::default();
        let printer =
            TreePrinter::new(page.clone()).colour(wants_colour && io::stdout().is_terminal()).width(width);
        let (trees, sessions, tally) = Default::default();
        Self(Arc::new(Mutex::new(Book { printer, page, trees, sessions, tally })))
    }

    /// Lets the story read the spans of this telemetry.
    pub fn listen(&self, builder: Builder) -> Builder {
        builder.span_processor(self.clone())
    }

    /// The trace of a session, as a tree.
    #[must_use]
    pub fn trace_of(&self, session: &str) -> Option<String> {
        let book = locked(&self.0);
        book.trees.get(book.sessions.get(session)?).cloned()
    }

    /// The sums of all spans, in one line.
    #[must_use]
    pub fn sums(&self) -> String {
        let Tally { spans, tokens, dollars, errors } = &locked(&self.0).tally;
        let mut text = format!("Recorded: {spans} spans, of which {errors} have an error");
        // Where the agents run elsewhere, so do their models.
        if *tokens > 0 {
            let _ = write!(text, "; {tokens} tokens, ${dollars:.4}");
        }
        text
    }
}

impl SpanProcessor for Story {
    fn on_start(&self, span: &mut Span, context: &Context) {
        locked(&self.0).printer.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        locked(&self.0).add(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Book {
    fn add(&mut self, span: SpanData) {
        let id = span.span_context.trace_id();
        if span.span_context.is_sampled() {
            self.tally.add(&span);
            self.sessions.extend(session_of(&span).map(|session| (session, id)));
        }
        self.printer.on_end(span);
        let page = std::mem::take(&mut *locked(&self.page.0));
        if !page.is_empty() {
            self.trees.insert(id, String::from_utf8_lossy(&page).into_owned());
        }
    }
}

fn session_of(span: &SpanData) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key.as_str() == "session.id")?;
    Some(attribute.value.as_str().into_owned())
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

impl Write for Page {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        locked(&self.0).extend_from_slice(text);
        Ok(text.len())
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

#[cfg(test)]
mod tests {
    use a2a_otel::opentelemetry::KeyValue;
    use a2a_otel::opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    #[test]
    fn a_trace_is_found_however_narrow_the_terminal_is() {
        for width in [1, 20, 60, 100] {
            let story = Story::of_width(width);
            let provider = SdkTracerProvider::builder().with_span_processor(story.clone()).build();
            for session in ["customer-01-12345678", "customer-02-12345678"] {
                let mut span = provider.tracer("test").start(session);
                span.set_attribute(KeyValue::new("session.id", session));
                span.end();
            }
            let trace = story.trace_of("customer-02-12345678").expect("a trace");
            assert!(width < 40 || trace.contains("customer-02"), "{trace}");
            assert!(trace.lines().all(|line| line.chars().count() <= width), "{trace}");
            assert_eq!(story.trace_of("customer-03-12345678"), None);
        }
    }

    #[test]
    fn what_is_cut_does_not_control_the_terminal() {
        assert_eq!(cut("\u{1b}]0;title\u{7}a\u{202e}b\tc", 40), "]0;title a b c");
    }
}
