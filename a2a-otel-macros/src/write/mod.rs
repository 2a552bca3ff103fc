//! Stage three writes the code of a plan. It cannot fail.
//!
//! It moves the body, unread, into a closure or an async block, passes that to the runtime, and records before and
//! after it. Generated code names nothing but `a2a_otel::__private` and calls functions by their path, so that nothing
//! in the user's scope can change its meaning. The only methods it calls are on types of ours, to find out what a type
//! can do.

/// `quote!` whose variables are hygienic: the user's code can neither see nor shadow them.
macro_rules! hygienic {
    ($($tokens:tt)*) => { quote::quote_spanned!(proc_macro2::Span::mixed_site()=> $($tokens)*) };
}

mod after;
mod before;
mod call;
mod metric;
mod values;

use proc_macro2::TokenStream;
use quote::quote;

use crate::plan::Plan;
use crate::read::function::Function;

pub(crate) fn write(plan: &Plan<'_>) -> TokenStream {
    let Function { attrs, vis, defaultness, sig, .. } = plan.function;
    let (before, call) = (plan.before(), plan.call());
    quote!(#(#attrs)* #vis #defaultness #sig { #before #call })
}
