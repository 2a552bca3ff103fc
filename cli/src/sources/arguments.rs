//! The arguments of an attribute macro, as far as they are known without running the compiler.

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, ExprLit, ExprUnary, Ident, Lit, LitStr, Meta, Token, UnOp, parenthesized, token};

/// The arguments, in their order.
pub(super) struct Arguments(Vec<(String, Value)>);

enum Value {
    Flag,
    Expr(Box<Expr>),
    List(TokenStream),
}

impl Arguments {
    pub(super) fn parse(meta: &Meta) -> syn::Result<Self> {
        match meta {
            Meta::Path(_) => Ok(Self(Vec::new())),
            Meta::List(list) => list.parse_args_with(parse_all).map(Self),
            Meta::NameValue(pair) => {
                Err(syn::Error::new_spanned(&pair.path, "expected arguments in parentheses"))
            }
        }
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub(super) fn expr(&self, name: &str) -> Option<&Expr> {
        match self.find(name) {
            Some(Value::Expr(expr)) => Some(expr),
            _ => None,
        }
    }

    /// The value, if it is a literal text.
    pub(super) fn text(&self, name: &str) -> Option<&LitStr> {
        match self.expr(name) {
            Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => Some(text),
            _ => None,
        }
    }

    /// The value, if it is a single word, as in `on = err`.
    pub(super) fn word(&self, name: &str) -> Option<String> {
        match self.expr(name) {
            Some(Expr::Path(path)) => path.path.get_ident().map(Ident::to_string),
            _ => None,
        }
    }

    /// The numbers of a list, if all are literals.
    pub(super) fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        match self.expr(name) {
            Some(Expr::Array(array)) => array.elems.iter().map(number).collect(),
            _ => None,
        }
    }

    /// The fields of `attributes(key = expr)`, with their values if these are literals.
    pub(super) fn fields(&self, name: &str) -> syn::Result<Vec<(String, Option<String>)>> {
        match self.find(name) {
            Some(Value::List(tokens)) => parse_fields.parse2(tokens.clone()),
            _ => Ok(Vec::new()),
        }
    }
}

fn parse_all(input: ParseStream<'_>) -> syn::Result<Vec<(String, Value)>> {
    let mut arguments = Vec::new();
    while !input.is_empty() {
        let name = input.call(Ident::parse_any)?.to_string();
        let value = if input.parse::<Option<Token![=]>>()?.is_some() {
            Value::Expr(input.parse()?)
        } else if input.peek(token::Paren) {
            let content;
            parenthesized!(content in input);
            Value::List(content.parse()?)
        } else {
            Value::Flag
        };
        arguments.push((name, value));
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(arguments)
}

fn parse_fields(input: ParseStream<'_>) -> syn::Result<Vec<(String, Option<String>)>> {
    let mut fields = Vec::new();
    while !input.is_empty() {
        let key = if input.peek(LitStr) {
            input.parse::<LitStr>()?.value()
        } else {
            let mut key = input.call(Ident::parse_any)?.unraw().to_string();
            while input.parse::<Option<Token![.]>>()?.is_some() {
                key = format!("{key}.{}", input.call(Ident::parse_any)?.unraw());
            }
            key
        };
        input.parse::<Token![=]>()?;
        fields.push((key, literal(&input.parse()?)));
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(fields)
}

/// The value of a literal, as it is written as a label.
fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        Expr::Lit(ExprLit { lit: Lit::Bool(value), .. }) => Some(value.value.to_string()),
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => Some(number.base10_digits().to_owned()),
        Expr::Lit(ExprLit { lit: Lit::Char(letter), .. }) => Some(letter.value().to_string()),
        Expr::Paren(inner) => literal(&inner.expr),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => number(expr).map(|number| -number),
        _ => None,
    }
}
