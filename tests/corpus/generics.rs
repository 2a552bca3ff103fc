//! Generics, lifetimes and `impl Trait` in all positions.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::iter::{Once, once};
use std::marker::PhantomData;
use std::ops::Add;
use std::str::FromStr;

use crate::log::Log;
use crate::observe;

#[observe]
fn type_parameter<T: Debug>(value: T) -> String {
    format!("{value:?}")
}

#[observe]
fn type_parameter_without_bounds<T>(value: T, other: &T) -> (T, usize) {
    (value, size_of_val(other))
}

#[observe]
fn where_clause<K, V>(key: K, value: V) -> HashMap<K, V>
where
    K: Eq + Hash,
    V: Clone,
{
    HashMap::from([(key, value.clone())])
}

#[observe]
fn unsized_parameter<T: ?Sized + ToString>(value: &T) -> String {
    value.to_string()
}

#[observe]
fn constant_parameter<const N: usize>() -> [usize; N] {
    std::array::from_fn(|index| index)
}

#[observe]
fn constant_and_type_parameters<T: Copy + Add<Output = T>, const N: usize, const UP: bool>(of: [T; N]) -> T {
    let ends = if UP { [of[0], of[N - 1]] } else { [of[N - 1], of[N - 1]] };
    ends[0] + ends[1]
}

#[observe]
fn lifetime<'a>(text: &'a str, _other: &str) -> &'a str {
    &text[1..]
}

#[observe]
fn lifetimes_that_outlive<'long: 'short, 'short>(long: &'long str, short: &'short str) -> &'short str {
    if short.is_empty() { long } else { short }
}

#[observe]
fn lifetimes_elided(text: &str) -> Option<std::str::SplitWhitespace<'_>> {
    Some(text.split_whitespace())
}

#[observe]
fn static_lifetime(text: &'static str) -> &'static str {
    text
}

#[observe]
fn higher_ranked<F>(pick: F, texts: &[String]) -> String
where
    F: for<'a> Fn(&'a [String]) -> &'a str,
{
    pick(texts).to_owned()
}

#[observe]
fn higher_ranked_object(pick: &dyn for<'a> Fn(&'a str, &str) -> &'a str) -> String {
    pick("first", "second").to_owned()
}

#[observe]
fn opaque_parameter(words: impl IntoIterator<Item = impl Display>) -> String {
    words.into_iter().map(|word| word.to_string()).collect()
}

#[observe]
fn opaque_result(n: u8) -> impl Iterator<Item = u8> + Clone {
    (0..n).map(|n| n * 2)
}

#[observe]
fn opaque_result_that_borrows<'a>(text: &'a str) -> impl Iterator<Item = char> + 'a {
    text.chars().rev()
}

#[observe]
fn opaque_result_that_borrows_nothing(text: &str) -> impl Iterator<Item = usize> + use<> {
    let length = text.len();
    0..length
}

#[observe]
fn opaque_result_in_an_option(n: u8) -> Option<impl Iterator<Item = u8>> {
    (n > 0).then(|| once(n))
}

#[observe]
fn opaque_result_in_a_result(n: u8) -> Result<impl Fn(u8) -> u8, String> {
    if n == 0 {
        return Err("zero".into());
    }
    Ok(move |m| n + m)
}

#[observe]
fn opaque_results_in_a_tuple(n: u8) -> (impl Debug, impl Fn() -> u8) {
    (Some(n), move || n)
}

#[observe]
fn opaque_in_opaque(n: u8) -> impl Iterator<Item = impl Iterator<Item = u8>> {
    (0..n).map(|n| 0..n)
}

#[observe]
fn opaque_error(n: u8) -> Result<u8, impl Debug> {
    n.checked_sub(1).ok_or("nothing is left")
}

#[observe]
fn associated_type<I: Iterator>(mut items: I) -> Option<I::Item>
where
    I::Item: Clone,
{
    items.next()
}

#[observe]
fn associated_type_of_a_trait<T: FromStr>(text: &str) -> Result<T, <T as FromStr>::Err> {
    text.parse()
}

#[observe]
fn object_with_a_lifetime<'a>(words: &'a [&'a str]) -> Box<dyn Iterator<Item = usize> + 'a> {
    Box::new(words.iter().map(|word| word.len()))
}

#[observe]
fn boxed_closure<T: 'static>(value: T) -> Box<dyn FnOnce() -> T> {
    Box::new(move || value)
}

#[observe]
fn marker<T>(_marker: PhantomData<T>) -> usize {
    size_of::<T>()
}

#[observe]
fn nothing_but_a_type_parameter<T: Default + Debug>() -> T {
    T::default()
}

#[observe]
fn copy_on_write<'a>(text: &'a str) -> Cow<'a, str> {
    if text.is_empty() { Cow::Owned("empty".to_owned()) } else { Cow::Borrowed(text) }
}

#[observe]
fn function_that_makes_functions<A, B, C>(
    first: impl Fn(A) -> B,
    second: impl Fn(B) -> C,
) -> impl Fn(A) -> C {
    move |a| second(first(a))
}

trait Lends {
    type Lent<'a>
    where
        Self: 'a;

    fn lend(&mut self) -> Self::Lent<'_>;
}

struct Buffer(Vec<u8>);

impl Lends for Buffer {
    type Lent<'a> = &'a mut [u8];

    #[observe]
    fn lend(&mut self) -> Self::Lent<'_> {
        &mut self.0[1..]
    }
}

trait Sized1 {
    const SIZE: usize;
}

impl Sized1 for u16 {
    const SIZE: usize = 16;
}

#[observe]
fn associated_constant<T: Sized1>(factor: usize) -> usize {
    T::SIZE * factor
}

#[observe]
fn borrows_of_type_parameters<'a, T, U>(left: &'a T, right: &'a mut U) -> (&'a T, &'a mut U)
where
    T: ?Sized,
    U: Extend<u8>,
{
    right.extend([1]);
    (left, right)
}

#[observe]
fn named_result(n: u8) -> Once<u8> {
    once(n)
}

#[observe]
fn comparison_in_a_constant<const A: usize, const B: usize>() -> bool
where
    [u8; A]: Sized,
{
    A > B && A >> 1 >= B
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("type_parameter", || type_parameter(Some(1)));
    log.shape("type_parameter_without_bounds", || type_parameter_without_bounds(1_u8, &2));
    log.shape("where_clause", || where_clause("k", 'v'));
    log.shape("unsized_parameter", || unsized_parameter::<str>("text"));
    log.shape("constant_parameter", constant_parameter::<3>);
    log.shape("constant_and_type_parameters", || constant_and_type_parameters::<_, 3, true>([1, 2, 3]));
    log.shape("lifetime", || lifetime("text", "other"));
    log.shape("lifetimes_that_outlive", || lifetimes_that_outlive("long", &String::from("s")).to_owned());
    log.shape("lifetimes_elided", || lifetimes_elided("a b").map(Iterator::count));
    log.shape("static_lifetime", || static_lifetime("static"));
    log.shape("higher_ranked", || higher_ranked(|texts| &texts[0], &["a".into()]));
    log.shape("higher_ranked_object", || higher_ranked_object(&|first, _| first));
    log.shape("opaque_parameter", || opaque_parameter([1, 2]));
    log.shape("opaque_result", || opaque_result(3).clone().collect::<Vec<_>>());
    log.shape("opaque_result_that_borrows", || opaque_result_that_borrows("abc").collect::<String>());
    log.shape("opaque_result_that_borrows_nothing", || {
        opaque_result_that_borrows_nothing(&String::from("abc")).sum::<usize>()
    });
    log.calls(2, "opaque_result_in_an_option", || {
        [0, 1].map(|n| opaque_result_in_an_option(n).map(Iterator::count))
    });
    log.calls(2, "opaque_result_in_a_result", || [0, 1].map(|n| opaque_result_in_a_result(n).map(|f| f(1))));
    log.shape("opaque_results_in_a_tuple", || {
        let (first, second) = opaque_results_in_a_tuple(3);
        format!("{first:?}{}", second())
    });
    log.shape("opaque_in_opaque", || opaque_in_opaque(4).flatten().collect::<Vec<_>>());
    log.calls(2, "opaque_error", || [0, 1].map(|n| format!("{:?}", opaque_error(n))));
    log.shape("associated_type", || associated_type("ab".chars()));
    log.calls(2, "associated_type_of_a_trait", || {
        (associated_type_of_a_trait::<u8>("7"), associated_type_of_a_trait::<bool>("x"))
    });
    log.shape("object_with_a_lifetime", || object_with_a_lifetime(&["a", "bc"]).collect::<Vec<_>>());
    log.shape("boxed_closure", || boxed_closure("x")());
    log.shape("marker", || marker(PhantomData::<u64>));
    log.shape("nothing_but_a_type_parameter", nothing_but_a_type_parameter::<Vec<u8>>);
    log.calls(2, "copy_on_write", || [copy_on_write("").into_owned(), copy_on_write("x").into_owned()]);
    log.shape("function_that_makes_functions", || {
        function_that_makes_functions(|n: u8| n + 1, |n| n.to_string())(1)
    });
    log.shape("lend", || Buffer(vec![1, 2]).lend().to_vec());
    log.shape("associated_constant", || associated_constant::<u16>(2));
    log.shape("borrows_of_type_parameters", || {
        let mut bytes = vec![0];
        let (text, bytes) = borrows_of_type_parameters("text", &mut bytes);
        format!("{text}{bytes:?}")
    });
    log.shape("named_result", || named_result(1).count());
    log.shape("comparison_in_a_constant", comparison_in_a_constant::<3, 1>);
}
