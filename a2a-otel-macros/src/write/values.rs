//! How generated code passes values to the runtime.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use crate::plan::{Passed, Plan, Recorded, Value};
use crate::read::expr::{Fixed, output_ident};
use crate::read::function::Param;
use crate::read::types::Access;
use crate::runtime::{Ability, Method, Target, Wrapper};

impl Plan<'_> {
    /// A parameter that is passed unchanged.
    pub(super) fn passed(&self, value: &Passed<'_>) -> TokenStream {
        let runtime = &self.runtime;
        match *value {
            Passed { is_redacted: true, .. } => quote!(&#runtime::Fixed::Text(#runtime::REDACTED)),
            Passed { param, mention: Some(name), .. } => {
                self.param(param, name, name.span(), Ability::Required)
            }
            Passed { param, .. } => self.param(param, &param.ident, Span::mixed_site(), Ability::Value),
        }
    }

    /// A parameter, by the identifier that names it.
    fn param(&self, param: &Param, name: &Ident, place: Span, ability: Ability) -> TokenStream {
        match param.access {
            Access::Primitive | Access::StaticText => {
                quote_spanned!(name.span().resolved_at(Span::mixed_site())=> &{#name})
            }
            Access::Reference => self.ability(Wrapper::Capture, &quote!(&*#name), place, ability),
            Access::Value | Access::Place => self.ability(Wrapper::Capture, &quote!(&#name), place, ability),
        }
    }

    /// Records values under their keys: one call for all attributes, and one for all lists of documents.
    pub(super) fn fields(
        &self,
        target: Target,
        into: &TokenStream,
        recorded: &[Recorded<'_>],
    ) -> TokenStream {
        let runtime = &self.runtime;
        let (documents, fields): (Vec<_>, Vec<_>) = recorded.iter().partition(|one| one.is_documents);
        let calls = [(Method::Fields, fields), (Method::Documents, documents)].into_iter();
        let calls = calls.filter(|(_, fields)| !fields.is_empty()).map(|(method, fields)| {
            let (keys, values) =
                (fields.iter().map(|one| one.key), fields.iter().map(|one| self.recorded(&one.value)));
            quote!(#runtime::#target::#method(#into, &[#((#keys, #values)),*]);)
        });
        calls.collect()
    }

    pub(super) fn recorded(&self, value: &Value<'_>) -> TokenStream {
        match value {
            Value::Expr(expr) => self.required(expr),
            Value::Fixed(fixed) => {
                let fixed = self.fixed(fixed);
                quote!(&#fixed)
            }
        }
    }

    pub(super) fn fixed(&self, value: &Fixed) -> TokenStream {
        let runtime = &self.runtime;
        match value {
            Fixed::Text(text) => quote!(#runtime::Fixed::Text(#text)),
            Fixed::Int(number) => quote!(#runtime::Fixed::Int(#number)),
            Fixed::Float(number) => quote!(#runtime::Fixed::Float(#number)),
            Fixed::Bool(bool) => quote!(#runtime::Fixed::Bool(#bool)),
        }
    }

    /// The value of an expression, whose type has to be one that can be recorded.
    pub(super) fn required(&self, expr: &Expr) -> TokenStream {
        match self.function.param(expr) {
            Some((param, name)) => self.param(param, name, expr.span(), Ability::Required),
            None => self.value_of(Wrapper::Capture, expr, Ability::Required),
        }
    }

    /// The value of an expression. The compiler reports at the expression what its type cannot do.
    pub(super) fn value_of(&self, wrapper: Wrapper, expr: &Expr, ability: Ability) -> TokenStream {
        self.ability(wrapper, &quote!(&(#expr)), expr.span(), ability)
    }

    /// A value, recorded as its type allows.
    pub(super) fn ability(
        &self,
        wrapper: Wrapper,
        reference: &TokenStream,
        place: Span,
        ability: Ability,
    ) -> TokenStream {
        let (runtime, ability) = (&self.runtime, ability.at(place));
        quote!(#runtime::#wrapper::new(#reference).#ability())
    }
}

/// Binds the user's identifier `output` around the expressions that use it.
pub(super) fn bind_output(exprs: &[&Expr], records: &TokenStream) -> TokenStream {
    match exprs.iter().find_map(|expr| output_ident(expr.to_token_stream())) {
        Some(output) => hygienic!({ let #output = value; #records }),
        None => records.clone(),
    }
}
