//! Prints traces, for use without Phoenix.

mod layout;
mod line;
mod read;
#[cfg(test)]
mod tests;
mod trace;
mod tree;

use std::collections::HashMap;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, TraceId};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use self::layout::{Layout, Width};
use self::line::Line;
use self::trace::Trace;
use self::tree::Tree;
use crate::lock::lock;
use crate::settings::ConsoleForm;

/// How often running traces are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Prints every finished trace as a tree: what was called, how long it took, tokens, cost, errors with their causes, and
/// inputs and outputs in short.
///
/// It is what `init` installs when the feature `otlp` is off or `OTEL_TRACES_EXPORTER` contains `console`, in the form that
/// `A2A_OTEL_CONSOLE` names.
///
/// ```
/// use a2a_otel::{Telemetry, TreePrinter};
///
/// let telemetry = Telemetry::builder()
///     .span_processor(TreePrinter::new(std::io::stdout()).colour(false))
///     .tracing(false)
///     .init()?;
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
pub struct TreePrinter {
    layout: Layout,
    /// Whether traces are reported while they run.
    is_live: bool,
    state: Arc<Mutex<State>>,
}

struct State {
    traces: HashMap<TraceId, Trace>,
    writer: Box<dyn Write + Send>,
    /// Whether a thread reports the traces that run.
    is_watched: bool,
}

impl TreePrinter {
    /// Prints to standard error.
    ///
    /// If it is a terminal, lines are cut to its width, a line says that a trace has started, and further ones say what it is
    /// doing while it runs; colours are used unless `NO_COLOR` is set.
    ///
    /// ```
    /// let printer = a2a_otel::TreePrinter::stderr();
    /// ```
    #[must_use]
    pub fn stderr() -> Self {
        let printer = TreePrinter::new(io::stderr());
        if !io::stderr().is_terminal() {
            return printer;
        }
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let layout = Layout { is_coloured: wanted, width: Width::Terminal, ..printer.layout };
        TreePrinter { layout, is_live: true, ..printer }
    }

    /// Prints to a writer, without colour, and without a limit to the width. Each trace is one write.
    ///
    /// ```
    /// let printer = a2a_otel::TreePrinter::new(std::io::stdout());
    /// ```
    #[must_use]
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let state = State { traces: HashMap::new(), writer: Box::new(writer), is_watched: false };
        let layout = Layout { form: ConsoleForm::default(), is_coloured: false, width: Width::Unlimited };
        TreePrinter { layout, is_live: false, state: Arc::new(Mutex::new(state)) }
    }

    /// Whether to print in colour.
    ///
    /// ```
    /// let printer = a2a_otel::TreePrinter::stderr().colour(false);
    /// ```
    #[must_use]
    pub fn colour(mut self, colour: bool) -> Self {
        self.layout.is_coloured = colour;
        self
    }

    /// How much of each trace is printed; by default a tree.
    ///
    /// ```
    /// use a2a_otel::TreePrinter;
    /// use a2a_otel::settings::ConsoleForm;
    ///
    /// let printer = TreePrinter::stderr().form(ConsoleForm::Full);
    /// ```
    #[must_use]
    pub fn form(mut self, form: ConsoleForm) -> Self {
        self.layout.form = form;
        self
    }

    /// How many columns a line may have. [`ConsoleForm::Full`] has no limit.
    ///
    /// ```
    /// let printer = a2a_otel::TreePrinter::new(std::io::stdout()).width(100);
    /// ```
    #[must_use]
    pub fn width(mut self, columns: usize) -> Self {
        self.layout.width = Width::Columns(columns);
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Whether traces are reported while they run. A summary has only lines of traces that have ended.
    fn is_live(&self) -> bool {
        self.is_live && self.layout.form != ConsoleForm::Summary
    }
}

impl fmt::Debug for TreePrinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreePrinter").field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl SpanProcessor for TreePrinter {
    fn on_start(&self, span: &mut Span, _context: &Context) {
        let place = span.span_context().clone();
        // Copying the span is only worth it if somebody is watching.
        let started = (self.is_live() && place.is_sampled()).then(|| span.exported_data()).flatten();
        let mut state = self.state();
        let trace = state.traces.entry(place.trace_id()).or_default();
        trace.open += 1;
        let Some(started) = started else { return };
        if let Some(line) = trace.started(&started) {
            state.write_line(line, self.layout);
        }
        if !state.is_watched {
            state.is_watched = watch(&self.state, self.layout);
        }
    }

    fn on_end(&self, span: SpanData) {
        let id = span.span_context.trace_id();
        let mut state = self.state();
        let trace = state.traces.entry(id).or_default();
        trace.open = trace.open.saturating_sub(1);
        trace.keep(span);
        if trace.open == 0
            && let Some(trace) = state.traces.remove(&id)
        {
            state.print(id, trace, self.layout);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        // A trace that has not ended is printed as a whole when it ends.
        let _ = self.state().writer.flush();
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        let mut state = self.state();
        for (id, trace) in std::mem::take(&mut state.traces) {
            state.print(id, trace, self.layout);
        }
        Ok(())
    }
}

/// Starts a thread that reports traces while they run, and ends with the last of them.
fn watch(state: &Arc<Mutex<State>>, layout: Layout) -> bool {
    let state = Arc::downgrade(state);
    let looks = move || while look(&state, layout) {};
    thread::Builder::new().name("a2a-otel-console".to_owned()).spawn(looks).is_ok()
}

/// Waits a while, and then reports. Returns whether there is more to watch.
fn look(state: &Weak<Mutex<State>>, layout: Layout) -> bool {
    thread::sleep(LOOK);
    let Some(state) = state.upgrade() else { return false };
    let mut state = lock(&state);
    state.report(Instant::now(), layout);
    state.is_watched = !state.traces.is_empty();
    state.is_watched
}

impl State {
    fn print(&mut self, id: TraceId, trace: Trace, layout: Layout) {
        if !trace.spans.is_empty() {
            self.write(&Tree::new(id, trace, layout).draw());
        }
    }

    /// Reports the traces that have run for a while without a report.
    fn report(&mut self, now: Instant, layout: Layout) {
        let lines: Vec<_> = self.traces.values_mut().filter_map(|trace| trace.report(now)).collect();
        for line in lines {
            self.write_line(line, layout);
        }
    }

    fn write_line(&mut self, line: Line, layout: Layout) {
        let mut text = String::new();
        line.write(layout.width.columns(), layout.is_coloured, &mut text);
        self.write(&text);
    }

    /// Ignores errors of the writer: a closed pipe must not disturb the agent.
    fn write(&mut self, text: &str) {
        let _ = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
    }
}
