//! Reads the function that an attribute stands on: its signature, and its body as tokens that nobody looks into.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Expr, ExprLit, FnArg, GenericArgument, Ident, Lit, Meta, Pat, PatIdent, PatType,
    PathArguments, PathSegment, ReceiverKind, ReturnType, Signature, Token, TraitBound, Type, TypeParamBound,
    TypeReference, Visibility,
};

/// Parameters of these types belong to the plumbing of an SDK, are huge, or hold secrets: they are never recorded.
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

/// Types that the runtime records without asking what they can do. Nobody gives these names to others.
const PRIMITIVES: &[&str] =
    &["bool", "f32", "f64", "i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize"];

pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    /// `default`, as specialisation has it.
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
    pub(crate) params: Vec<Param>,
    pub(crate) shape: Shape,
    /// The stream that is given back in the end.
    pub(crate) stream: Option<Streams>,
}

/// What a body would lose in a closure of ours.
#[derive(Clone, Copy)]
pub(crate) enum Stays {
    /// `#[track_caller]`: the place of the call.
    ForItsCaller,
    /// `-> impl Fn(T)`: the types of the closure that it gives back, which only the signature says.
    ForItsClosure,
}

/// A stream that a function gives back, as its type says.
#[derive(Clone, Copy)]
pub(crate) struct Streams {
    /// Whether it comes as the `Ok` of a `Result`.
    pub(crate) fallible: bool,
    pub(crate) boxed: bool,
}

/// A name that a parameter binds.
pub(crate) struct Param {
    pub(crate) ident: Ident,
    /// Conditions under which the parameter exists.
    pub(crate) cfgs: Vec<TokenStream>,
    /// Whether it is worth recording: not plumbing, and not underscored.
    pub(crate) recorded: bool,
    pub(crate) access: Access,
    /// Whether it was taken out of a wrapper such as rmcp's `Parameters(request)`, and so stands for all arguments.
    pub(crate) unwrapped: bool,
}

/// How a parameter is looked at. What is borrowed itself before the body takes it, an async function keeps twice.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    /// `&str`, `bool` and numbers: copied, and recorded without asking the type what it can do.
    Primitive,
    /// A reference: what it refers to is borrowed.
    Reference,
    /// Anything else.
    Value,
}

/// What the function gives back, and the type that its result has in the end.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Sync,
    Async,
    /// `-> impl Future`
    Future,
    /// `-> Pin<Box<dyn Future>>`
    Boxed,
}

impl Function {
    /// Of the body, which may be long, no more is read than its beginning.
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
        function.stream = function.result_type().and_then(streams);
        Ok(function)
    }

    /// The function's name, as a person reads it.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }

    /// The type that the result has in the end; `None` where the function returns nothing.
    pub(crate) fn result_type(&self) -> Option<&Type> {
        let ReturnType::Type(_, declared) = &self.sig.output else { return None };
        match self.shape {
            Shape::Sync | Shape::Async => Some(declared),
            Shape::Future | Shape::Boxed => future_output(declared),
        }
    }

    /// The parameter that an expression is, and the name as it stands there.
    pub(crate) fn param<'a>(&'a self, expr: &'a Expr) -> Option<(&'a Param, &'a Ident)> {
        let Expr::Path(path) = expr else { return None };
        let name = path.path.get_ident()?;
        Some((self.params.iter().find(|param| param.ident == *name)?, name))
    }

    /// Whether `self`, if there is one, is a shared reference, which outlives the body.
    pub(crate) fn lends_self(&self) -> bool {
        match self.sig.inputs.first() {
            Some(FnArg::Receiver(receiver)) => is_shared(&receiver.kind),
            _ => true,
        }
    }

    /// Why the body has to stay where it is, if it has to.
    pub(crate) fn stays(&self) -> Option<Stays> {
        let tracks = |attribute: &Attribute| attribute.path().is_ident("track_caller");
        match &self.sig.output {
            _ if !matches!(self.shape, Shape::Sync) => None,
            _ if self.attrs.iter().any(tracks) => Some(Stays::ForItsCaller),
            ReturnType::Type(_, ty) if is_opaque(ty, is_closure) => Some(Stays::ForItsClosure),
            _ => None,
        }
    }

    /// The doc comment, as a person reads it.
    pub(crate) fn doc(&self) -> Option<String> {
        let lines: Vec<_> = self.attrs.iter().filter_map(doc_line).collect();
        let text =
            lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n");
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// What stands before a function's body.
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

/// A lint that the plain function sets off may find nothing in a body that has become a closure: what the user expects
/// is then no more than allowed.
fn allow_expected(attribute: &mut Attribute) {
    if let Meta::List(list) = &mut attribute.meta
        && list.path.is_ident("expect")
    {
        list.path = Ident::new("allow", list.path.span()).into();
    }
}

/// What to say where no signature stands.
fn describe_other_item(start: ParseStream<'_>, error: syn::Error) -> syn::Error {
    const EXPRESSION: &str = "this attribute instruments a function, not an expression";
    let Ok(TokenTree::Ident(word)) = start.fork().parse::<TokenTree>() else {
        return syn::Error::new(start.span(), EXPRESSION);
    };
    match word.to_string().as_str() {
        // Half a function: rustc's own grammar says better what is missing.
        "fn" | "async" | "extern" | "unsafe" => error,
        item @ ("trait" | "impl") => syn::Error::new(
            word.span(),
            format_args!(
                "this attribute instruments a function, not {} `{item}`; put it on the methods",
                article(item)
            ),
        ),
        item
        @ ("struct" | "enum" | "union" | "mod" | "use" | "type" | "static" | "const" | "macro_rules") => {
            syn::Error::new(
                word.span(),
                format_args!("this attribute instruments a function, not {} `{item}`", article(item)),
            )
        }
        _ => syn::Error::new(word.span(), EXPRESSION),
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['e', 'i']) { "an" } else { "a" }
}

/// The body, with which a function ends. A block that a macro was given, as `$body:block`, comes in a group of its own.
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

/// Inner attributes may stand in a function's body, but not in the block that the body becomes.
fn split_inner_attributes(body: &Group) -> syn::Result<(Vec<Attribute>, Group)> {
    let mut tokens = body.stream().into_iter();
    let (inner, rest) = match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Punct(first)), Some(TokenTree::Punct(second)))
            if (first.as_char(), second.as_char()) == ('#', '!') =>
        {
            parse_inner_attributes.parse2(body.stream())?
        }
        // All of it is a block that a macro was given: its braces, written again inside ours, would be called
        // unnecessary.
        (Some(TokenTree::Group(block)), None) if block.delimiter() == Delimiter::None => {
            (Vec::new(), braces(Some(block.into())).map_or_else(|_| body.stream(), |block| block.stream()))
        }
        _ => (Vec::new(), body.stream()),
    };
    let mut stripped = Group::new(Delimiter::Brace, rest);
    // The place is the user's, but rustc must not take the braces for the user's: it would call them unnecessary.
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
        Pat::Ident(PatIdent { by_ref: None, .. }) => access_of(ty),
        _ => Access::Value,
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

/// An identifier becomes text once, and not for each comparison.
fn is_one_of(names: &[&str], ident: &Ident) -> bool {
    names.contains(&ident.to_string().as_str())
}

fn access_of(ty: &Type) -> Access {
    let is = |names, ty: &Type| match ty {
        Type::Path(path) => path.path.get_ident().is_some_and(|name| is_one_of(names, name)),
        _ => false,
    };
    match ty {
        Type::Reference(TypeReference { mutability: None, elem, .. }) if is(&["str"], elem) => {
            Access::Primitive
        }
        Type::Reference(_) => Access::Reference,
        ty if is(PRIMITIVES, ty) => Access::Primitive,
        _ => Access::Value,
    }
}

/// The names that a pattern binds, and whether each alone was taken out of a tuple struct.
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

/// `Fn(T)` and its like.
fn is_closure(bound: &PathSegment) -> bool {
    matches!(bound.arguments, PathArguments::Parenthesized(_))
}

/// Whether the type is `impl Trait` with a bound of which this is true.
fn is_opaque(ty: &Type, with: fn(&PathSegment) -> bool) -> bool {
    let Type::ImplTrait(opaque) = ty else { return false };
    opaque.bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(TraitBound { path, .. }) => path.segments.last().is_some_and(with),
        _ => false,
    })
}

/// The output of `impl Future<Output = T>`, `Pin<Box<dyn Future<Output = T>>>` and futures' `BoxFuture<'_, T>`.
fn future_output(ty: &Type) -> Option<&Type> {
    output_of(ty, "Future", "Output", &["BoxFuture", "LocalBoxFuture"])
}

/// The stream that a type is, or that is the `Ok` of a type.
fn streams(ty: &Type) -> Option<Streams> {
    let boxed = |ty: &Type| !matches!(ty, Type::ImplTrait(_));
    if stream_item(ty).is_some() {
        return Some(Streams { fallible: false, boxed: boxed(ty) });
    }
    let ok = ok_type(ty)?;
    stream_item(ok).map(|_| Streams { fallible: true, boxed: boxed(ok) })
}

fn stream_item(ty: &Type) -> Option<&Type> {
    output_of(ty, "Stream", "Item", &["BoxStream", "LocalBoxStream"])
}

/// The `T` of a `Result<T, E>`, by its name.
pub(crate) fn ok_type(ty: &Type) -> Option<&Type> {
    type_arguments(last_segment(ty).filter(|segment| segment.ident == "Result")?).next()
}

/// The associated type of `impl Trait<Name = T>`, of the same in a pinned box, or of an alias for that.
fn output_of<'a>(ty: &'a Type, of: &str, name: &str, aliases: &[&str]) -> Option<&'a Type> {
    let of_bounds = |bounds: &'a Punctuated<TypeParamBound, Token![+]>| {
        bounds.iter().find_map(|bound| output_of_bound(bound, of, name))
    };
    match ty {
        Type::ImplTrait(opaque) => of_bounds(&opaque.bounds),
        Type::TraitObject(object) => of_bounds(&object.bounds),
        Type::Paren(inner) => output_of(&inner.elem, of, name, aliases),
        Type::Group(inner) => output_of(&inner.elem, of, name, aliases),
        Type::Path(_) => {
            let segment = last_segment(ty)?;
            let inner = type_arguments(segment).last()?;
            match segment.ident.to_string().as_str() {
                "Pin" => boxed_type(inner).and_then(|boxed| output_of(boxed, of, name, aliases)),
                alias if aliases.contains(&alias) => Some(inner),
                _ => None,
            }
        }
        _ => None,
    }
}

fn boxed_type(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Box")?;
    let inner = type_arguments(segment).next()?;
    matches!(inner, Type::TraitObject(_) | Type::Paren(_)).then_some(inner)
}

fn output_of_bound<'a>(bound: &'a TypeParamBound, of: &str, name: &str) -> Option<&'a Type> {
    let TypeParamBound::Trait(TraitBound { path, .. }) = bound else { return None };
    let segment = path.segments.last().filter(|segment| segment.ident == of)?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(output) if output.ident == name => Some(&output.ty),
        _ => None,
    })
}

fn type_arguments(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Reference(reference) => last_segment(&reference.elem),
        Type::Paren(inner) => last_segment(&inner.elem),
        Type::Group(inner) => last_segment(&inner.elem),
        _ => None,
    }
}
