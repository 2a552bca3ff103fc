//! Records a run of the corpus, so that it can be compared with the other run.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::task::Poll;

use a2a_otel::testing::capture;

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The shapes that ran, each with its record.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) shapes: Vec<Shape>,
}

/// One run of one shape.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// How many observed functions it calls.
    pub(crate) calls: usize,
    /// The notes that were taken, and the result.
    pub(crate) lines: Vec<String>,
    /// The tree of its spans, and their number.
    pub(crate) tree: String,
    pub(crate) spans: usize,
    /// The expected tree, if it is part of the shape.
    pub(crate) expected_tree: Option<&'static str>,
    /// The names of attributes that a span has twice.
    pub(crate) duplicates: Vec<String>,
}

impl Log {
    pub(crate) fn of(drive: fn(&mut Self)) -> Self {
        let mut log = Self::default();
        drive(&mut log);
        log
    }

    /// Runs a shape that calls one observed function once.
    pub(crate) fn shape<T: Debug>(&mut self, name: &'static str, run: impl FnOnce() -> T) {
        self.calls(1, name, run);
    }

    /// Runs a shape that calls observed functions this often.
    pub(crate) fn calls<T: Debug>(&mut self, calls: usize, name: &'static str, run: impl FnOnce() -> T) {
        LINES.take();
        let capturing = capture();
        let result = catch_unwind(AssertUnwindSafe(|| format!("{:?}", run())));
        note(result.unwrap_or_else(|payload| format!("panic: {}", message(&*payload))));
        let spans = capturing.spans();
        self.shapes.push(Shape {
            name,
            calls,
            lines: LINES.take(),
            tree: capturing.tree(),
            spans: spans.len(),
            expected_tree: None,
            duplicates: spans.into_iter().flat_map(|span| span.duplicates).collect(),
        });
    }

    /// Runs a shape whose observed functions call each other, so that their spans form this tree.
    pub(crate) fn tree<T: Debug>(&mut self, tree: &'static str, name: &'static str, run: impl FnOnce() -> T) {
        self.calls(tree.lines().count(), name, run);
        if let Some(shape) = self.shapes.last_mut() {
            shape.expected_tree = Some(tree);
        }
    }

    /// Runs a shape in which the attribute macro changes the order of the notes, which is the documented exception.
    pub(crate) fn in_any_order<T: Debug>(&mut self, name: &'static str, run: impl FnOnce() -> T) {
        self.shape(name, run);
        if let Some(shape) = self.shapes.last_mut() {
            shape.lines.sort();
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("of no text")
}

/// Notes what happens in a shape.
pub(crate) fn note(line: impl Display) {
    LINES.with_borrow_mut(|lines| lines.push(line.to_string()));
}

/// Notes the location of the caller.
#[track_caller]
pub(crate) fn note_caller(of: &str) {
    let caller = Location::caller();
    note(format_args!("{of} was called in {}:{}", caller.line(), caller.column()));
}

/// A value that takes a note when it is dropped.
#[derive(Debug)]
pub(crate) struct Loud(pub(crate) &'static str);

impl Drop for Loud {
    fn drop(&mut self) {
        note(format_args!("{} is dropped", self.0));
    }
}

/// Waits once.
pub(crate) async fn pause() {
    let mut paused = false;
    poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Finds the auto traits of a value's type: an inherent method is preferred if its bounds hold.
pub(crate) struct Ask<T>(PhantomData<T>);

impl<T> Ask<T> {
    pub(crate) fn about(_: &T) -> Self {
        Self(PhantomData)
    }
}

impl<T: Send> Ask<T> {
    #[expect(clippy::unused_self, reason = "only a method is found by its bounds")]
    pub(crate) fn is_send(&self) -> bool {
        true
    }
}

pub(crate) trait IsNotSend {
    fn is_send(&self) -> bool {
        false
    }
}

impl<T> IsNotSend for &Ask<T> {}

/// Runs a future to its end, and notes whether it is `Send`.
macro_rules! wait {
    ($future:expr) => {
        match $future {
            future => {
                $crate::log::note_send!("future", future);
                ::futures::executor::block_on(future)
            }
        }
    };
}

/// Polls a future once, and drops it.
macro_rules! abandon {
    ($future:expr) => {
        match $future {
            future => {
                $crate::log::note_send!("future", future);
                ::futures::FutureExt::now_or_never(future)
            }
        }
    };
}

/// Collects a stream, and notes whether it is `Send`.
macro_rules! collect {
    ($stream:expr) => {
        match $stream {
            stream => {
                $crate::log::note_send!("stream", stream);
                ::futures::executor::block_on(::futures::StreamExt::collect::<Vec<_>>(stream))
            }
        }
    };
}

macro_rules! note_send {
    ($what:literal, $value:ident) => {{
        #[allow(unused_imports, reason = "only types that are not `Send` need the trait")]
        use $crate::log::IsNotSend as _;
        let is_send = (&$crate::log::Ask::about(&$value)).is_send();
        $crate::log::note(format_args!("the {} is Send: {is_send}", $what));
    }};
}

pub(crate) use {abandon, collect, note_send, wait};
