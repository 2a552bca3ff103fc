//! What an expression is, as far as its tokens show: a literal, or one that names a variable.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Expr, ExprLit, Ident, Lit};

/// A literal, as OpenTelemetry has it.
#[derive(Clone)]
pub(crate) enum Fixed {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

pub(crate) fn is_late(expr: &Expr) -> bool {
    literal(expr).is_none() && output_ident(expr.to_token_stream()).is_some()
}

/// The word `output` as the user wrote it, if the expression names it.
pub(crate) fn output_ident(tokens: TokenStream) -> Option<Ident> {
    find_ident(tokens, "output")
}

/// Finds a variable of that name, also where a format string names it; what stands behind a single dot is a field or
/// a method.
pub(crate) fn find_ident(tokens: TokenStream, name: &str) -> Option<Ident> {
    let mut behind_dot = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if !behind_dot && ident == name => return Some(ident),
            TokenTree::Literal(literal) if formats(&literal.to_string(), name) => {
                return Some(Ident::new(name, literal.span()));
            }
            TokenTree::Group(group) => {
                if let Some(found) = find_ident(group.stream(), name) {
                    return Some(found);
                }
                behind_dot = false;
            }
            TokenTree::Punct(punct) => behind_dot = punct.as_char() == '.' && !behind_dot,
            _ => behind_dot = false,
        }
    }
    None
}

/// Whether a format string names the variable: `{output}` or `{output:?}`.
fn formats(literal: &str, name: &str) -> bool {
    literal
        .split('{')
        .skip(1)
        .any(|part| part.strip_prefix(name).is_some_and(|rest| rest.starts_with(['}', ':'])))
}

/// The value of a literal.
pub(crate) fn literal(expr: &Expr) -> Option<Fixed> {
    let Expr::Lit(ExprLit { lit, .. }) = expr else { return None };
    match lit {
        Lit::Str(text) => Some(Fixed::Text(text.value())),
        Lit::Int(number) => number.base10_parse().ok().map(Fixed::Int),
        Lit::Float(number) => number.base10_parse().ok().map(Fixed::Float),
        Lit::Bool(bool) => Some(Fixed::Bool(bool.value)),
        _ => None,
    }
}
