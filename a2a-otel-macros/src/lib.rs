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

#[doc = include_str!("../docs/agent_span.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn agent_span(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::AGENT_SPAN, args, item)
}

#[doc = include_str!("../docs/chain_span.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn chain_span(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::CHAIN_SPAN, args, item)
}

#[doc = include_str!("../docs/tool_span.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn tool_span(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::TOOL_SPAN, args, item)
}

#[doc = include_str!("../docs/mcp_tool.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn mcp_tool(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::MCP_TOOL, args, item)
}

#[doc = include_str!("../docs/a2a_call.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn a2a_call(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::A2A_CALL, args, item)
}

#[doc = include_str!("../docs/llm_call.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn llm_call(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::LLM_CALL, args, item)
}

#[doc = include_str!("../docs/embedding_call.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn embedding_call(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::EMBEDDING_CALL, args, item)
}

#[doc = include_str!("../docs/retriever_span.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn retriever_span(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::RETRIEVER_SPAN, args, item)
}

#[doc = include_str!("../docs/reranker_span.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn reranker_span(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::RERANKER_SPAN, args, item)
}

#[doc = include_str!("../docs/guardrail_span.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn guardrail_span(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::GUARDRAIL_SPAN, args, item)
}

#[doc = include_str!("../docs/evaluator_span.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn evaluator_span(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::EVALUATOR_SPAN, args, item)
}

#[doc = include_str!("../docs/prompt_span.md")]
#[doc = include_str!("../docs/span_arguments.md")]
#[proc_macro_attribute]
pub fn prompt_span(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::PROMPT_SPAN, args, item)
}

#[doc = include_str!("../docs/business_metric.md")]
#[proc_macro_attribute]
pub fn business_metric(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::BUSINESS_METRIC, args, item)
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
