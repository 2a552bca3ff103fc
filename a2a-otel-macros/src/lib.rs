//! The attribute macros of `a2a-otel`. Use that crate, which re-exports and documents them.
//!
//! `instrument` runs three stages, each in its own folder: `read`, `decide` and `write`. They share the table of
//! the attribute macros (`kinds`), the plan that stage two makes and stage three writes (`plan`), and the names that
//! generated code may use (`runtime`).

mod decide;
mod errors;
mod instrument;
mod kinds;
mod plan;
mod read;
mod runtime;
#[cfg(test)]
mod tests;
mod write;

use proc_macro::TokenStream;

use crate::instrument::instrument;
use crate::kinds::Kind;

/// Defines the attribute macros: the name, the row of the table, and the docs that several share.
macro_rules! entries {
    ($($name:ident = $kind:ident $(, $shared:literal)?;)*) => {
        $(
            #[doc = include_str!(concat!("../docs/", stringify!($name), ".md"))]
            $(#[doc = include_str!($shared)])?
            #[proc_macro_attribute]
            pub fn $name(args: TokenStream, item: TokenStream) -> TokenStream {
                expand(&kinds::$kind, args, item)
            }
        )*
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

fn expand(kind: &'static Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(kind, args.into(), item.into(), cfg!(feature = "trace")).into()
}
