//! The plan that stage two makes and stage three writes: what is recorded of a function, and when.
//!
//! Expressions that name `output` are *late*: they are evaluated after the function has returned. All others are
//! *early*.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, Ident, LitStr};

use crate::kinds::{self, Content, SpanKind};
use crate::read::args::{Args, Field};
use crate::read::expr::{Fixed, is_late, literal};
use crate::read::function::{Function, Param};
use crate::read::types::Streams;
use crate::runtime::{End, Implied, Instrument, ItemEnd, On, TextMethod};

pub(crate) struct Plan<'a> {
    pub(crate) runtime: Runtime,
    pub(crate) function: &'a Function,
    /// The stream that the function returns, if its type shows one or the user says so.
    pub(crate) stream: Option<Streams>,
    /// Whether the type may be an alias of a stream.
    pub(crate) may_be_stream: bool,
    /// Whether the body must not move into a closure, so that its result is not recorded.
    pub(crate) stays: bool,
    /// Parameters that late expressions use. They are cloned first, because the body may consume them.
    pub(crate) kept: Vec<Kept<'a>>,
    /// The place of an argument that needs a function that returns a `Result`.
    pub(crate) checks_result: Option<Span>,
    pub(crate) effect: Planned<'a>,
    /// The place of `replay`, if calls may be answered from a recording.
    pub(crate) replay: Option<Span>,
}

/// The path of the module that generated code calls. It is a list of tokens because adding tokens one by one is faster
/// than joining streams.
pub(crate) struct Runtime(Vec<TokenTree>);

impl Runtime {
    pub(crate) fn new(args: &Args) -> Self {
        let path = args.path(&kinds::CRATE).map_or_else(|| quote!(::a2a_otel), ToTokens::to_token_stream);
        Self(quote!(#path::__private).into_iter().collect())
    }
}

impl ToTokens for Runtime {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().cloned());
    }
}

/// A parameter, and where an expression names it.
pub(crate) struct Kept<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) mention: Span,
}

pub(crate) enum Planned<'a> {
    Span(SpanPlan<'a>),
    Metric(MetricPlan<'a>),
}

pub(crate) struct SpanPlan<'a> {
    pub(crate) kind: &'static SpanKind,
    /// The name, as far as it is known at compile time.
    pub(crate) name: String,
    pub(crate) name_parts: Vec<NamePart<'a>>,
    /// Whether the parts form the name; otherwise they are only recorded.
    pub(crate) is_named_by_parts: bool,
    /// Attributes that repeat a name that is only known at run time.
    pub(crate) name_keys: Vec<&'static str>,
    /// Attributes whose values are known at compile time.
    pub(crate) fixed: Vec<(&'a str, Fixed)>,
    /// The expression that replaces the parameters as the input.
    pub(crate) input: Option<&'a Expr>,
    pub(crate) values: Values<'a>,
    pub(crate) output: Output<'a>,
    pub(crate) texts: Vec<(TextMethod, &'a Expr)>,
    pub(crate) early: Vec<Recorded<'a>>,
    pub(crate) late: Vec<Recorded<'a>>,
    pub(crate) request: Option<&'a Expr>,
    pub(crate) debug_errors: bool,
    /// Whether the items of a stream stay apart if they are texts.
    pub(crate) lists_items: bool,
}

/// The value of an argument that may be part of the name.
pub(crate) struct NamePart<'a> {
    pub(crate) keys: &'static [&'static str],
    pub(crate) value: Value<'a>,
}

/// A value and the attribute that holds it.
#[derive(Clone)]
pub(crate) struct Recorded<'a> {
    pub(crate) key: &'a str,
    pub(crate) value: Value<'a>,
    /// Whether the value is a list of documents, and the key is their prefix.
    pub(crate) is_documents: bool,
}

#[derive(Clone)]
pub(crate) enum Value<'a> {
    Fixed(Fixed),
    Expr(&'a Expr),
}

/// The parameters that are passed to the runtime unchanged, each once.
pub(crate) struct Values<'a> {
    /// Those that form the input come first.
    pub(crate) passed: Vec<Passed<'a>>,
    /// The names of those. A single empty name means that the parameter is the input itself.
    pub(crate) arguments: Vec<String>,
    /// Attributes that hold one of the values, and the value's index.
    pub(crate) fields: Vec<(&'a str, usize)>,
}

/// A parameter that is passed to the runtime.
pub(crate) struct Passed<'a> {
    pub(crate) param: &'a Param,
    pub(crate) is_redacted: bool,
    /// The user's word that asks for it. Its type then has to be one that can be recorded.
    pub(crate) mention: Option<&'a Ident>,
}

impl<'a> Values<'a> {
    pub(crate) fn add_field(&mut self, key: &'a str, (param, mention): (&'a Param, &'a Ident)) {
        let is_it = |value: &Passed<'_>| !value.is_redacted && value.param.ident == param.ident;
        let known = self.passed.iter().position(is_it);
        let index = known.unwrap_or(self.passed.len());
        if known.is_none() {
            self.passed.push(Passed { param, is_redacted: false, mention: None });
        }
        self.passed[index].mention = Some(mention);
        self.fields.push((key, index));
    }
}

pub(crate) enum Output<'a> {
    Nothing,
    Expr(&'a Expr),
    Result,
}

pub(crate) struct MetricPlan<'a> {
    pub(crate) instrument: Instrument,
    pub(crate) name: &'a LitStr,
    pub(crate) unit: String,
    pub(crate) description: String,
    pub(crate) buckets: Option<Buckets<'a>>,
    pub(crate) on: On,
    /// Whether the outcome of a call is an attribute.
    pub(crate) has_outcome: bool,
    pub(crate) value: Option<&'a Expr>,
    pub(crate) is_value_late: bool,
    pub(crate) implied: Implied,
    pub(crate) early: Vec<Recorded<'a>>,
    pub(crate) late: Vec<Recorded<'a>>,
}

/// The bounds of a histogram's buckets.
pub(crate) enum Buckets<'a> {
    Numbers(Vec<f64>),
    /// A constant, whose value only the compiler knows.
    Constant(&'a Expr),
}

impl<'a> Planned<'a> {
    /// The expressions that are evaluated after the function has returned.
    pub(crate) fn late_expressions(&self) -> Vec<&'a Expr> {
        match self {
            Self::Span(span) => {
                let output = if let Output::Expr(expr) = span.output { Some(expr) } else { None };
                span.late.iter().filter_map(|one| one.value.expr()).chain(output).collect()
            }
            Self::Metric(metric) => metric.late_expressions(),
        }
    }
}

impl SpanPlan<'_> {
    /// How the span ends, and how the items of a stream are recorded, if the type of the result is enough to say so.
    pub(crate) fn end(&self) -> Option<(End, ItemEnd)> {
        let is_of_model = self.kind.content == Content::Llm;
        match (&self.output, is_of_model) {
            (Output::Nothing, false) => Some((End::WithoutValue, ItemEnd::WithoutValue)),
            (Output::Nothing, true) => Some((End::WithoutValue, ItemEnd::AsUnreadChunk)),
            (Output::Result, false) => Some((End::WithOutput, ItemEnd::AsOutput)),
            (Output::Result, true) => Some((End::WithResponse, ItemEnd::AsChunk)),
            (Output::Expr(_), _) => None,
        }
    }
}

impl<'a> MetricPlan<'a> {
    /// The expressions that use the result.
    pub(crate) fn late_expressions(&self) -> Vec<&'a Expr> {
        let value = self.value.filter(|_| self.is_value_late);
        self.late.iter().filter_map(|one| one.value.expr()).chain(value).collect()
    }

    /// Whether there are any.
    pub(crate) fn is_late(&self) -> bool {
        !self.late_expressions().is_empty()
    }
}

impl<'a> Recorded<'a> {
    pub(crate) fn field(field: &'a Field) -> Self {
        Self { key: &field.key, value: Value::new(&field.value), is_documents: false }
    }

    /// The parameter whose unchanged value it holds. None with conditional parameters, whose indices are not known
    /// here.
    pub(crate) fn param(&self, function: &'a Function) -> Option<(&'a Param, &'a Ident)> {
        let counts = function.params.iter().all(|param| param.cfgs.is_empty());
        function.param(self.value.expr().filter(|_| counts && !self.is_documents)?)
    }
}

impl<'a> Value<'a> {
    pub(crate) fn new(expr: &'a Expr) -> Self {
        literal(expr).map_or(Self::Expr(expr), Self::Fixed)
    }

    pub(crate) const fn expr(&self) -> Option<&'a Expr> {
        match self {
            Self::Expr(expr) => Some(expr),
            Self::Fixed(_) => None,
        }
    }

    pub(crate) const fn fixed(&self) -> Option<&Fixed> {
        match self {
            Self::Fixed(fixed) => Some(fixed),
            Self::Expr(_) => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Fixed(Fixed::Text(text)) = self { Some(text) } else { None }
    }

    pub(crate) fn is_late(&self) -> bool {
        self.expr().is_some_and(is_late)
    }
}
