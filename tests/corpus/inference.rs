//! Bodies whose types are inferred from the signature, and results that are coerced.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::fmt::{Debug, Display};
use std::rc::Rc;
use std::sync::Arc;

use crate::log::Log;
use crate::observe;

type Boxed<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[observe]
fn integer(big: bool) -> u64 {
    if big { 5_000_000_000 } else { 1 }
}

#[observe]
fn nothing_of_a_kind() -> Option<Vec<String>> {
    None
}

#[observe]
fn empty_collection() -> HashMap<String, Vec<u8>> {
    HashMap::new()
}

#[observe]
fn default() -> (u8, String, Vec<bool>) {
    Default::default()
}

#[observe]
fn collected(text: &str) -> BTreeSet<char> {
    text.chars().collect()
}

#[observe]
fn collected_into_a_result(texts: &[&str]) -> Result<Vec<u8>, std::num::ParseIntError> {
    texts.iter().map(|text| text.parse()).collect()
}

#[observe]
fn parsed(text: &str) -> Boxed<i16> {
    Ok(text.parse()?)
}

#[observe]
fn summed(numbers: &[u32]) -> u32 {
    numbers.iter().sum()
}

#[observe]
fn converted(text: &str) -> Box<str> {
    text.into()
}

#[observe]
fn converted_error(fails: bool) -> Boxed<()> {
    if fails {
        return Err("in words".into());
    }
    Ok(())
}

#[observe]
fn boxed_object() -> Box<dyn Debug> {
    Box::new(1)
}

#[observe]
fn boxed_objects_in_branches(n: u8) -> Box<dyn Display> {
    if n == 0 { Box::new("zero") } else { Box::new(n) }
}

#[observe]
fn boxed_objects_early(n: u8) -> Box<dyn Display + Send> {
    if n == 0 {
        return Box::new("early");
    }
    match n {
        1 => Box::new('1'),
        _ => Box::new(n),
    }
}

#[observe]
fn boxed_object_in_a_result(n: u8) -> Result<Box<dyn Debug>, Box<dyn Error>> {
    if n == 0 {
        return Ok(Box::new("zero"));
    }
    if n == 1 {
        Err(std::fmt::Error)?;
    }
    Ok(Box::new(n))
}

#[observe]
fn boxed_error(text: &str) -> Result<u8, Box<dyn Error>> {
    text.parse::<u8>().map_err(|error| Box::new(error) as _)
}

#[observe]
fn boxed_object_in_an_option(n: u8) -> Option<Box<dyn Debug>> {
    if n == 0 { None } else { Some(Box::new(n)) }
}

#[observe]
fn borrowed_object(text: &String) -> &dyn Display {
    text
}

#[observe]
fn borrowed_object_in_an_option<'a>(text: &'a str, n: &'a u8) -> Option<&'a dyn Debug> {
    if text.is_empty() { Some(n) } else { None }
}

#[observe]
fn shared_object() -> Rc<dyn Fn(u8) -> u8> {
    Rc::new(|n| n + 1)
}

#[observe]
fn atomically_shared_slice(n: u8) -> Arc<[u8]> {
    Arc::new([n, n + 1])
}

#[observe]
fn boxed_closures_in_branches(up: bool) -> Box<dyn Fn(i8) -> i8> {
    if up { Box::new(|n| n + 1) } else { Box::new(|n| n - 1) }
}

#[observe]
fn closure_as_a_pointer(up: bool) -> fn(i8) -> i8 {
    if up { |n| n + 1 } else { i8::abs }
}

#[observe]
fn array_as_a_slice() -> &'static [u8] {
    &[1, 2, 3]
}

#[observe]
fn vector_as_a_slice(numbers: &Vec<u8>) -> &[u8] {
    numbers
}

#[observe]
fn string_as_a_str(text: &String, early: bool) -> &str {
    if early {
        return text;
    }
    text
}

#[observe]
fn box_as_its_content(text: &Box<String>) -> &str {
    text
}

#[observe]
fn mutable_as_shared(numbers: &mut Vec<u8>) -> &Vec<u8> {
    numbers.push(1);
    numbers
}

#[observe]
fn never_as_anything(n: u8) -> Vec<u8> {
    match n {
        0 => panic!("zero"),
        n => vec![n; 2],
    }
}

#[observe]
fn tuple_with_objects() -> (Box<dyn Debug>, &'static [u8]) {
    (Box::new(1), &[1])
}

#[observe]
fn boxed_iterators_in_branches(reversed: bool) -> Box<dyn Iterator<Item = u8>> {
    let numbers = [1, 2, 3].into_iter();
    if reversed { Box::new(numbers.rev()) } else { Box::new(numbers) }
}

#[observe]
fn variable_whose_type_is_the_results(items: &[u8]) -> Vec<u16> {
    let mut found = Vec::new();
    for item in items {
        found.push((*item).into());
    }
    found
}

#[observe]
fn raw_pointer(n: &mut u8) -> *const u8 {
    n
}

pub(crate) fn drive(log: &mut Log) {
    log.calls(2, "integer", || [true, false].map(integer));
    log.shape("nothing_of_a_kind", nothing_of_a_kind);
    log.shape("empty_collection", empty_collection);
    log.shape("default", default);
    log.shape("collected", || collected("hello"));
    log.calls(2, "collected_into_a_result", || {
        (collected_into_a_result(&["1", "2"]), collected_into_a_result(&["x"]))
    });
    log.calls(2, "parsed", || ["-1", "x"].map(parsed));
    log.shape("summed", || summed(&[1, 2]));
    log.shape("converted", || converted("text"));
    log.calls(2, "converted_error", || [true, false].map(converted_error));
    log.shape("boxed_object", boxed_object);
    log.calls(2, "boxed_objects_in_branches", || [0, 1].map(|n| boxed_objects_in_branches(n).to_string()));
    log.calls(3, "boxed_objects_early", || [0, 1, 2].map(|n| boxed_objects_early(n).to_string()));
    log.calls(3, "boxed_object_in_a_result", || [0, 1, 2].map(boxed_object_in_a_result));
    log.calls(2, "boxed_error", || ["1", "x"].map(boxed_error));
    log.calls(2, "boxed_object_in_an_option", || [0, 1].map(boxed_object_in_an_option));
    log.shape("borrowed_object", || borrowed_object(&"text".into()).to_string());
    log.shape("borrowed_object_in_an_option", || format!("{:?}", borrowed_object_in_an_option("", &1)));
    log.shape("shared_object", || shared_object()(1));
    log.shape("atomically_shared_slice", || atomically_shared_slice(1));
    log.calls(2, "boxed_closures_in_branches", || [true, false].map(|up| boxed_closures_in_branches(up)(1)));
    log.calls(2, "closure_as_a_pointer", || [true, false].map(|up| closure_as_a_pointer(up)(-1)));
    log.shape("array_as_a_slice", array_as_a_slice);
    log.shape("vector_as_a_slice", || vector_as_a_slice(&vec![1, 2]).to_vec());
    log.calls(2, "string_as_a_str", || {
        [true, false].map(|early| string_as_a_str(&"x".into(), early).to_owned())
    });
    log.shape("box_as_its_content", || box_as_its_content(&Box::new("x".into())).to_owned());
    log.shape("mutable_as_shared", || mutable_as_shared(&mut vec![]).clone());
    log.calls(2, "never_as_anything", || (never_as_anything(1), never_as_anything(0)));
    log.shape("tuple_with_objects", tuple_with_objects);
    log.calls(2, "boxed_iterators_in_branches", || {
        [true, false].map(|reversed| boxed_iterators_in_branches(reversed).collect::<Vec<_>>())
    });
    log.shape("variable_whose_type_is_the_results", || variable_whose_type_is_the_results(&[1, 2]));
    log.shape("raw_pointer", || raw_pointer(&mut 1).is_null());
}
