//! What is dropped, and when.

use std::future::Future;
use std::pin::Pin;

use crate::log::{Log, Loud, abandon, note, pause, wait};
use crate::observe;

#[observe]
fn one_argument(argument: Loud) {
    note(argument.0);
}

#[observe]
fn used_arguments(first: Loud, second: Loud) {
    note("body");
    drop(second);
    note("between");
    drop(first);
}

#[observe]
fn locals(text: &str) -> usize {
    let _first = Loud("first local");
    let _second = Loud("second local");
    note("body");
    text.len()
}

#[observe]
fn locals_and_an_argument(argument: Loud) -> usize {
    let _local = Loud("local");
    argument.0.len()
}

#[observe]
fn local_in_the_tail(numbers: &[u8]) -> usize {
    let local = Loud("local");
    note("body");
    (local, numbers).1.len()
}

#[observe]
fn temporaries(_n: u8) -> usize {
    note(Loud("a statement's temporary").0);
    note("body");
    let length = Loud("a let's temporary").0.len();
    note(length);
    length
}

#[observe]
fn underscores_in_the_body(argument: Loud) -> u8 {
    let _ = argument;
    let _ = Loud("dropped at once");
    let _kept = Loud("kept");
    note("body");
    1
}

#[observe]
fn shadowed(argument: Loud) -> Loud {
    let argument = Loud(if argument.0 == "argument" { "shadow" } else { "other" });
    note("body");
    argument
}

#[observe]
fn returned(first: Loud, second: Loud) -> Loud {
    if first.0.is_empty() {
        return first;
    }
    second
}

#[observe]
fn returned_early(argument: Loud, early: bool) -> Result<Loud, Loud> {
    let local = Loud("local");
    if early {
        return Err(local);
    }
    Ok(argument)
}

#[observe]
fn question_mark(argument: Loud, text: &str) -> Result<u8, std::num::ParseIntError> {
    let local = Loud("local");
    let n = text.parse()?;
    note("parsed");
    drop((argument, local));
    Ok(n)
}

#[observe]
fn panics(argument: Loud) -> u8 {
    let _local = Loud("local");
    assert!(argument.0.is_empty(), "the argument is not empty");
    1
}

#[observe]
fn borrowed(argument: &Loud, other: &mut Loud) {
    *other = Loud("assigned");
    note(argument.0);
}

#[observe]
fn moved_into_a_closure(argument: Loud) -> impl FnOnce() -> usize {
    move || argument.0.len()
}

#[observe]
fn in_a_loop(count: u8) {
    for n in 0..count {
        let _round = Loud("round");
        if n == 1 {
            continue;
        }
        note(n);
    }
}

#[observe]
fn match_on_a_temporary(_n: u8) -> usize {
    let length = match Loud("scrutinee").0.len() {
        9 => {
            note("in the arm");
            1
        }
        _ => 2,
    };
    note("after");
    length
}

struct Agent(#[expect(dead_code)] Loud);

impl Agent {
    #[observe]
    fn consumed(self) -> u8 {
        note("body");
        drop(self);
        note("end");
        1
    }

    #[observe]
    async fn consumed_later(self) -> u8 {
        pause().await;
        drop(self);
        note("end");
        1
    }
}

#[observe]
async fn one_argument_later(argument: Loud) {
    note(argument.0);
    pause().await;
    note("end");
}

#[observe]
async fn used_arguments_later(first: Loud, second: Loud) {
    pause().await;
    drop(second);
    pause().await;
    drop(first);
}

#[observe]
async fn locals_later(text: &str) -> usize {
    let _first = Loud("first local");
    pause().await;
    let _second = Loud("second local");
    pause().await;
    note("end");
    text.len()
}

#[observe]
async fn returned_early_later(argument: Loud, early: bool) -> Result<Loud, Loud> {
    let local = Loud("local");
    pause().await;
    if early {
        return Err(local);
    }
    Ok(argument)
}

#[observe]
async fn abandoned_between_awaits(argument: Loud) {
    let _first = Loud("first local");
    drop(argument);
    pause().await;
    let _second = Loud("second local");
    pause().await;
}

#[observe]
async fn panics_later(argument: Loud) -> u8 {
    let _local = Loud("local");
    pause().await;
    assert!(argument.0.is_empty(), "the argument is not empty");
    1
}

#[observe]
fn opaque_future(argument: Loud) -> impl Future<Output = usize> {
    let local = Loud("local");
    async move {
        drop(local);
        pause().await;
        argument.0.len()
    }
}

#[observe]
fn boxed_future(argument: Loud) -> Pin<Box<dyn Future<Output = usize>>> {
    let _local = Loud("local");
    Box::pin(async move {
        let _inner = Loud("inner");
        pause().await;
        argument.0.len()
    })
}

#[observe]
async fn closure_in_an_async_function(argument: Loud) -> usize {
    let take = move || argument.0.len();
    pause().await;
    take()
}

#[observe]
fn unused_arguments(_first: Loud, _second: Loud) {
    note("body");
}

#[observe]
fn unused_beside_a_used_argument(_unused: Loud, used: Loud) {
    let _local = Loud("local");
    note(used.0);
}

#[observe]
fn wildcards(_: Loud, (_, _kept): (Loud, Loud)) {
    note("body");
}

#[observe]
async fn unused_arguments_later(_first: Loud, _second: Loud) {
    pause().await;
}

#[observe]
async fn abandoned_before_arguments_are_used(first: Loud, second: Loud) {
    pause().await;
    drop((first, second));
}

pub(crate) fn drive(log: &mut Log) {
    drive_sync(log);
    drive_later(log);
    drive_exceptions(log);
}

fn drive_sync(log: &mut Log) {
    let [first, second, argument] = [|| Loud("first"), || Loud("second"), || Loud("argument")];
    log.shape("one_argument", || one_argument(argument()));
    log.shape("used_arguments", || used_arguments(first(), second()));
    log.shape("locals", || locals("text"));
    log.shape("locals_and_an_argument", || locals_and_an_argument(argument()));
    log.shape("local_in_the_tail", || local_in_the_tail(&[1]));
    log.shape("temporaries", || temporaries(1));
    log.shape("underscores_in_the_body", || underscores_in_the_body(argument()));
    log.shape("shadowed", || shadowed(argument()));
    log.shape("returned", || returned(first(), second()));
    log.calls(2, "returned_early", || [true, false].map(|early| returned_early(argument(), early).is_ok()));
    log.calls(2, "question_mark", || ["1", "x"].map(|text| question_mark(argument(), text)));
    log.shape("panics", || panics(argument()));
    log.shape("borrowed", || borrowed(&argument(), &mut first()));
    log.shape("moved_into_a_closure", || moved_into_a_closure(argument())());
    log.shape("in_a_loop", || in_a_loop(3));
    log.shape("match_on_a_temporary", || match_on_a_temporary(1));
    log.shape("consumed", || Agent(Loud("self")).consumed());
}

fn drive_later(log: &mut Log) {
    let [first, second, argument] = [|| Loud("first"), || Loud("second"), || Loud("argument")];
    log.shape("consumed_later", || wait!(Agent(Loud("self")).consumed_later()));
    log.shape("one_argument_later", || wait!(one_argument_later(argument())));
    log.shape("used_arguments_later", || wait!(used_arguments_later(first(), second())));
    log.shape("locals_later", || wait!(locals_later("text")));
    log.calls(2, "returned_early_later", || {
        [true, false].map(|early| wait!(returned_early_later(argument(), early)).is_ok())
    });
    log.shape("abandoned_between_awaits", || abandon!(abandoned_between_awaits(argument())));
    log.shape("panics_later", || wait!(panics_later(argument())));
    log.shape("opaque_future", || wait!(opaque_future(argument())));
    log.shape("opaque_future_abandoned", || abandon!(opaque_future(argument())));
    log.shape("boxed_future", || wait!(boxed_future(argument())));
    log.shape("boxed_future_abandoned", || abandon!(boxed_future(argument())));
    log.shape("closure_in_an_async_function", || wait!(closure_in_an_async_function(argument())));
}

/// By-value arguments that the body does not use, or not before it is abandoned: a closure or an async block drops what
/// it captured in the order of capture, while a function drops its arguments from the last to the first.
fn drive_exceptions(log: &mut Log) {
    let [first, second, argument] = [|| Loud("first"), || Loud("second"), || Loud("argument")];
    log.in_any_order("unused_arguments", || unused_arguments(first(), second()));
    log.in_any_order("unused_beside_a_used_argument", || unused_beside_a_used_argument(first(), argument()));
    log.in_any_order("wildcards", || wildcards(first(), (second(), argument())));
    log.in_any_order("unused_arguments_later", || wait!(unused_arguments_later(first(), second())));
    log.in_any_order("abandoned_before_arguments_are_used", || {
        abandon!(abandoned_before_arguments_are_used(first(), second()))
    });
}
