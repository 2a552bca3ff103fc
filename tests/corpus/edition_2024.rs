//! Code that is only valid in edition 2024.

use crate::log::{Log, Loud, note, pause, wait};
use crate::observe;

#[observe]
fn let_chain(text: Option<&str>) -> u8 {
    if let Some(text) = text
        && let Ok(n) = text.parse::<u8>()
        && n > 3
    {
        return n;
    }
    0
}

#[observe]
async fn let_chain_with_awaits(text: &str) -> Result<u8, String> {
    while let Some(first) = text.chars().next()
        && let 'a'..='z' = first
    {
        pause().await;
        return Err(first.to_string());
    }
    Ok(1)
}

#[observe]
fn captures_all_lifetimes(text: &str, numbers: &[u8]) -> impl Iterator<Item = char> {
    text.chars().take(numbers.len())
}

#[observe]
fn captures_one_lifetime<'a>(text: &'a str, numbers: &[u8]) -> impl Iterator<Item = char> + use<'a> {
    let count = numbers.len();
    text.chars().take(count)
}

#[observe]
fn future_that_captures_all_lifetimes(text: &str, numbers: &[u8]) -> impl Future<Output = usize> {
    async move {
        pause().await;
        text.len() + numbers.len()
    }
}

#[observe]
fn temporary_in_the_tail(_n: u8) -> usize {
    let _local = Loud("local");
    Loud("temporary").0.len()
}

#[observe]
fn temporary_in_an_if_let(_n: u8) -> usize {
    if let 1 = Loud("scrutinee").0.len() {
        1
    } else {
        note("else");
        2
    }
}

#[observe]
fn iterates_over_a_boxed_slice(numbers: Box<[String]>) -> Vec<String> {
    numbers.into_iter().collect()
}

#[observe]
#[unsafe(link_section = ".text.shapes")]
fn has_an_unsafe_attribute(n: u8) -> u8 {
    n
}

#[observe]
async fn async_closures(n: u8) -> u8 {
    let mut sum = n;
    let mut add = async |m: u8| {
        pause().await;
        sum += m;
    };
    add(1).await;
    add(2).await;
    sum
}

pub(crate) fn drive(log: &mut Log) {
    log.calls(3, "let_chain", || [None, Some("2"), Some("7")].map(let_chain));
    log.calls(2, "let_chain_with_awaits", || ["a", "A"].map(|text| wait!(let_chain_with_awaits(text))));
    log.shape("captures_all_lifetimes", || captures_all_lifetimes("abc", &[1, 2]).collect::<String>());
    log.shape("captures_one_lifetime", || captures_one_lifetime("abc", &[1, 2]).collect::<String>());
    log.shape("future_that_captures_all_lifetimes", || {
        wait!(future_that_captures_all_lifetimes("abc", &[1]))
    });
    log.shape("temporary_in_the_tail", || temporary_in_the_tail(1));
    log.shape("temporary_in_an_if_let", || temporary_in_an_if_let(1));
    log.shape("iterates_over_a_boxed_slice", || iterates_over_a_boxed_slice(Box::new(["a".into()])));
    log.shape("has_an_unsafe_attribute", || has_an_unsafe_attribute(1));
    log.shape("async_closures", || wait!(async_closures(1)));
}
