//! The three stages in their order.

use proc_macro2::TokenStream;

use crate::decide::decide;
use crate::errors::Errors;
use crate::kinds::Kind;
use crate::read::args::Args;
use crate::read::function::Function;
use crate::write::write;

/// The function observed, or the function as it is: where nothing is to be observed, and behind the mistakes.
pub(crate) fn instrument(
    kind: &'static Kind,
    args: TokenStream,
    item: TokenStream,
    observes: bool,
) -> TokenStream {
    match try_expand(kind, args, item.clone()) {
        Ok(code) if observes => code,
        Ok(_) => item,
        Err(error) => {
            let mut code = error.into_compile_error();
            code.extend(item);
            code
        }
    }
}

fn try_expand(kind: &'static Kind, args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let args = Args::parse(kind, args, &mut errors);
    let function = Function::parse(item).map_err(|error| errors.add(error)).ok();
    let plan = function.as_ref().and_then(|function| decide(&args, function, &mut errors));
    errors.into_result()?;
    Ok(plan.map(|plan| write(&plan)).unwrap_or_default())
}
