//! Forbidden lints and expected lints.

use crate::log::{Log, wait};
use crate::observe;

#[observe(skip_all)]
#[expect(unused_variables)]
fn expects_an_unused_parameter(unused: u8) -> u8 {
    1
}

#[observe]
#[expect(unused_variables, reason = "the shape is about it")]
fn expects_an_unused_variable(n: u8) -> u8 {
    let unused = n;
    n
}

#[expect(unused_mut)]
#[observe]
fn expects_an_unused_mut(n: u8) -> u8 {
    let mut n = n;
    n
}

#[observe]
#[expect(unreachable_code)]
fn expects_unreachable_code(n: u8) -> u8 {
    return n;
    n + 1
}

#[observe]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
async fn expects_casts(n: i64) -> u8 {
    n as u8
}

#[observe]
#[expect(non_snake_case)]
fn expectsAnotherCase(n: u8) -> u8 {
    n
}

#[observe]
#[expect(clippy::too_many_arguments)]
fn expects_many_arguments(a: u8, b: u8, c: u8, d: u8, more: u8, and: u8, still: u8, last: u8) -> u8 {
    a + b + c + d + more + and + still + last
}

mod strict {
    #![forbid(unreachable_code, unused_variables, unused_mut, unused_must_use)]
    #![deny(
        elided_lifetimes_in_paths,
        explicit_outlives_requirements,
        let_underscore_drop,
        missing_debug_implementations,
        redundant_imports,
        redundant_lifetimes,
        trivial_casts,
        trivial_numeric_casts,
        unit_bindings,
        unused_import_braces,
        unused_lifetimes,
        unused_results,
        variant_size_differences,
        clippy::unwrap_used,
        clippy::panic,
        clippy::default_numeric_fallback,
        clippy::pattern_type_mismatch,
        clippy::semicolon_outside_block,
        clippy::used_underscore_binding,
        clippy::items_after_statements,
        clippy::let_underscore_must_use,
        clippy::let_underscore_untyped,
        clippy::min_ident_chars
    )]

    use crate::observe;

    #[observe]
    pub(super) fn sync(text: &str) -> usize {
        text.len()
    }

    #[observe]
    pub(super) fn nothing(numbers: &mut Vec<u8>) {
        numbers.push(1_u8);
    }

    #[observe]
    pub(super) fn fallible(text: &str, _unused: u8) -> Result<u8, std::num::ParseIntError> {
        let number: u8 = text.parse()?;
        Ok(number)
    }

    #[observe]
    pub(super) fn never(text: &str) -> ! {
        std::panic::resume_unwind(Box::new(text.to_owned()))
    }

    #[observe]
    pub(super) async fn later(text: String) -> Option<char> {
        std::future::ready(()).await;
        text.chars().next()
    }

    #[observe]
    pub(super) async fn never_later() -> ! {
        std::future::ready(()).await;
        std::panic::resume_unwind(Box::new("later"))
    }

    #[observe]
    pub(super) fn promised(number: u8) -> impl std::future::Future<Output = u8> {
        async move { number }
    }

    #[observe]
    pub(super) fn boxed(
        number: u8,
    ) -> std::pin::Pin<Box<dyn std::future::Future<Output = Result<u8, String>>>> {
        Box::pin(async move { Ok(number) })
    }

    #[observe(name = "name", fields("length" = text.len()), output = output + text.len())]
    pub(super) fn with_arguments(text: &str) -> usize {
        text.len()
    }
}

#[observe]
#[deny(unsafe_op_in_unsafe_fn)]
unsafe fn unsafe_with_an_unsafe_block(pointer: *const u8) -> u8 {
    // SAFETY: the caller hands in a pointer to a live byte.
    unsafe { *pointer }
}

#[observe]
#[must_use = "it is the shape"]
fn must_be_used(n: u8) -> u8 {
    n
}

fn uses_what_must_be_used() {
    #[expect(unused_must_use)]
    must_be_used(1);
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("expects_an_unused_parameter", || expects_an_unused_parameter(1));
    log.shape("expects_an_unused_variable", || expects_an_unused_variable(1));
    log.shape("expects_an_unused_mut", || expects_an_unused_mut(1));
    log.shape("expects_unreachable_code", || expects_unreachable_code(1));
    log.shape("expects_casts", || wait!(expects_casts(-1)));
    log.shape("expects_another_case", || expectsAnotherCase(1));
    log.shape("expects_many_arguments", || expects_many_arguments(1, 2, 3, 4, 5, 6, 7, 8));
    log.shape("strict::sync", || strict::sync("x"));
    log.shape("strict::nothing", || strict::nothing(&mut vec![]));
    log.calls(2, "strict::fallible", || ["1", "x"].map(|text| strict::fallible(text, 1)));
    log.shape("strict::never", || -> u8 { strict::never("never") });
    log.shape("strict::later", || wait!(strict::later("x".into())));
    log.shape("strict::never_later", || -> u8 { wait!(strict::never_later()) });
    log.shape("strict::promised", || wait!(strict::promised(1)));
    log.shape("strict::boxed", || wait!(strict::boxed(1)));
    log.shape("strict::with_arguments", || strict::with_arguments("x"));
    // SAFETY: the pointer is to a live byte.
    log.shape("unsafe_with_an_unsafe_block", || unsafe { unsafe_with_an_unsafe_block(&7) });
    log.shape("must_be_used", uses_what_must_be_used);
}
