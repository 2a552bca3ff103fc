//! Expected lints that an attribute macro silences: recorded parameters count as used, and Clippy does not check
//! signatures that an attribute macro wrote.

use crate::log::{Log, wait};
use crate::observe;

#[observe]
#[expect(unused_variables)]
fn expects_an_unused_parameter(unused: u8) -> u8 {
    1
}

#[observe]
#[expect(clippy::unnecessary_wraps)]
fn expects_an_unnecessary_wrap(n: u8) -> Option<u8> {
    Some(n)
}

#[observe]
#[expect(clippy::needless_pass_by_value)]
fn expects_a_needless_value(text: String) -> usize {
    text.len()
}

#[observe]
#[expect(clippy::trivially_copy_pass_by_ref)]
fn expects_a_trivial_reference(n: &u8) -> u8 {
    *n
}

#[observe]
#[expect(clippy::unused_async)]
async fn expects_an_unused_async(n: u8) -> u8 {
    n
}

#[observe]
#[expect(clippy::ptr_arg)]
fn expects_a_vector(numbers: &Vec<u8>) -> usize {
    numbers.len()
}

#[observe]
#[expect(clippy::needless_lifetimes)]
fn expects_a_needless_lifetime<'a>(text: &'a str) -> &'a str {
    text
}

struct Agent;

impl Agent {
    #[observe]
    #[expect(clippy::unused_self)]
    fn expects_an_unused_self(&self, n: u8) -> u8 {
        n
    }
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("expects_an_unused_parameter", || expects_an_unused_parameter(1));
    log.shape("expects_an_unnecessary_wrap", || expects_an_unnecessary_wrap(1));
    log.shape("expects_a_needless_value", || expects_a_needless_value("x".into()));
    log.shape("expects_a_trivial_reference", || expects_a_trivial_reference(&1));
    log.shape("expects_an_unused_async", || wait!(expects_an_unused_async(1)));
    log.shape("expects_a_vector", || expects_a_vector(&vec![1]));
    log.shape("expects_a_needless_lifetime", || expects_a_needless_lifetime("x"));
    log.shape("expects_an_unused_self", || Agent.expects_an_unused_self(1));
}
