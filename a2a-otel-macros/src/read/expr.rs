//! What the tokens of an expression show: whether it is a literal, and which variables it names.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Expr, ExprLit, ExprUnary, Ident, Lit, UnOp};

/// A literal, as one of OpenTelemetry's types.
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

/// The user's word `output`, if the tokens contain it.
pub(crate) fn output_ident(tokens: TokenStream) -> Option<Ident> {
    find_ident(tokens, "output")
}

/// Finds a variable by name, also inside a format string. An identifier after a single dot is a field or a method.
pub(crate) fn find_ident(tokens: TokenStream, name: &str) -> Option<Ident> {
    let mut is_after_dot = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if !is_after_dot && ident == name => return Some(ident),
            TokenTree::Literal(literal) if formats(&literal.to_string(), name) => {
                return Some(Ident::new(name, literal.span()));
            }
            TokenTree::Group(group) => {
                if let Some(found) = find_ident(group.stream(), name) {
                    return Some(found);
                }
                is_after_dot = false;
            }
            TokenTree::Punct(punct) => is_after_dot = punct.as_char() == '.' && !is_after_dot,
            _ => is_after_dot = false,
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

/// The value of a number, which may be negative.
pub(crate) fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => number(expr).map(|number| -number),
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse().ok(),
        _ => None,
    }
}
