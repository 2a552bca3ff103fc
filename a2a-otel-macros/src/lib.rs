//! The attributes of `a2a-otel`, which re-exports and explains them: use that crate.
//!
//! An attribute goes through four stages, each in its file: `args` reads its arguments by the table in `kinds`,
//! `function` reads the function, `plan` decides, and `expand` writes. On a mistake the function itself stays.

mod args;
mod expand;
mod function;
mod kinds;
mod plan;

use proc_macro::TokenStream;

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

#[doc = include_str!("../docs/business_metric.md")]
#[proc_macro_attribute]
pub fn business_metric(args: TokenStream, item: TokenStream) -> TokenStream {
    instrument(&kinds::BUSINESS_METRIC, args, item)
}

fn instrument(kind: &'static Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    match try_instrument(kind, args.into(), item.clone()) {
        Ok(code) => code.into(),
        Err(error) => {
            let mut code = error.into_compile_error();
            code.extend(item);
            code.into()
        }
    }
}

fn try_instrument(
    kind: &'static Kind,
    args: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> syn::Result<proc_macro2::TokenStream> {
    let mut errors = Errors::default();
    let args = Args::parse(kind, args, &mut errors);
    let function = match Function::parse(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.add(error);
            return errors.into_result().map(|()| item);
        }
    };
    let plan = Plan::new(&args, &function, &mut errors);
    errors.into_result()?;
    Ok(match plan {
        Some(plan) if cfg!(feature = "trace") => expand::expand(&plan),
        _ => item,
    })
}
