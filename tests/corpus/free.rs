//! Free functions with all forms of signatures and attributes.

use crate::log::{Log, note};
use crate::observe;

#[observe]
fn does_nothing() {}

#[observe]
#[rustfmt::skip]
fn in_one_line(n: u32) -> u32 { n }

type Nothing = ();

#[observe]
fn says_that_it_returns_nothing(text: &str) -> Nothing {
    note(text);
}

#[observe]
fn adds(left: u32, right: u32) -> u32 {
    left + right
}

#[observe]
fn takes_many(a: u8, b: i16, c: char, d: &str, more: Option<u8>, pair: [u8; 2], last: (u8, bool)) -> String {
    format!("{a}{b}{c}{d}{more:?}{pair:?}{last:?}")
}

#[observe]
extern "C" fn speaks_c(n: i32) -> i32 {
    n * 2
}

#[observe]
extern "system" fn speaks_system(n: i32) -> i32 {
    n * 3
}

#[observe]
unsafe fn is_unsafe(pointer: *const u8) -> u8 {
    // SAFETY: the caller hands in a pointer to a live byte.
    unsafe { *pointer }
}

#[observe]
unsafe extern "C" fn is_unsafe_and_speaks_c(pointer: *mut u8) {
    // SAFETY: the caller hands in a pointer to a live byte.
    unsafe { *pointer += 1 }
}

mod seen {
    use crate::observe;

    #[observe]
    pub(crate) fn by_the_crate() -> &'static str {
        by_nobody_else()
    }

    #[observe]
    pub(super) fn by_the_parent() -> &'static str {
        "parent"
    }

    fn by_nobody_else() -> &'static str {
        "private"
    }

    pub(super) mod deeper {
        use crate::observe;

        #[observe]
        pub(in super::super) fn in_a_path() -> &'static str {
            "path"
        }
    }
}

#[observe]
#[must_use]
fn must_be_used() -> u8 {
    1
}

#[observe]
#[must_use = "or else"]
#[inline]
fn must_be_used_or_else() -> u8 {
    2
}

#[inline(never)]
#[observe]
fn is_never_inlined() -> u8 {
    3
}

#[cold]
#[observe]
#[doc(hidden)]
fn is_cold() -> u8 {
    4
}

#[observe]
#[deprecated(since = "0.1.0", note = "use something else")]
fn is_deprecated() -> u8 {
    5
}

/// Is documented,
///
/// in two paragraphs,
#[observe]
#[doc = "in three ways"]
/** and this. */
fn is_documented() -> u8 {
    6
}

#[cfg(debug_assertions)]
#[observe]
fn is_there_on_a_condition() -> bool {
    true
}

#[observe]
#[cfg(not(debug_assertions))]
fn is_there_on_a_condition() -> bool {
    true
}

#[cfg_attr(all(), inline)]
#[observe]
#[cfg_attr(any(), must_use)]
fn has_attributes_on_a_condition() -> bool {
    true
}

#[observe]
#[allow(unused_variables)]
fn allows_something() -> bool {
    let unused = 1;
    true
}

#[observe]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

#[observe]
fn is_even(n: u32) -> bool {
    n == 0 || is_odd(n - 1)
}

#[observe]
fn is_odd(n: u32) -> bool {
    n != 0 && is_even(n - 1)
}

#[observe]
fn never_returns(reason: &str) -> ! {
    panic!("{reason}")
}

#[observe]
fn never_returns_from_a_loop(mut rounds: u8) -> ! {
    loop {
        rounds = rounds.checked_sub(1).expect("rounds are left");
    }
}

#[observe]
fn panics_at_last(n: u8) -> u8 {
    assert!(n > 3, "{n} is too small");
    n
}

#[observe]
fn returns_a_pointer_to_a_function() -> fn(u32, u32) -> u32 {
    adds
}

#[observe]
fn returns_a_closure(step: u32) -> impl Fn(u32) -> u32 {
    move |n| n + step
}

#[observe]
fn takes_closures(first: impl FnOnce(u8) -> u8, mut second: impl FnMut(u8), third: &dyn Fn(u8) -> u8) -> u8 {
    second(3);
    first(1) + third(2)
}

#[observe]
fn returns_a_tuple(n: u8) -> (u8, String, [u8; 3]) {
    (n, n.to_string(), [n; 3])
}

#[observe]
fn has_a_trailing_comma(n: u8, #[rustfmt::skip] text: &str) -> String {
    text.repeat(n.into())
}

#[observe]
#[observe]
fn is_observed_twice(n: u8) -> u8 {
    n
}

#[observe(name = "outer", skip_all)]
#[inline]
#[observe(name = "inner", fields("n" = n))]
fn is_observed_in_two_ways(n: u8) -> u8 {
    n
}

#[observe(name = format!("named {n}"), input = n + 1, output = output * 2, session = "s", user = "u")]
fn is_observed_with_all_arguments(n: u32) -> u32 {
    n
}

#[observe(err = debug, skip(secret), fields(length = secret.len(), "is.ok" = output))]
fn is_observed_with_more_arguments(n: u32, secret: &str) -> Result<u32, String> {
    if secret.is_empty() { Err("empty".into()) } else { Ok(n) }
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("does_nothing", does_nothing);
    log.shape("in_one_line", || in_one_line(1));
    log.shape("says_that_it_returns_nothing", || says_that_it_returns_nothing("text"));
    log.shape("adds", || adds(1, 2));
    log.shape("takes_many", || takes_many(1, 2, 'c', "d", Some(5), [6, 7], (8, true)));
    log.shape("speaks_c", || speaks_c(1));
    log.shape("speaks_system", || speaks_system(1));
    // SAFETY: the pointer is to a live byte.
    log.shape("is_unsafe", || unsafe { is_unsafe(&7) });
    log.shape("is_unsafe_and_speaks_c", || {
        let mut byte = 1;
        // SAFETY: the pointer is to a live byte.
        unsafe { is_unsafe_and_speaks_c(&raw mut byte) };
        byte
    });
    log.shape("seen::by_the_crate", seen::by_the_crate);
    log.shape("seen::by_the_parent", seen::by_the_parent);
    log.shape("seen::in_a_path", seen::deeper::in_a_path);
    log.shape("must_be_used", must_be_used);
    log.shape("must_be_used_or_else", must_be_used_or_else);
    log.shape("is_never_inlined", is_never_inlined);
    log.shape("is_cold", is_cold);
    #[expect(deprecated, reason = "the shape is deprecated")]
    log.shape("is_deprecated", is_deprecated);
    log.shape("is_documented", is_documented);
    log.shape("is_there_on_a_condition", is_there_on_a_condition);
    log.shape("has_attributes_on_a_condition", has_attributes_on_a_condition);
    log.shape("allows_something", allows_something);
    log.calls(6, "factorial", || factorial(5));
    log.calls(4, "is_even", || is_even(3));
    log.shape("never_returns", || -> u8 { never_returns("never") });
    log.shape("never_returns_from_a_loop", || -> u8 { never_returns_from_a_loop(3) });
    log.calls(2, "panics_at_last", || panics_at_last(4) + panics_at_last(3));
    log.shape("called_by_a_pointer", || [adds as fn(u32, u32) -> u32].map(|adds| adds(1, 2)));
    log.calls(3, "called_by_an_iterator", || [1, 2, 3].map(in_one_line));
    log.calls(2, "returns_a_pointer_to_a_function", || returns_a_pointer_to_a_function()(1, 2));
    log.shape("returns_a_closure", || returns_a_closure(2)(1));
    log.shape("takes_closures", || takes_closures(|n| n + 1, note, &|n| n * 2));
    log.shape("returns_a_tuple", || returns_a_tuple(1));
    log.shape("has_a_trailing_comma", || has_a_trailing_comma(2, "ab"));
    log.calls(2, "is_observed_twice", || is_observed_twice(1));
    log.calls(2, "is_observed_in_two_ways", || is_observed_in_two_ways(1));
    log.shape("is_observed_with_all_arguments", || is_observed_with_all_arguments(1));
    log.calls(2, "is_observed_with_more_arguments", || {
        [is_observed_with_more_arguments(1, "x"), is_observed_with_more_arguments(1, "")]
    });
}
