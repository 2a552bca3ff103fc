//! `#[track_caller]`: the reported location is the caller's.

use std::panic::Location;

use crate::log::{Log, note_caller};
use crate::observe;

#[observe]
#[track_caller]
fn location() -> (u32, u32) {
    let caller = Location::caller();
    (caller.line(), caller.column())
}

#[track_caller]
#[observe]
fn location_below(text: &str) -> usize {
    note_caller("location_below");
    text.len()
}

#[observe]
#[track_caller]
fn location_and_an_early_return(n: u8) -> Result<u8, String> {
    note_caller("location_and_an_early_return");
    if n == 0 {
        return Err("zero".into());
    }
    let n = n.checked_sub(1).ok_or("zero")?;
    Ok(n)
}

#[observe]
#[track_caller]
fn location_of_an_inner_call(n: Option<u8>) -> u8 {
    #[track_caller]
    fn inner(n: Option<u8>) -> u8 {
        note_caller("inner");
        n.unwrap_or(1)
    }
    inner(n)
}

#[observe]
#[track_caller]
fn panics(n: Option<u8>) -> u8 {
    note_caller("panics");
    n.expect("a number")
}

#[observe]
#[track_caller]
fn nothing() {
    note_caller("nothing");
}

#[observe]
#[track_caller]
fn reborrows(numbers: &mut Vec<u8>) -> Result<&mut u8, String> {
    note_caller("reborrows");
    let first = numbers.first_mut().ok_or("empty")?;
    Ok(first)
}

#[observe]
#[track_caller]
fn generic<T: Clone>(value: &T) -> impl Iterator<Item = T> {
    note_caller("generic");
    std::iter::once(value.clone())
}

#[observe]
#[track_caller]
fn never() -> ! {
    note_caller("never");
    panic!("never")
}

#[observe]
#[cfg_attr(all(), track_caller)]
fn location_on_a_condition() {
    note_caller("location_on_a_condition");
}

struct Agent(u8);

impl Agent {
    #[observe]
    #[track_caller]
    fn method(&mut self, n: u8) -> u8 {
        note_caller("method");
        self.0 += n;
        self.0
    }

    #[observe]
    #[track_caller]
    fn by_value(self) -> u8 {
        note_caller("by_value");
        self.0
    }
}

trait Located {
    #[track_caller]
    fn located(&self);

    #[observe]
    #[track_caller]
    fn default_method(&self) {
        note_caller("default_method");
    }
}

// An attribute macro on the implementation does not see attributes of the trait's declaration, so they are repeated.
impl Located for Agent {
    #[observe]
    #[track_caller]
    fn located(&self) {
        note_caller("located");
    }
}

#[observe]
fn without_the_attribute() -> u32 {
    note_caller("note_caller");
    line!()
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("location", || location());
    log.shape("location_below", || location_below("text"));
    log.calls(2, "location_and_an_early_return", || {
        (location_and_an_early_return(0), location_and_an_early_return(1))
    });
    log.shape("location_of_an_inner_call", || location_of_an_inner_call(None));
    log.calls(2, "panics", || (panics(Some(1)), panics(None)));
    log.shape("nothing", || nothing());
    log.calls(2, "reborrows", || (reborrows(&mut vec![1]).copied(), reborrows(&mut vec![]).copied()));
    log.shape("generic", || generic(&'x').count());
    log.shape("never", || -> u8 { never() });
    log.shape("location_on_a_condition", || location_on_a_condition());
    log.shape("method", || Agent(1).method(2));
    log.shape("by_value", || Agent(1).by_value());
    log.shape("located", || Agent(1).located());
    log.shape("default_method", || Agent(1).default_method());
    log.shape("without_the_attribute", without_the_attribute);
}
