//! Which code only tests compile, by its `cfg` attributes.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Whether only tests compile what has these attributes.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            list.parse_args::<Meta>().is_ok_and(|condition| needs_test(&condition))
        }
        // `#[test]`, `#[tokio::test]`
        Meta::Path(path) => path.segments.last().is_some_and(|last| last.ident == "test"),
        Meta::List(list) => {
            list.path.segments.len() > 1 && list.path.segments.last().is_some_and(|last| last.ident == "test")
        }
        Meta::NameValue(_) => false,
    })
}

/// Whether a condition only holds in tests.
pub(super) fn needs_test(condition: &Meta) -> bool {
    let parts = |list: &syn::MetaList| {
        let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        parts.unwrap_or_default().into_iter().collect::<Vec<_>>()
    };
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => parts(list).iter().any(needs_test),
        Meta::List(list) if list.path.is_ident("any") => {
            let parts = parts(list);
            !parts.is_empty() && parts.iter().all(needs_test)
        }
        _ => false,
    }
}

/// The attributes themselves, and those that stand in `cfg_attr`, unless only tests have them.
pub(super) fn unconditional(attributes: &[Attribute]) -> Vec<Meta> {
    attributes.iter().flat_map(|attribute| expand(attribute.meta.clone())).collect()
}

fn expand(meta: Meta) -> Vec<Meta> {
    let Meta::List(list) = &meta else { return vec![meta] };
    if !list.path.is_ident("cfg_attr") {
        return vec![meta];
    }
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let mut parts = parts.unwrap_or_default().into_iter();
    match parts.next() {
        Some(condition) if !needs_test(&condition) => parts.flat_map(expand).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn a_condition_needs_tests_if_it_holds_in_no_other_build() {
        let conditions: &[(Meta, bool)] = &[
            (parse_quote!(test), true),
            (parse_quote!(all(unix, test)), true),
            (parse_quote!(any(test, feature = "x")), false),
            (parse_quote!(any(test, all(test, unix))), true),
            (parse_quote!(not(test)), false),
            (parse_quote!(feature = "test"), false),
            (parse_quote!(any()), false),
        ];
        for (index, (condition, expected)) in conditions.iter().enumerate() {
            assert_eq!(needs_test(condition), *expected, "condition {index}");
        }
    }
}
