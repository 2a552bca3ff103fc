//! Tests that functions of every shape behave the same with and without the attribute macro, in edition 2021.

#![deny(warnings, clippy::pedantic)]
#![allow(unsafe_code, reason = "unsafe functions are shapes too")]
#![allow(single_use_lifetimes, reason = "lifetimes are named where a shape is about their names")]
#![allow(
    clippy::borrowed_box,
    clippy::let_and_return,
    clippy::needless_continue,
    clippy::needless_for_each,
    clippy::never_loop,
    clippy::single_match_else,
    clippy::toplevel_ref_arg,
    clippy::type_complexity,
    clippy::unnecessary_semicolon,
    unused_qualifications,
    reason = "shapes are odd on purpose, with and without the attribute"
)]

mod compare;
mod log;
mod observed;

use a2a_otel::chain_span as observe;

compare::topics! {
    shared: async_traits asyncs borrows by_hand dead_code drops expectations flow free generated generated_blocks
        generics inference items lints locations methods names opaque_closures patterns sizes streams tools;
    here:;
    open:;
}
