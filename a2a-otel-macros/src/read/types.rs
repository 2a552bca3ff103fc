//! What the tokens of a type show. A macro sees no types, only their names.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::punctuated::Punctuated;
use syn::{
    GenericArgument, Ident, PathArguments, PathSegment, Token, TraitBound, Type, TypeParamBound,
    TypeReference,
};

use crate::read::expr::find_ident;

/// Types that are recorded without finding out what they can do. A user's type of the same name is written with its
/// path.
const PRIMITIVES: &[&str] =
    &["bool", "f32", "f64", "i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize"];

/// A stream that a function returns, as its type shows.
#[derive(Clone, Copy)]
pub(crate) struct Streams {
    /// Whether it is the `Ok` value of a `Result`.
    pub(crate) fallible: bool,
    pub(crate) boxed: bool,
    /// Whether it is an iterator.
    pub(crate) is_iterator: bool,
}

/// How generated code reads a parameter. An async function stores a parameter twice if it is borrowed in place before
/// the body takes it.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    /// `&str`, `bool` and numbers: copied.
    Primitive,
    /// `&'static str`: copied too, and never to a `String`.
    StaticText,
    /// A reference: its target is borrowed.
    Reference,
    /// Anything else: moved to a separate variable, and borrowed there.
    Value,
    /// A variable that is mutable or comes from a pattern: borrowed in place.
    Place,
}

pub(crate) fn access_of(ty: &Type, is_movable: bool) -> Access {
    let is = |names, ty: &Type| match ty {
        Type::Path(path) => path.path.get_ident().is_some_and(|name| is_one_of(names, name)),
        _ => false,
    };
    match ty {
        Type::Reference(TypeReference { mutability: None, elem, lifetime, .. }) if is(&["str"], elem) => {
            let is_static = lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
            if is_static { Access::StaticText } else { Access::Primitive }
        }
        Type::Reference(_) => Access::Reference,
        ty if is(PRIMITIVES, ty) => Access::Primitive,
        _ if is_movable => Access::Value,
        _ => Access::Place,
    }
}

/// Converts the identifier to text once, instead of for each comparison.
pub(crate) fn is_one_of(names: &[&str], ident: &Ident) -> bool {
    names.contains(&ident.to_string().as_str())
}

/// Whether the type is `impl Fn(T)`, `impl FnMut(T)` or `impl FnOnce(T)`.
pub(crate) fn is_closure(ty: &Type) -> bool {
    let Type::ImplTrait(opaque) = ty else { return false };
    opaque.bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(TraitBound { path, .. }) => {
            matches!(path.segments.last().map(|last| &last.arguments), Some(PathArguments::Parenthesized(_)))
        }
        _ => false,
    })
}

/// The output of `impl Future<Output = T>`, `Pin<Box<dyn Future<Output = T>>>` or `BoxFuture<'_, T>`.
pub(crate) fn future_output(ty: &Type) -> Option<&Type> {
    output_of(ty, "Future", "Output", &["BoxFuture", "LocalBoxFuture"])
}

/// The stream or iterator that a type is, or has as its `Ok` value.
pub(crate) fn streams(ty: &Type) -> Option<Streams> {
    let inner = ok_type(ty).unwrap_or(ty);
    (stream_item(inner).is_some() || is_iterator(inner)).then(|| Streams::of(ty))
}

/// The traits that an observed iterator has if the user's has them.
const OF_ITERATORS: &[&str] = &[
    "DoubleEndedIterator",
    "ExactSizeIterator",
    "FusedIterator",
    "Iterator",
    "Send",
    "Sized",
    "Sync",
    "Unpin",
];

/// Whether the type is `impl Iterator<Item = T>` or `Box<dyn Iterator<Item = T>>`, and nothing that an observed iterator
/// is not.
fn is_iterator(ty: &Type) -> bool {
    match ty {
        Type::ImplTrait(opaque) => are_of_iterator(&opaque.bounds),
        Type::TraitObject(object) => are_of_iterator(&object.bounds),
        Type::Paren(inner) => is_iterator(&inner.elem),
        Type::Group(inner) => is_iterator(&inner.elem),
        Type::Path(_) => boxed_type(ty).is_some_and(is_iterator),
        _ => false,
    }
}

fn are_of_iterator(bounds: &Punctuated<TypeParamBound, Token![+]>) -> bool {
    let traits = || {
        bounds.iter().filter_map(|bound| match bound {
            TypeParamBound::Trait(TraitBound { path, .. }) => path.segments.last(),
            _ => None,
        })
    };
    traits().any(|of| of.ident.to_string().ends_with("Iterator"))
        && traits().all(|of| is_one_of(OF_ITERATORS, &of.ident))
}

/// Well-known types that are not boxed streams.
const KNOWN: &[&str] = &[
    "Arc", "BTreeMap", "BTreeSet", "Cow", "HashMap", "HashSet", "Option", "Rc", "Self", "String", "Value",
    "Vec", "char", "i128", "str", "u128",
];

/// Whether a type, or its `Ok` value, may be an alias of a boxed stream, or a box of one.
pub(crate) fn may_be_stream(ty: &Type) -> bool {
    match ok_type(ty).unwrap_or(ty) {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| !is_one_of(PRIMITIVES, &last.ident) && !is_one_of(KNOWN, &last.ident)),
        Type::Paren(inner) => may_be_stream(&inner.elem),
        Type::Group(inner) => may_be_stream(&inner.elem),
        _ => false,
    }
}

impl Streams {
    /// For a type that the user declares to be a stream, or to have one as its `Ok` value.
    pub(crate) fn of(ty: &Type) -> Self {
        let ok = ok_type(ty);
        let inner = ok.unwrap_or(ty);
        let boxed = !matches!(inner, Type::ImplTrait(_));
        Self { fallible: ok.is_some(), boxed, is_iterator: is_iterator(inner) }
    }
}

fn stream_item(ty: &Type) -> Option<&Type> {
    output_of(ty, "Stream", "Item", &["BoxStream", "LocalBoxStream"])
}

/// The `T` of a type that is called `Result<T, E>`.
fn ok_type(ty: &Type) -> Option<&Type> {
    type_arguments(last_segment(ty).filter(|segment| segment.ident == "Result")?).next()
}

/// The associated type `name` of `impl Trait<name = T>`, of `Pin<Box<dyn Trait<name = T>>>`, or of an alias of that.
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

pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Reference(reference) => last_segment(&reference.elem),
        Type::Paren(inner) => last_segment(&inner.elem),
        Type::Group(inner) => last_segment(&inner.elem),
        _ => None,
    }
}

/// The type of the items, if the type is `impl Stream<Item = T>` or `impl Iterator<Item = T>`, or a `Result` with it, and
/// nothing else of it is opaque.
pub(crate) fn opaque_items(ty: &Type) -> Option<&Type> {
    let item = match ok_type(ty).unwrap_or(ty) {
        Type::ImplTrait(opaque) => opaque.bounds.iter().find_map(item_of_bound)?,
        Type::Paren(inner) => return opaque_items(&inner.elem),
        Type::Group(inner) => return opaque_items(&inner.elem),
        _ => return None,
    };
    let mut of_result = last_segment(ty).into_iter().flat_map(type_arguments).skip(1);
    (!has_opaque(item) && !of_result.any(has_opaque)).then_some(item)
}

/// Whether the type is an `impl Trait`, or has one.
pub(crate) fn has_opaque(ty: &Type) -> bool {
    find_ident(ty.to_token_stream(), "impl").is_some()
}

/// The type of the items of a bound that is a stream or an iterator.
fn item_of_bound(bound: &TypeParamBound) -> Option<&Type> {
    let TypeParamBound::Trait(TraitBound { path, .. }) = bound else { return None };
    let name = path.segments.last()?.ident.to_string();
    if name == "Stream" || name.ends_with("Iterator") { output_of_bound(bound, &name, "Item") } else { None }
}

/// The type with `_` in place of each `impl Trait`, which is only allowed in a signature.
pub(crate) fn infer_opaque(tokens: TokenStream) -> TokenStream {
    replace_opaque(tokens, &quote!(_))
}

/// The type with another in place of each `impl Trait`.
pub(crate) fn replace_opaque(tokens: TokenStream, by: &TokenStream) -> TokenStream {
    let mut kept = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "impl" => {
                kept.extend(by.clone());
                skip_bounds(&mut tokens);
            }
            TokenTree::Group(group) => kept.extend([TokenTree::Group(replace_in_group(&group, by))]),
            other => kept.extend([other]),
        }
    }
    kept
}

fn replace_in_group(group: &Group, by: &TokenStream) -> Group {
    let mut replaced = Group::new(group.delimiter(), replace_opaque(group.stream(), by));
    replaced.set_span(group.span());
    replaced
}

/// Skips to the comma or the angle bracket that ends an `impl A + B<C>`.
fn skip_bounds(tokens: &mut std::iter::Peekable<proc_macro2::token_stream::IntoIter>) {
    let mut depth = 0_usize;
    let mut arrow = false;
    while let Some(token) = tokens.peek() {
        if let TokenTree::Punct(punct) = token {
            match punct.as_char() {
                ',' if depth == 0 => return,
                '>' if depth == 0 && !arrow => return,
                '<' => depth += 1,
                '>' if !arrow => depth -= 1,
                _ => {}
            }
            arrow = punct.as_char() == '-';
        }
        tokens.next();
    }
}
