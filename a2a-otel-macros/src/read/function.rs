//! Reads the function below an attribute macro: its signature, and its body as tokens that stay unread.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Expr, ExprLit, FnArg, Ident, Lit, Meta, Pat, PatIdent, PatType, ReceiverKind, ReturnType,
    Signature, Token, Type, Visibility,
};

use crate::read::types::{
    Access, Streams, access_of, future_output, is_closure, is_one_of, last_segment, streams,
};

/// Parameters of these types are never recorded: they are internals of an SDK, very large, or contain secrets.
const PLUMBING: &[&str] = &[
    "CancellationToken",
    "Context",
    "ExecutorContext",
    "Extension",
    "Extensions",
    "HeaderMap",
    "Parts",
    "Peer",
    "RequestContext",
    "RequestMetaObject",
    "ServiceParams",
    "State",
];

pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    /// The keyword `default` of specialisation.
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
    pub(crate) params: Vec<Param>,
    pub(crate) shape: Shape,
    /// The stream that the function returns, if its type shows one.
    pub(crate) stream: Option<Streams>,
}

/// Why the body must not move into a closure: what it would lose there.
#[derive(Clone, Copy)]
pub(crate) enum Stays {
    /// `#[track_caller]`: the caller's location.
    ForItsCaller,
    /// `-> impl Fn(T)`: the parameter types of the returned closure, which only the signature gives.
    ForItsClosure,
}

/// A variable that a parameter binds.
pub(crate) struct Param {
    pub(crate) ident: Ident,
    /// The parameter's `#[cfg(...)]` attributes.
    pub(crate) cfgs: Vec<TokenStream>,
    /// Whether it is recorded as input: its type is not in [`PLUMBING`], and its name does not begin with `_`.
    pub(crate) recorded: bool,
    pub(crate) access: Access,
    /// Whether it is the only content of a wrapper such as rmcp's `Parameters(request)`, and so is the input itself.
    pub(crate) unwrapped: bool,
}

/// How the function returns its result.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    Sync,
    Async,
    /// `-> impl Future`
    Future,
    /// `-> Pin<Box<dyn Future>>`
    Boxed,
}

impl Function {
    /// Parses everything but the body, of which it reads only the inner attributes: a body may be long.
    pub(crate) fn parse(item: TokenStream) -> syn::Result<Self> {
        let mut head: Vec<_> = item.into_iter().collect();
        let last = head.pop();
        let Head { mut attrs, vis, defaultness, sig } = parse_head.parse2(head.into_iter().collect())?;
        let (inner, body) = split_inner_attributes(&braces(last)?)?;
        attrs.extend(inner);
        attrs.iter_mut().for_each(allow_expected);
        let params = sig.inputs.iter().flat_map(params_of).collect();
        let shape = shape_of(&sig);
        let mut function = Self { attrs, vis, defaultness, sig, body, params, shape, stream: None };
        // An iterator is observed only if the body may move into a closure.
        let is_observed = |stream: &Streams| !stream.is_iterator || function.stays().is_none();
        function.stream = function.result_type().and_then(streams).filter(is_observed);
        Ok(function)
    }

    /// The function's name without `r#`.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }

    /// The type of the result, which for a future is its output. `None` if the function returns nothing.
    pub(crate) fn result_type(&self) -> Option<&Type> {
        let ReturnType::Type(_, declared) = &self.sig.output else { return None };
        match self.shape {
            Shape::Sync | Shape::Async => Some(declared),
            Shape::Future | Shape::Boxed => future_output(declared),
        }
    }

    /// The parameter that the expression consists of, and the user's word for it.
    pub(crate) fn param<'a>(&'a self, expr: &'a Expr) -> Option<(&'a Param, &'a Ident)> {
        let Expr::Path(path) = expr else { return None };
        let name = path.path.get_ident()?;
        Some((self.params.iter().find(|param| param.ident == *name)?, name))
    }

    /// Whether `self` can be used after the body has run: it is a shared reference, or there is none.
    pub(crate) fn lends_self(&self) -> bool {
        match self.sig.inputs.first() {
            Some(FnArg::Receiver(receiver)) => is_shared(&receiver.kind),
            _ => true,
        }
    }

    /// Why the body must not move into a closure, if it must not.
    pub(crate) fn stays(&self) -> Option<Stays> {
        let tracks = |attribute: &Attribute| attribute.path().is_ident("track_caller");
        match &self.sig.output {
            _ if !matches!(self.shape, Shape::Sync) => None,
            _ if self.attrs.iter().any(tracks) => Some(Stays::ForItsCaller),
            ReturnType::Type(_, ty) if is_closure(ty) => Some(Stays::ForItsClosure),
            _ => None,
        }
    }

    /// The text of the doc comment.
    pub(crate) fn doc(&self) -> Option<String> {
        let lines: Vec<_> = self.attrs.iter().filter_map(doc_line).collect();
        let text =
            lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n");
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// The part of a function before its body.
struct Head {
    attrs: Vec<Attribute>,
    vis: Visibility,
    defaultness: Option<Token![default]>,
    sig: Signature,
}

fn parse_head(input: ParseStream<'_>) -> syn::Result<Head> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    let defaultness = if input.peek(Token![default]) { Some(input.parse()?) } else { None };
    let start = input.fork();
    let sig = input.parse().map_err(|error| describe_other_item(&start, error))?;
    Ok(Head { attrs, vis, defaultness, sig })
}

/// Turns `#[expect(...)]` into `#[allow(...)]`: a lint that fires in a function may not fire in the closure that its
/// body becomes, and an unfulfilled expectation is a warning.
fn allow_expected(attribute: &mut Attribute) {
    if let Meta::List(list) = &mut attribute.meta
        && list.path.is_ident("expect")
    {
        list.path = Ident::new("allow", list.path.span()).into();
    }
}

/// The error for an item that is not a function.
fn describe_other_item(start: ParseStream<'_>, error: syn::Error) -> syn::Error {
    let word = start.fork().call(Ident::parse_any).map(|word| word.to_string()).unwrap_or_default();
    let what = match word.as_str() {
        // An incomplete function: the parser's own error says what is missing.
        "fn" | "async" | "extern" | "unsafe" => return error,
        "trait" | "impl" => format!("{} `{word}`; put it on the methods", article(&word)),
        "struct" | "enum" | "union" | "mod" | "use" | "type" | "static" | "const" | "macro_rules" => {
            format!("{} `{word}`", article(&word))
        }
        _ => "an expression".to_owned(),
    };
    syn::Error::new(start.span(), format_args!("this attribute instruments a function, not {what}"))
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['e', 'i']) { "an" } else { "a" }
}

/// The body, which is the last token. A block from a macro's `$body:block` is wrapped in an invisible group.
fn braces(last: Option<TokenTree>) -> syn::Result<Group> {
    match last {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => Ok(group),
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::None => {
            braces(group.stream().into_iter().next())
        }
        other => {
            let message = "this function has no body to instrument; put the attribute on the implementation";
            Err(syn::Error::new(other.map_or_else(Span::call_site, |token| token.span()), message))
        }
    }
}

fn is_shared(receiver: &ReceiverKind) -> bool {
    match receiver {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
        ReceiverKind::Typed(_, ty) => {
            matches!(&**ty, Type::Reference(reference) if reference.mutability.is_none())
        }
        _ => false,
    }
}

/// Splits inner attributes from the body: they are not allowed in the block that the body becomes.
fn split_inner_attributes(body: &Group) -> syn::Result<(Vec<Attribute>, Group)> {
    let mut tokens = body.stream().into_iter();
    let (inner, rest) = match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Punct(first)), Some(TokenTree::Punct(second)))
            if (first.as_char(), second.as_char()) == ('#', '!') =>
        {
            parse_inner_attributes.parse2(body.stream())?
        }
        // The body is a block from another macro. Its braces inside ours would cause a warning about unused braces.
        (Some(TokenTree::Group(block)), None) if block.delimiter() == Delimiter::None => {
            (Vec::new(), braces(Some(block.into())).map_or_else(|_| body.stream(), |block| block.stream()))
        }
        _ => (Vec::new(), body.stream()),
    };
    let mut stripped = Group::new(Delimiter::Brace, rest);
    // The braces have the user's location, but not the user's hygiene, or rustc would warn about unused braces.
    stripped.set_span(body.span().resolved_at(Span::mixed_site()));
    Ok((inner, stripped))
}

fn parse_inner_attributes(input: ParseStream<'_>) -> syn::Result<(Vec<Attribute>, TokenStream)> {
    let mut inner = input.call(Attribute::parse_inner)?;
    for attribute in &mut inner {
        attribute.style = syn::AttrStyle::Outer;
    }
    Ok((inner, input.parse()?))
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else { return None };
    match &meta.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if meta.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

fn params_of(input: &FnArg) -> Vec<Param> {
    let FnArg::Typed(PatType { attrs, pat, ty, .. }) = input else { return Vec::new() };
    let cfgs = attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let cfgs: Vec<_> = cfgs.map(ToTokens::to_token_stream).collect();
    let plumbing = last_segment(ty).is_some_and(|segment| is_one_of(PLUMBING, &segment.ident));
    let access = match &**pat {
        Pat::Ident(PatIdent { by_ref: None, mutability, subpat, .. }) => {
            access_of(ty, mutability.is_none() && subpat.is_none() && cfgs.is_empty())
        }
        _ => Access::Place,
    };
    let mut bound = Vec::new();
    bindings(pat, false, &mut bound);
    bound
        .into_iter()
        .map(|(ident, unwrapped)| {
            let recorded = !plumbing && !ident.unraw().to_string().starts_with('_');
            Param { ident, cfgs: cfgs.clone(), recorded, access, unwrapped }
        })
        .collect()
}

/// The variables that a pattern binds, and whether each is the only content of a tuple struct.
fn bindings(pattern: &Pat, unwrapped: bool, bound: &mut Vec<(Ident, bool)>) {
    match pattern {
        Pat::Ident(ident) => {
            bound.push((ident.ident.clone(), unwrapped));
            if let Some((_, inner)) = &ident.subpat {
                bindings(inner, false, bound);
            }
        }
        Pat::Paren(inner) => bindings(&inner.pat, unwrapped, bound),
        Pat::Reference(inner) => bindings(&inner.pat, unwrapped, bound),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|element| bindings(element, false, bound)),
        Pat::TupleStruct(tuple) => {
            let alone = tuple.elems.len() == 1;
            tuple.elems.iter().for_each(|element| bindings(element, alone, bound));
        }
        Pat::Struct(fields) => fields.fields.iter().for_each(|field| bindings(&field.pat, false, bound)),
        Pat::Slice(slice) => slice.elems.iter().for_each(|element| bindings(element, false, bound)),
        _ => {}
    }
}

fn shape_of(sig: &Signature) -> Shape {
    if sig.asyncness.is_some() {
        return Shape::Async;
    }
    match &sig.output {
        ReturnType::Type(_, ty) if future_output(ty).is_some() => match &**ty {
            Type::ImplTrait(_) => Shape::Future,
            _ => Shape::Boxed,
        },
        _ => Shape::Sync,
    }
}
