//! The attributes of `a2a-otel`, which re-exports and explains them: use that crate.
//!
//! An attribute goes through four stages, each in its file: `args` reads its arguments by the table in `kinds`,
//! `function` reads the function and by `types` what it takes and gives back, `plan` decides by the rules in `checks`,
//! and `expand` writes. On a mistake the function itself stays.

mod args;
mod checks;
mod expand;
mod function;
mod kinds;
mod plan;
#[cfg(test)]
mod tests;
mod types;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;

use crate::args::{Args, Errors};
use crate::function::Function;
use crate::kinds::Kind;
use crate::plan::Plan;

/// The attributes: each its name, its row of the table, and docs that it shares with others.
macro_rules! entries {
    ($($name:ident = $kind:ident $(, $shared:literal)?;)*) => {
        $(
            #[doc = include_str!(concat!("../docs/", stringify!($name), ".md"))]
            $(#[doc = include_str!($shared)])?
            #[proc_macro_attribute]
            pub fn $name(args: TokenStream, item: TokenStream) -> TokenStream {
                instrument(&kinds::$kind, args, item)
            }
        )*

        /// The rows of all, for the tests that hold them to the same rules.
        #[cfg(test)]
        static ALL: &[&Kind] = &[$(&kinds::$kind),*];
    };
}

entries! {
    agent_span = AGENT_SPAN, "../docs/span_arguments.md";
    chain_span = CHAIN_SPAN, "../docs/span_arguments.md";
    tool_span = TOOL_SPAN, "../docs/span_arguments.md";
    mcp_tool = MCP_TOOL, "../docs/span_arguments.md";
    a2a_call = A2A_CALL, "../docs/span_arguments.md";
    llm_call = LLM_CALL, "../docs/span_arguments.md";
    embedding_call = EMBEDDING_CALL, "../docs/span_arguments.md";
    retriever_span = RETRIEVER_SPAN, "../docs/span_arguments.md";
    reranker_span = RERANKER_SPAN, "../docs/span_arguments.md";
    guardrail_span = GUARDRAIL_SPAN, "../docs/span_arguments.md";
    evaluator_span = EVALUATOR_SPAN, "../docs/span_arguments.md";
    prompt_span = PROMPT_SPAN, "../docs/span_arguments.md";
    business_metric = BUSINESS_METRIC;
}

fn instrument(kind: &'static Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    expand(kind, args.into(), item.into(), cfg!(feature = "trace")).into()
}

/// The function observed, or the function as it is: where nothing is to be observed, and behind the mistakes.
fn expand(kind: &'static Kind, args: Tokens, item: Tokens, observes: bool) -> Tokens {
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

fn try_expand(kind: &'static Kind, args: Tokens, item: Tokens) -> syn::Result<Tokens> {
    let mut errors = Errors::default();
    let args = Args::parse(kind, args, &mut errors);
    let function = Function::parse(item).map_err(|error| errors.add(error)).ok();
    let plan = function.as_ref().and_then(|function| Plan::new(&args, function, &mut errors));
    errors.into_result()?;
    Ok(plan.map(|plan| expand::expand(&plan)).unwrap_or_default())
}
