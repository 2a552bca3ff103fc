//! Reads the arguments of an attribute macro by its row of the table.
//!
//! It reports all errors at once, each at the word that the user has to change.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Path, Token, parenthesized, token};

use crate::errors::{Errors, nearest};
use crate::kinds::{Arg, HABITS, Kind, NAME, Takes};

/// The arguments that the user gave, each at most once.
pub(crate) struct Args {
    pub(crate) kind: &'static Kind,
    given: Vec<Given>,
}

struct Given {
    arg: &'static Arg,
    span: Span,
    value: Value,
}

enum Value {
    Flag,
    Text(LitStr),
    Expr(Box<Expr>),
    Word(Ident),
    Names(Vec<Ident>),
    Fields(Vec<Field>),
    Path(Path),
}

/// `"key" = expr` or `key = expr`.
pub(crate) struct Field {
    pub(crate) key: String,
    /// The place of the key.
    pub(crate) span: Span,
    pub(crate) value: Expr,
}

impl Args {
    pub(crate) fn parse(kind: &'static Kind, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self { kind, given: Vec::new() };
        let parsed = (|input: ParseStream<'_>| {
            while !input.is_empty() {
                match parse_argument(kind, input, errors) {
                    Ok(given) => args.add(given, errors),
                    Err(error) => {
                        errors.add(error);
                        skip_argument(input)?;
                    }
                }
                if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                    errors.at(input.span(), "expected `,`");
                    skip_argument(input)?;
                    input.parse::<Option<Token![,]>>()?;
                }
            }
            Ok(())
        })
        .parse2(tokens);
        if let Err(error) = parsed {
            errors.add(error);
        }
        args
    }

    fn add(&mut self, given: Given, errors: &mut Errors) {
        if self.find(given.arg).is_some() {
            errors.at(given.span, format_args!("`{}` is given twice", given.arg.name));
        } else {
            self.given.push(given);
        }
    }

    fn find(&self, arg: &Arg) -> Option<&Given> {
        self.given.iter().find(|given| given.arg.name == arg.name)
    }

    /// The arguments with an expression, in the order of the table.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&'static Arg, &Expr)> {
        self.kind.all_args().filter_map(|arg| Some((arg, self.expr(arg)?)))
    }

    /// The place of the argument, if it is given.
    pub(crate) fn span(&self, arg: &Arg) -> Option<Span> {
        self.find(arg).map(|given| given.span)
    }
}

/// Accessors for the value of an argument, if it is given in that form.
macro_rules! accessors {
    ($($accessor:ident -> $returned:ty: $form:ident($value:ident) => $found:expr, else $absent:expr;)*) => {
        impl Args {$(
            pub(crate) fn $accessor(&self, arg: &Arg) -> $returned {
                match self.find(arg).map(|given| &given.value) {
                    Some(Value::$form($value)) => $found,
                    _ => $absent,
                }
            }
        )*}
    };
}

accessors! {
    text -> Option<&LitStr>: Text(text) => Some(text), else None;
    expr -> Option<&Expr>: Expr(expr) => Some(expr), else None;
    word -> Option<&Ident>: Word(word) => Some(word), else None;
    path -> Option<&Path>: Path(path) => Some(path), else None;
    names -> &[Ident]: Names(names) => names, else &[];
    fields -> &[Field]: Fields(fields) => fields, else &[];
}

fn parse_argument(kind: &'static Kind, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Given> {
    if let Some(text) = peeked_text(input) {
        return Err(syn::Error::new(text.span(), format_args!("write {}", named(kind, &text.value()))));
    }
    let Ok(name) = input.call(Ident::parse_any) else {
        return Err(syn::Error::new(
            input.span(),
            format_args!("expected an argument of `#[{}]`; {}", kind.name, list(kind)),
        ));
    };
    let written = name.to_string();
    let Some(arg) = kind.all_args().find(|arg| written == arg.name) else {
        return Err(unknown_argument(kind, &name));
    };
    let value = parse_value(arg, name.span(), input, errors)?;
    Ok(Given { arg, span: name.span(), value })
}

/// A text in place of an argument.
fn peeked_text(input: ParseStream<'_>) -> Option<LitStr> {
    input.fork().parse().ok()
}

/// How a text that stands alone is written, for messages: as the first argument of the attribute that takes one.
fn named(kind: &'static Kind, text: &str) -> String {
    let argument = kind.all_args().find(|arg| arg.name == NAME.name).or_else(|| kind.all_args().next());
    argument.map_or_else(String::new, |arg| format!("`{} = {text:?}`", arg.name))
}

fn unknown_argument(kind: &'static Kind, name: &Ident) -> syn::Error {
    let known: Vec<_> = kind.all_args().map(|arg| arg.name).collect();
    let written = name.to_string();
    let habit = HABITS.iter().find(|(habit, _)| written == *habit);
    let advice = match (habit, nearest(&written, &known)) {
        (Some((_, advice)), _) => format!("; {advice}"),
        (None, Some(near)) => format!(", did you mean `{near}`?"),
        (None, None) => format!("; {}", list(kind)),
    };
    syn::Error::new(name.span(), format_args!("`#[{}]` has no argument `{written}`{advice}", kind.name))
}

fn list(kind: &'static Kind) -> String {
    let known: Vec<_> = kind.all_args().map(|arg| format!("`{}`", arg.name)).collect();
    format!("it has {}", known.join(", "))
}

fn parse_value(
    arg: &'static Arg,
    name: Span,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<Value> {
    let malformed =
        |span: Span| syn::Error::new(span, format_args!("`{}` is written {}", arg.name, form(arg)));
    let ends = input.is_empty() || input.peek(Token![,]);
    match arg.takes {
        Takes::Flag if ends => return Ok(Value::Flag),
        Takes::Flag => return Err(malformed(input.span())),
        _ if ends => return Err(malformed(name)),
        Takes::Names | Takes::Fields if !input.peek(token::Paren) => return Err(malformed(input.span())),
        Takes::Names => {
            return parse_list(input, |input| parse_name(arg, input), errors).map(Value::Names);
        }
        Takes::Fields => return parse_list(input, parse_field, errors).map(Value::Fields),
        Takes::Text | Takes::Expr | Takes::Word(_) | Takes::Path => {}
    }
    if input.parse::<Token![=]>().is_err() {
        return Err(malformed(input.span()));
    }
    if input.is_empty() || input.peek(Token![,]) {
        return Err(malformed(name));
    }
    let span = input.span();
    match arg.takes {
        Takes::Text => input.parse().map(Value::Text).map_err(|_| malformed(span)),
        Takes::Word(words) => parse_word(arg, words, input).map(Value::Word),
        Takes::Path => input.parse().map(Value::Path).map_err(|_| malformed(span)),
        _ => parse_expression(arg, input).map(Value::Expr),
    }
}

/// How an argument is written, for messages.
fn form(arg: &Arg) -> String {
    let name = arg.name;
    match arg.takes {
        Takes::Flag => format!("`{name}`, without a value"),
        Takes::Text => format!("`{name} = \"...\"`"),
        Takes::Expr => format!("`{name} = expression`"),
        Takes::Word(words) => format!("`{name} = {}`", words.join(" | ")),
        Takes::Names => format!("`{name}(parameter, ...)`"),
        Takes::Fields => format!("`{name}(\"key\" = expression, ...)`"),
        Takes::Path => format!("`{name} = ::path::to::a2a_otel`"),
    }
}

fn parse_word(arg: &Arg, words: &[&str], input: ParseStream<'_>) -> syn::Result<Ident> {
    let span = input.span();
    let Ok(word) = input.call(Ident::parse_any) else {
        return Err(syn::Error::new(span, format_args!("`{}` is written {}", arg.name, form(arg))));
    };
    if words.iter().any(|known| word == known) {
        return Ok(word);
    }
    let advice = match nearest(&word.to_string(), words) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it is one of `{}`", words.join("`, `")),
    };
    Err(syn::Error::new(span, format_args!("`{}` cannot be `{word}`, {advice}", arg.name)))
}

fn parse_expression(arg: &Arg, input: ParseStream<'_>) -> syn::Result<Box<Expr>> {
    let expr: Expr = input.parse()?;
    match &expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().trim().is_empty() => {
            Err(syn::Error::new(text.span(), format_args!("`{}` must not be empty", arg.name)))
        }
        _ => Ok(Box::new(expr)),
    }
}

/// A list in parentheses. After an error, it continues with the next element.
fn parse_list<T>(
    input: ParseStream<'_>,
    parse: impl Fn(ParseStream<'_>) -> syn::Result<T>,
    errors: &mut Errors,
) -> syn::Result<Vec<T>> {
    let content;
    parenthesized!(content in input);
    let mut list = Vec::new();
    while !content.is_empty() {
        match parse(&content) {
            Ok(element) if content.is_empty() || content.peek(Token![,]) => list.push(element),
            Ok(_) => errors.at(content.span(), "expected `,`"),
            Err(error) => errors.add(error),
        }
        skip_argument(&content)?;
        content.parse::<Option<Token![,]>>()?;
    }
    Ok(list)
}

fn parse_name(arg: &Arg, input: ParseStream<'_>) -> syn::Result<Ident> {
    let (span, name) = (input.span(), arg.name);
    input.call(Ident::parse_any).map_err(|_| {
        let message = format_args!("`{name}` takes the names of parameters, as in `{name}(password)`");
        syn::Error::new(span, message)
    })
}

fn parse_field(input: ParseStream<'_>) -> syn::Result<Field> {
    let span = input.span();
    if let Some(sigil) = peeked_sigil(input) {
        let message = format_args!("write `\"key\" = value` instead of `{sigil}value`");
        return Err(syn::Error::new(span, message));
    }
    let key = if input.peek(LitStr) { input.parse::<LitStr>()?.value() } else { parse_dotted_key(input)? };
    if key.trim().is_empty() {
        return Err(syn::Error::new(span, "a key must not be empty"));
    }
    if input.parse::<Token![=]>().is_err() {
        return Err(syn::Error::new(
            input.span(),
            format_args!("a field is written `\"{key}\" = expression`"),
        ));
    }
    if let Some(sigil) = peeked_sigil(input) {
        let value = if sigil == "%" { "value.to_string()" } else { "format!(\"{value:?}\")" };
        let message = format_args!(
            "write the value without `{sigil}`: what its type can do decides how it is recorded; `{value}` asks for a text"
        );
        return Err(syn::Error::new(input.span(), message));
    }
    Ok(Field { key, span, value: input.parse()? })
}

/// A sign by which `tracing` tells how a value is recorded.
fn peeked_sigil(input: ParseStream<'_>) -> Option<&'static str> {
    if input.peek(Token![%]) {
        Some("%")
    } else if input.peek(Token![?]) {
        Some("?")
    } else {
        None
    }
}

fn parse_dotted_key(input: ParseStream<'_>) -> syn::Result<String> {
    let part = || {
        let part = input.call(Ident::parse_any).map(|part| part.unraw().to_string());
        part.map_err(|_| syn::Error::new(input.span(), "a field is written `\"key\" = expression`"))
    };
    let mut key = part()?;
    while input.parse::<Option<Token![.]>>()?.is_some() {
        key = format!("{key}.{}", part()?);
    }
    Ok(key)
}

fn skip_argument(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
