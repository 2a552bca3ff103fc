//! Runs the three stages in order.

use proc_macro2::TokenStream;

use crate::decide::decide;
use crate::errors::Errors;
use crate::kinds::Kind;
use crate::read::args::Args;
use crate::read::function::Function;
use crate::write::write;

/// Returns the instrumented function. It returns the function unchanged if `is_on` is false, and after a compile error
/// for each mistake, so that a mistake causes no further errors where the function is called.
pub(crate) fn instrument(
    kind: &'static Kind,
    args: TokenStream,
    item: TokenStream,
    is_on: bool,
) -> TokenStream {
    match try_instrument(kind, args, item.clone()) {
        Ok(code) if is_on => code,
        Ok(_) => item,
        Err(error) => {
            let mut code = error.into_compile_error();
            code.extend(item);
            code
        }
    }
}

fn try_instrument(kind: &'static Kind, args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let args = Args::parse(kind, args, &mut errors);
    let function = Function::parse(item).map_err(|error| errors.add(error)).ok();
    let plan = function.as_ref().and_then(|function| decide(&args, function, &mut errors));
    errors.into_result()?;
    Ok(plan.map(|plan| write(&plan)).unwrap_or_default())
}
