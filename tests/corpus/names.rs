//! Names with an unusual meaning.

use crate::log::Log;
use crate::observe;

#[observe]
fn words_of_ours(self_: u8, scope: u8, recorder: u8, result: u8, value: u8, copies: u8) -> u8 {
    self_ + scope + recorder + result + value + copies
}

#[observe]
fn output(output: u8, input: u8, span: u8, runtime: u8, body: u8, outcome: u8) -> u8 {
    output + input + span + runtime + body + outcome
}

#[observe(fields("sum" = format!("{scope}{recorder}{output}")), output = *output + scope)]
fn words_of_ours_in_expressions(scope: u8, recorder: u8, copies: u8, result: u8) -> u8 {
    scope + recorder + copies + result
}

#[observe]
async fn words_of_ours_later(scope: String, future: u8, watch: u8, context: u8, hint: u8) -> String {
    format!("{scope}{future}{watch}{context}{hint}")
}

#[observe]
fn r#match(r#fn: u8, r#type: &str) -> String {
    format!("{}{}", r#fn, r#type)
}

#[observe]
async fn r#async(r#await: u8) -> u8 {
    r#await
}

#[observe]
fn a2a_otel(a2a_otel: u8) -> u8 {
    a2a_otel
}

#[observe]
fn core(core: u8, std: u8, alloc: u8) -> u8 {
    core + std + alloc
}

#[observe]
fn in_other_letters(größe: u8, 名前: &str) -> String {
    format!("{größe}{名前}")
}

#[observe]
fn parameters_that_shadow_functions(drop: u8, words_of_ours: u8, note: u8) -> u8 {
    drop + words_of_ours + note
}

#[observe]
fn type_parameters_of_ours<Recorder, Scope: Copy, Ok, Err>(
    a: Recorder,
    b: Scope,
    c: Ok,
) -> (Recorder, Scope, Ok)
where
    Err: Default,
{
    drop(Err::default());
    (a, b, c)
}

#[observe]
fn constants_of_ours<const SITE: usize, const N: usize>() -> usize {
    SITE + N
}

#[observe]
fn lifetimes_of_ours<'scope, 'recorder>(a: &'scope str, b: &'recorder str) -> (&'recorder str, &'scope str) {
    (b, a)
}

mod shadowed_types {
    use crate::observe;

    #[derive(Debug)]
    #[expect(dead_code)]
    pub(super) enum Option {
        Some(u8),
        None,
    }

    #[derive(Debug)]
    pub(super) struct Result(pub(super) u8);

    #[derive(Debug)]
    pub(super) struct Vec;

    #[derive(Debug)]
    pub(super) struct Box;

    #[derive(Debug)]
    pub(super) struct String(pub(super) u8);

    #[derive(Debug)]
    pub(super) struct Future;

    #[observe]
    pub(super) fn option(n: u8) -> Option {
        if n == 0 { Option::None } else { Option::Some(n) }
    }

    #[observe]
    pub(super) fn result(n: u8) -> Result {
        if n == 0 {
            return Result(1);
        }
        Result(n)
    }

    #[observe]
    pub(super) fn types(_: Vec, _: Box, text: String) -> (String, Future) {
        (text, Future)
    }
}

mod shadowed_variants {
    use crate::log::note;
    use crate::observe;

    #[expect(non_snake_case)]
    pub(super) fn Ok(n: u8) -> u8 {
        note("my Ok");
        n
    }

    #[expect(non_snake_case)]
    pub(super) fn Err(n: u8) -> u8 {
        note("my Err");
        n
    }

    #[derive(Debug)]
    pub(super) struct Some;

    #[derive(Debug)]
    pub(super) struct None(pub(super) u8);

    #[observe]
    pub(super) fn results(n: u8) -> Result<u8, u8> {
        let checked = n.checked_sub(1).ok_or(0)?;
        Result::Ok(Ok(checked) + Err(n))
    }

    #[observe]
    pub(super) fn options() -> (Some, None) {
        (Some, None(1))
    }

    #[observe]
    pub(super) async fn later(fails: bool) -> Result<Some, None> {
        if fails { Result::Err(None(2)) } else { Result::Ok(Some) }
    }
}

mod shadowed_traits {
    use crate::observe;

    pub(super) trait Fn {}
    pub(super) trait FnOnce {}
    pub(super) trait Debug {}
    pub(super) trait Send {}
    pub(super) trait Iterator {}

    impl Fn for u8 {}
    impl FnOnce for u8 {}
    impl Debug for u8 {}
    impl Send for u8 {}
    impl Iterator for u8 {}

    #[observe]
    pub(super) fn bounded<T: Fn + FnOnce + Debug + Send + Iterator>(value: T) -> T {
        value
    }
}

mod shadowed_crates {
    use crate::observe;

    pub(super) mod core {
        pub(crate) fn number() -> u8 {
            1
        }
    }
    pub(super) mod std {
        pub(crate) fn number() -> u8 {
            2
        }
    }
    pub(super) mod a2a_otel {
        pub(crate) fn number() -> u8 {
            3
        }
    }

    #[observe]
    pub(super) fn sync(text: &str) -> Result<u8, ()> {
        if text.is_empty() { Err(()) } else { Ok(core::number() + std::number() + a2a_otel::number()) }
    }

    #[observe(name = "name", fields(length = text.len()), output = output + 1)]
    pub(super) async fn later(text: &str) -> u8 {
        let length = u8::try_from(text.len()).unwrap();
        core::number() + std::number() + a2a_otel::number() + length
    }
}

mod shadowed_macros {
    use crate::observe;

    #[allow(unused_macros)]
    macro_rules! format_args {
        () => {};
    }
    #[allow(unused_macros)]
    macro_rules! panic {
        () => {};
    }
    #[allow(unused_macros)]
    macro_rules! concat {
        () => {};
    }
    #[allow(unused_macros)]
    macro_rules! stringify {
        () => {};
    }
    #[allow(unused_macros)]
    macro_rules! unreachable {
        () => {};
    }
    #[allow(unused_macros)]
    macro_rules! matches {
        () => {};
    }

    #[observe]
    pub(super) fn sync(n: u8) -> u8 {
        panic!();
        n
    }

    #[observe(name = n, fields("n" = n), session = n, output = output + 1)]
    pub(super) async fn later(n: u8) -> u8 {
        format_args!();
        n
    }
}

mod shadowed_primitives {
    use crate::observe;

    #[expect(non_camel_case_types)]
    #[derive(Debug)]
    pub(super) struct bool;

    #[expect(non_camel_case_types)]
    #[derive(Debug)]
    pub(super) struct str;

    #[expect(non_camel_case_types)]
    #[derive(Debug)]
    pub(super) struct usize(pub(super) u8);

    // With their paths, because a plain `bool` is assumed to be the primitive type.
    #[observe(err = display)]
    pub(super) fn primitives(a: self::bool, b: self::str, n: self::usize) -> Result<(bool, str), u8> {
        if n.0 == 0 { Err(0) } else { Ok((a, b)) }
    }
}

#[rustfmt::skip]
mod without_a_prelude {
    #![no_implicit_prelude]

    use crate::observe;

    #[observe]
    pub(super) fn sync(n: u8) -> u8 {
        n
    }

    #[observe(name = "name", fields("n" = n), output = output)]
    pub(super) fn fallible(n: u8) -> ::core::result::Result<u8, &'static str> {
        if n == 0 {
            return ::core::result::Result::Err("zero");
        }
        ::core::result::Result::Ok(n)
    }

    #[observe]
    pub(super) async fn later(n: u8) -> ::core::option::Option<u8> {
        ::core::option::Option::Some(n)
    }

    #[observe]
    pub(super) fn boxed(n: u8) -> ::std::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = u8>>> {
        ::std::boxed::Box::pin(async move { n })
    }

    #[observe]
    pub(super) fn promised(n: u8) -> impl ::core::future::Future<Output = u8> {
        async move { n }
    }
}

mod methods_of_everything {
    use crate::log::note;
    use crate::observe;

    pub(super) trait Everything: Sized {
        fn enter(self) {
            note("my enter");
        }

        fn in_scope(self, _: u8) {
            note("my in_scope");
        }

        fn poll(self) {
            note("my poll");
        }

        fn into_future(self) {
            note("my into_future");
        }

        fn clone(self) {
            note("my clone");
        }

        fn record(self) {
            note("my record");
        }
    }

    impl<T> Everything for T {}

    #[observe]
    pub(super) fn sync(n: u8, text: &str) -> usize {
        n.enter();
        usize::from(n) + text.len()
    }

    #[observe]
    pub(super) fn fallible(n: u8) -> Result<u8, String> {
        n.in_scope(1);
        n.clone();
        n.record();
        n.into_future();
        if n == 0 { Err("zero".into()) } else { Ok(n) }
    }

    #[observe(output = output + n, fields("n" = n))]
    pub(super) async fn later(n: u8) -> Result<u8, String> {
        n.poll();
        std::future::ready(()).await;
        if n == 0 { Err("zero".into()) } else { Ok(n) }
    }

    #[observe]
    pub(super) fn boxed(n: u8) -> std::pin::Pin<Box<dyn std::future::Future<Output = u8>>> {
        Box::pin(async move { n })
    }
}

mod glob_imports {
    use std::fmt::*;
    use std::result::Result;

    use crate::observe;

    #[observe]
    pub(super) fn ambiguous(n: u8) -> Result<u8, Error> {
        if n == 0 { Err(Error) } else { Ok(n) }
    }
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("words_of_ours", || words_of_ours(1, 2, 3, 4, 5, 6));
    log.shape("output", || output(1, 2, 3, 4, 5, 6));
    log.shape("words_of_ours_in_expressions", || words_of_ours_in_expressions(1, 2, 3, 4));
    log.shape("words_of_ours_later", || crate::log::wait!(words_of_ours_later("x".into(), 1, 2, 3, 4)));
    log.shape("match", || r#match(1, "x"));
    log.shape("async", || crate::log::wait!(r#async(1)));
    log.shape("a2a_otel", || a2a_otel(1));
    log.shape("core", || core(1, 2, 3));
    log.shape("in_other_letters", || in_other_letters(1, "x"));
    log.shape("parameters_that_shadow_functions", || parameters_that_shadow_functions(1, 2, 3));
    log.shape("type_parameters_of_ours", || type_parameters_of_ours::<_, _, _, u8>("a", 'b', 1));
    log.shape("constants_of_ours", constants_of_ours::<1, 2>);
    log.shape("lifetimes_of_ours", || lifetimes_of_ours("a", "b"));
    log.calls(2, "shadowed_types::option", || [0, 1].map(shadowed_types::option));
    log.calls(2, "shadowed_types::result", || [0, 1].map(shadowed_types::result).map(|result| result.0));
    log.shape("shadowed_types::types", || {
        use shadowed_types::{Box, String, Vec, types};
        types(Vec, Box, String(1)).0.0
    });
    log.calls(2, "shadowed_variants::results", || [0, 1].map(shadowed_variants::results));
    log.shape("shadowed_variants::options", || shadowed_variants::options().1.0);
    log.calls(2, "shadowed_variants::later", || {
        [true, false].map(|fails| crate::log::wait!(shadowed_variants::later(fails)))
    });
    log.shape("shadowed_traits::bounded", || shadowed_traits::bounded(1_u8));
    log.calls(2, "shadowed_crates::sync", || ["", "x"].map(shadowed_crates::sync));
    log.shape("shadowed_crates::later", || crate::log::wait!(shadowed_crates::later("x")));
    log.shape("shadowed_macros::sync", || shadowed_macros::sync(1));
    log.shape("shadowed_macros::later", || crate::log::wait!(shadowed_macros::later(1)));
    log.calls(2, "shadowed_primitives::primitives", || {
        use shadowed_primitives::{bool, primitives, str, usize};
        [0, 1].map(|n| primitives(bool, str, usize(n)))
    });
    log.shape("without_a_prelude::sync", || without_a_prelude::sync(1));
    log.calls(2, "without_a_prelude::fallible", || [0, 1].map(without_a_prelude::fallible));
    log.shape("without_a_prelude::later", || crate::log::wait!(without_a_prelude::later(1)));
    log.shape("without_a_prelude::boxed", || crate::log::wait!(without_a_prelude::boxed(1)));
    log.shape("without_a_prelude::promised", || crate::log::wait!(without_a_prelude::promised(1)));
    log.shape("methods_of_everything::sync", || methods_of_everything::sync(1, "x"));
    log.calls(2, "methods_of_everything::fallible", || [0, 1].map(methods_of_everything::fallible));
    log.calls(2, "methods_of_everything::later", || {
        [0, 1].map(|n| crate::log::wait!(methods_of_everything::later(n)))
    });
    log.shape("methods_of_everything::boxed", || crate::log::wait!(methods_of_everything::boxed(1)));
    log.calls(2, "glob_imports::ambiguous", || [0, 1].map(glob_imports::ambiguous));
}
