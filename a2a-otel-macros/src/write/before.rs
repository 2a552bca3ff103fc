//! The code before the body: it opens the scope of the call, and clones parameters that are needed afterwards.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::kinds::SpanKind;
use crate::plan::{Kept, Passed, Plan, Planned, SpanPlan, Values};
use crate::read::expr::find_ident;
use crate::read::function::{Param, Shape};
use crate::read::types::Access;
use crate::runtime::{Ability, Method, Observer, Target, TextMethod, Wrapper};

/// What is written where `tracing`'s current span is passed on.
const ASKING: [&str; 4] = ["nstrument", "in_current_span", "or_current", "Span"];

impl Plan<'_> {
    /// All code before the body. An async function stores a parameter twice if it is borrowed in the place from which
    /// the body takes it, so the parameter is moved to a separate variable while it is borrowed.
    pub(super) fn before(&self) -> TokenStream {
        let mut before = self.asks_tracing();
        before.extend(self.open());
        before.extend(self.keep());
        let is_borrowed = |param: &&Param| {
            matches!((self.function.shape, param.access), (Shape::Async, Access::Value))
                && find_ident(before.clone(), &param.ident.to_string()).is_some()
        };
        let borrowed = self.function.params.iter().filter(is_borrowed).map(|param| &param.ident);
        let borrowed: Vec<_> = borrowed.collect();
        if borrowed.is_empty() {
            return before;
        }
        let copies = (!self.kept.is_empty()).then(|| hygienic!(copies,));
        hygienic! {
            let (scope, #copies #(#borrowed,)*) = {
                let (#(#borrowed,)*) = (#(#borrowed,)*);
                #before
                (scope, #copies #(#borrowed,)*)
            };
            #(let _ = #borrowed;)*
        }
    }

    /// Prepares for a body that may ask `tracing` for the current span, as far as its words show.
    fn asks_tracing(&self) -> TokenStream {
        let (runtime, body) = (&self.runtime, self.function.body.to_string());
        let asks = matches!(self.effect, Planned::Span(_)) && ASKING.iter().any(|word| body.contains(word));
        if asks { hygienic!(#runtime::may_ask_tracing();) } else { TokenStream::new() }
    }

    /// `let scope = ...`: the span or the measurement, with what is known of it now.
    fn open(&self) -> TokenStream {
        let runtime = &self.runtime;
        let (observer, site, values, records) = match &self.effect {
            Planned::Span(span) => (Observer::Span, self.site(span), self.values(span), self.known(span)),
            Planned::Metric(metric) => {
                (Observer::Measurement, self.metric(metric), None, self.noted_before(metric))
            }
        };
        match values {
            None if records.is_empty() => hygienic!(let scope = #runtime::#observer::open_bare(#site);),
            Some(values) if records.is_empty() => {
                hygienic!(let scope = #runtime::#observer::open_with(#site, #values);)
            }
            // A closure compiles faster than a branch in the user's function.
            values => {
                let values = values.map(|values| hygienic!(#runtime::Opening::values(opening, #values);));
                hygienic!(let scope = #runtime::#observer::open(#site, &mut |opening| { #values #records });)
            }
        }
    }

    /// What is known of the span at compile time.
    fn site(&self, span: &SpanPlan<'_>) -> TokenStream {
        let (runtime, name) = (&self.runtime, &span.name);
        let SpanKind { openinference: kind, opentelemetry, measured, .. } = span.kind;
        let fixed = span.fixed.iter().map(|(key, value)| {
            let value = self.fixed(value);
            quote!((#key, #value))
        });
        let Values { passed, arguments, fields } = &span.values;
        let cfgs = passed.iter().map(|Passed { param, .. }| &param.cfgs);
        let arguments = cfgs.zip(arguments).map(|(cfgs, name)| quote!(#(#cfgs)* #name));
        let fields = fields.iter().map(|(key, index)| quote!((#key, #index)));
        hygienic! {
            &#runtime::Site {
                name: #name,
                kind: #kind,
                opentelemetry: #runtime::#opentelemetry,
                measured: #runtime::Measured::#measured,
                fixed: &[#(#fixed),*],
                arguments: &[#(#arguments),*],
                fields: &[#(#fields),*],
            }
        }
    }

    /// The parameters that are passed unchanged, as references, which need no closure.
    fn values(&self, span: &SpanPlan<'_>) -> Option<TokenStream> {
        let passed = span.values.passed.iter().map(|one| {
            let (cfgs, value) = (&one.param.cfgs, self.passed(one));
            quote!(#(#cfgs)* #value)
        });
        (passed.len() > 0).then(|| quote!(&[#(#passed),*]))
    }

    /// What else is known of the span: the values of expressions.
    fn known(&self, span: &SpanPlan<'_>) -> TokenStream {
        let (texts, name, request, input) =
            (self.texts(span), self.name(span), self.request(span), self.input(span));
        let fields = self.fields(Target::Opening, &hygienic!(opening), &span.early);
        let runtime = &self.runtime;
        // Figures need the names of a call, and nothing that comes after them.
        let is_more = input.is_some() || !fields.is_empty();
        let stop = (span.kind.is_measured_alone() && is_more)
            .then(|| hygienic!(if !#runtime::Opening::is_recorded(opening) { return; }));
        quote!(#texts #name #request #stop #input #fields)
    }

    /// The name, session, user and model.
    fn texts(&self, span: &SpanPlan<'_>) -> TokenStream {
        let runtime = &self.runtime;
        let texts = span.texts.iter().map(|(method, expr): &(TextMethod, _)| {
            let value = self.value_of(Wrapper::Capture, expr, Ability::Text);
            hygienic!(#runtime::Opening::#method(opening, #value);)
        });
        texts.collect()
    }

    /// The parts of the name, and the attributes that repeat it.
    fn name(&self, span: &SpanPlan<'_>) -> TokenStream {
        let runtime = &self.runtime;
        let method = if span.is_named_by_parts { Method::NamePart } else { Method::Repeated };
        let parts = span.name_parts.iter().map(|part| {
            let (keys, value) = (part.keys, self.recorded(&part.value));
            hygienic!(#runtime::Opening::#method(opening, &[#(#keys),*], #value);)
        });
        let keys = &span.name_keys;
        let name_keys =
            (!keys.is_empty()).then(|| hygienic!(#runtime::Opening::name_keys(opening, &[#(#keys),*]);));
        quote!(#(#parts)* #name_keys)
    }

    fn request(&self, span: &SpanPlan<'_>) -> Option<TokenStream> {
        let (runtime, request) = (&self.runtime, span.request?);
        let value = self.value_of(Wrapper::Body, request, Ability::Required);
        Some(hygienic!(#runtime::Opening::request(opening, #value);))
    }

    fn input(&self, span: &SpanPlan<'_>) -> Option<TokenStream> {
        let (runtime, value) = (&self.runtime, self.required(span.input?));
        Some(hygienic!(#runtime::Opening::input(opening, #value);))
    }

    /// Clones of the parameters that are needed when the body has consumed them.
    fn keep(&self) -> TokenStream {
        let (runtime, kept) = (&self.runtime, &self.kept);
        if kept.is_empty() {
            return TokenStream::new();
        }
        let clones = kept.iter().map(|Kept { ident, mention }| {
            // If the parameter cannot be cloned, the compiler shows the word that needs the clone.
            let mut ident = (*ident).clone();
            ident.set_span(ident.span().located_at(*mention));
            quote_spanned!(*mention=> #runtime::Clone::clone(&#ident))
        });
        let is_needed = match &self.effect {
            Planned::Span(span) if span.kind.is_measured_alone() => quote!(is_recorded),
            _ => quote!(is_seen),
        };
        hygienic! {
            let copies = if #runtime::CallScope::#is_needed(&scope) {
                #runtime::Some((#(#clones,)*))
            } else {
                #runtime::None
            };
        }
    }
}
