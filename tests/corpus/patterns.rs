//! Parameters that are patterns, and parameters with attributes.

use std::collections::BTreeMap;

use crate::log::Log;
use crate::observe;

#[derive(Clone, Debug, Default)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Clone, Debug)]
struct Pair<A, B>(A, B);

#[derive(Clone, Debug)]
struct Wrapped<T>(T);

#[derive(Clone, Debug)]
struct Nested {
    point: Point,
    pair: Pair<String, Wrapped<u8>>,
}

fn nested() -> Nested {
    Nested { point: Point { x: 1, y: 2 }, pair: Pair("left".into(), Wrapped(3)) }
}

struct Unit;

#[observe]
fn tuple((a, b): (u8, u8)) -> u8 {
    a + b
}

#[observe]
fn tuple_in_a_tuple((a, (b, c)): (u8, (String, char))) -> String {
    format!("{a}{b}{c}")
}

#[observe]
fn structure(Point { x, y }: Point) -> i32 {
    x + y
}

#[observe]
fn structure_renamed(Point { x: left, .. }: Point) -> i32 {
    left
}

#[observe]
fn structure_borrowed(Point { x, y }: &Point) -> i32 {
    x * y
}

#[observe]
fn structure_in_a_structure(
    Nested { point: Point { x, y: _ }, pair: Pair(left, Wrapped(right)) }: Nested,
) -> String {
    format!("{x}{left}{right}")
}

#[observe]
fn structure_borrowed_mutably(Nested { point, pair: Pair(left, _) }: &mut Nested) {
    point.x += 1;
    left.push('!');
}

#[observe]
fn tuple_structure(Pair(a, b): Pair<&str, Vec<u8>>) -> usize {
    a.len() + b.len()
}

#[observe]
fn tuple_structure_of_one(Wrapped(inner): Wrapped<Point>) -> i32 {
    inner.x
}

#[observe]
fn unit_structure(Unit: Unit, (): ()) -> u8 {
    1
}

#[observe]
fn underscore(_: u8, n: u8, _: String) -> u8 {
    n
}

#[observe]
fn underscored(_first: u8, n: u8, _second: &mut Vec<u8>) -> u8 {
    n
}

#[observe]
fn by_reference(ref text: String, ref mut numbers: Vec<u8>) -> usize {
    numbers.push(1);
    text.len() + numbers.len()
}

#[observe]
fn mutable(mut text: String, mut n: u8) -> String {
    n += 1;
    text.push_str(&n.to_string());
    text
}

#[observe]
fn dereferenced(&n: &u8, &(a, b): &(u8, char)) -> String {
    format!("{n}{a}{b}")
}

#[observe]
fn mutably_dereferenced(&mut n: &mut u8) -> u8 {
    n + 1
}

#[observe]
fn array([first, second, third]: [String; 3]) -> String {
    first + &second + &third
}

#[observe]
fn array_with_a_rest([first, .., last]: [u8; 4], [head, tail @ ..]: [u8; 3]) -> (u8, u8, u8, [u8; 2]) {
    (first, last, head, tail)
}

#[observe]
fn tuple_with_a_rest((first, .., last): (u8, String, char, u8)) -> u8 {
    first + last
}

#[observe]
fn bound_whole(whole @ [first, _]: [u8; 2]) -> ([u8; 2], u8) {
    (whole, first)
}

#[observe]
fn bound_whole_by_reference(ref whole @ Point { ref x, .. }: Point) -> String {
    format!("{whole:?}{x}")
}

#[observe]
fn mixed_in_a_tuple((mut a, ref b, _): (u8, String, u8)) -> usize {
    a += 1;
    usize::from(a) + b.len()
}

#[observe]
fn parameters_on_a_condition(
    #[cfg(debug_assertions)] n: u8,
    #[cfg(not(debug_assertions))] n: u8,
    #[cfg(any())] missing: NoSuchType,
    #[cfg(not(any()))] text: &str,
) -> String {
    format!("{n}{text}")
}

#[observe]
fn parameters_with_attributes(#[allow(unused_variables)] unused: u8, #[allow(unused_mut)] mut n: u8) -> u8 {
    n
}

#[observe]
fn raw(r#type: u8, r#match: &str) -> String {
    format!("{}{}", r#type, r#match)
}

#[observe]
fn patterns_with_types_of_many_words(
    (name, map): (&'static str, BTreeMap<String, Vec<Option<(u8, char)>>>),
    Pair(Wrapped((a, b)), c): Pair<Wrapped<(u8, u8)>, Box<dyn Fn(u8) -> u8>>,
) -> String {
    format!("{name}{map:?}{}", c(a + b))
}

#[observe(skip(left), fields("sum" = left + right))]
fn skipped_in_a_pattern((left, right): (u8, u8)) -> u8 {
    left * right
}

#[observe]
async fn patterns_of_an_async_function(
    (a, mut b): (u8, String),
    Point { x, .. }: Point,
    [c, _]: [char; 2],
    _: u8,
) -> String {
    b.push(c);
    format!("{a}{b}{x}")
}

pub(crate) fn drive(log: &mut Log) {
    let point = Point { x: 2, y: 3 };
    log.shape("tuple", || tuple((1, 2)));
    log.shape("tuple_in_a_tuple", || tuple_in_a_tuple((1, ("b".into(), 'c'))));
    log.shape("structure", || structure(point.clone()));
    log.shape("structure_renamed", || structure_renamed(point.clone()));
    log.shape("structure_borrowed", || structure_borrowed(&point));
    log.shape("structure_in_a_structure", || structure_in_a_structure(nested()));
    log.shape("structure_borrowed_mutably", || {
        let mut nested = nested();
        structure_borrowed_mutably(&mut nested);
        nested
    });
    log.shape("tuple_structure", || tuple_structure(Pair("ab", vec![1])));
    log.shape("tuple_structure_of_one", || tuple_structure_of_one(Wrapped(point.clone())));
    log.shape("unit_structure", || unit_structure(Unit, ()));
    log.shape("underscore", || underscore(1, 2, String::new()));
    log.shape("underscored", || underscored(1, 2, &mut Vec::new()));
    log.shape("by_reference", || by_reference("ab".into(), vec![]));
    log.shape("mutable", || mutable("ab".into(), 1));
    log.shape("dereferenced", || dereferenced(&1, &(2, 'c')));
    log.shape("mutably_dereferenced", || mutably_dereferenced(&mut 1));
    log.shape("array", || array(["a".into(), "b".into(), "c".into()]));
    log.shape("array_with_a_rest", || array_with_a_rest([1, 2, 3, 4], [5, 6, 7]));
    log.shape("tuple_with_a_rest", || tuple_with_a_rest((1, String::new(), 'c', 2)));
    log.shape("bound_whole", || bound_whole([1, 2]));
    log.shape("bound_whole_by_reference", || bound_whole_by_reference(point.clone()));
    log.shape("mixed_in_a_tuple", || mixed_in_a_tuple((1, "b".into(), 2)));
    log.shape("parameters_on_a_condition", || parameters_on_a_condition(1, "text"));
    log.shape("parameters_with_attributes", || parameters_with_attributes(1, 2));
    log.shape("raw", || raw(1, "m"));
    log.shape("patterns_with_types_of_many_words", || {
        let map = BTreeMap::from([("k".to_owned(), vec![None, Some((1, 'c'))])]);
        patterns_with_types_of_many_words(("n", map), Pair(Wrapped((1, 2)), Box::new(|n| n * 2)))
    });
    log.shape("skipped_in_a_pattern", || skipped_in_a_pattern((2, 3)));
    log.shape("patterns_of_an_async_function", || {
        crate::log::wait!(patterns_of_an_async_function((1, "b".into()), point.clone(), ['c', 'd'], 0))
    });
}
