//! The call of the runtime that runs the body.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

use crate::plan::{Plan, Planned};
use crate::read::function::Shape;
use crate::read::types::{has_opaque, infer_opaque, opaque_items, replace_opaque};

impl Plan<'_> {
    /// Passes the body to the runtime, and records its result. In generated code, `ended` is the pair of scope and
    /// result.
    pub(super) fn call(&self) -> TokenStream {
        let (runtime, body) = (&self.runtime, &self.function.body);
        if self.stays {
            return hygienic!(let _guard = #runtime::guard(scope); #body);
        }
        let started = self.stream.map(|_| hygienic!(let started = #runtime::start_time(&scope);));
        let ty = self.result_type();
        let watch = self.watch(&ty);
        let call = match self.function.shape {
            Shape::Sync => self.sync_call(&ty),
            Shape::Async => self.async_call(&ty),
            Shape::Future => self.future_call(&ty, false),
            Shape::Boxed => self.future_call(&ty, true),
        };
        quote!(#started #watch #call)
    }

    fn sync_call(&self, ty: &TokenStream) -> TokenStream {
        let (runtime, body) = (&self.runtime, self.body(ty));
        let returns = self.closure_output(ty);
        let body = hygienic!(move || #returns #body);
        match self.end_by_type(ty) {
            Some(end) => hygienic!(#runtime::sync::<#ty, _, _>(scope, #end, #body)),
            None => self.ended(ty, &hygienic!(#runtime::sync_with_scope::<#ty, _>(scope, #body))),
        }
    }

    fn async_call(&self, ty: &TokenStream) -> TokenStream {
        let (runtime, body) = (&self.runtime, self.async_block(ty, &self.body(ty)));
        match self.end_by_type(ty) {
            Some(end) => hygienic!(#runtime::future(scope, #end, #body).await),
            None => self.ended(ty, &hygienic!(#runtime::future_with_scope(scope, #body).await)),
        }
    }

    /// An async block cannot declare its type, but a `return` in it fixes the type. A function that never returns needs none.
    fn async_block(&self, ty: &TokenStream, body: &impl ToTokens) -> TokenStream {
        let runtime = &self.runtime;
        let hint = (!self.never_returns()).then(|| hygienic!(if false { return #runtime::hint::<#ty>(); }));
        hygienic!(async move { #hint #body })
    }

    /// The body returns a future. An async block around it would store that future twice.
    fn future_call(&self, ty: &TokenStream, boxed: bool) -> TokenStream {
        let (runtime, body) = (&self.runtime, self.body(ty));
        // Several boxes of different futures are one type only if that type is declared.
        let returns = boxed.then_some(&self.function.sig.output);
        let (body, outcome) = (hygienic!(move || #returns #body), self.outcome());
        let outcome = hygienic!(move |ended: (_, #ty)| { #outcome });
        let future = hygienic!(#runtime::map_outcome(#runtime::sync_with_scope(scope, #body), #outcome));
        self.pinned(boxed, future)
    }

    /// The body, which is not run if the call is answered from a recording.
    fn body(&self, ty: &TokenStream) -> TokenStream {
        let (runtime, body) = (&self.runtime, &self.function.body);
        let (Some(place), Planned::Span(span)) = (self.replay, &self.effect) else {
            return body.to_token_stream();
        };
        if let Some(recorded) = self.function.result_type().and_then(|ty| self.recorded_type(ty)) {
            return self.items_or_body(ty, &self.ask(place, &span.name, &recorded));
        }
        let ask = self.ask(place, &span.name, ty);
        match self.function.shape {
            Shape::Sync | Shape::Async => {
                hygienic!({ if let #runtime::Some(answer) = #ask { return answer; } #body })
            }
            Shape::Future => hygienic!({ #runtime::answered(#ask, move || #body) }),
            Shape::Boxed => hygienic! {{
                if let #runtime::Some(answer) = #ask { return #runtime::Box::pin(#runtime::ready(answer)); }
                #body
            }},
        }
    }

    /// Asks for the answer to the call. The compiler reports at the user's word that the type of the result cannot be
    /// read.
    fn ask(&self, place: Span, name: &str, ty: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        let answers = quote!(#runtime::Replayed::<#ty>::NEW.a2a_otel_replay());
        let answers = if self.stream.is_some() || self.may_be_stream {
            quote! {
                #runtime::Streamed::<#ty>::NEW.a2a_otel_answers(
                    #answers,
                    #runtime::Streamed::<#ty>::NEW.a2a_otel_item().a2a_otel_replay(),
                )
            }
        } else {
            answers
        };
        quote_spanned!(place.resolved_at(Span::mixed_site())=> #answers.a2a_otel_answer(#name))
    }

    /// The type of the result with a stream of recorded items in place of `impl Stream` or `impl Iterator`.
    fn recorded_type(&self, ty: &Type) -> Option<TokenStream> {
        let runtime = &self.runtime;
        let item = opaque_items(ty)?;
        Some(replace_opaque(ty.to_token_stream(), &quote!(#runtime::Items<#item>)))
    }

    /// The recorded items, or the stream that the body returns, as one type.
    fn items_or_body(&self, ty: &TokenStream, ask: &TokenStream) -> TokenStream {
        let (runtime, body) = (&self.runtime, &self.function.body);
        let stream = if self.function.shape == Shape::Async {
            let block = self.async_block(ty, body);
            hygienic!(#block.await)
        } else {
            hygienic!((move || -> #ty { #body })())
        };
        if !self.stream.is_some_and(|stream| stream.fallible) {
            return hygienic! {{
                match #ask {
                    #runtime::Some(items) => #runtime::recorded_items(items),
                    #runtime::None => #runtime::running_items(#stream),
                }
            }};
        }
        hygienic! {{
            match #ask {
                #runtime::Some(#runtime::Ok(items)) => #runtime::Ok(#runtime::recorded_items(items)),
                #runtime::Some(#runtime::Err(error)) => #runtime::Err(error),
                #runtime::None => match #stream {
                    #runtime::Ok(items) => #runtime::Ok(#runtime::running_items(items)),
                    #runtime::Err(error) => #runtime::Err(error),
                },
            }
        }}
    }

    /// How the scope ends, if the result's type is enough to say so and can be written in full.
    fn end_by_type(&self, ty: &TokenStream) -> Option<TokenStream> {
        let is_enough = self.stream.is_none() && self.checks_result.is_none();
        let (runtime, end) = (&self.runtime, self.end().filter(|_| is_enough && self.is_writable())?);
        Some(if self.watches() { hygienic!(end) } else { quote!(#runtime::ReturnType::<#ty>::NEW #end) })
    }

    /// Whether the result's type can be written in full.
    pub(super) fn is_writable(&self) -> bool {
        !self.never_returns() && !self.function.result_type().is_some_and(has_opaque)
    }

    /// A call that returns the scope with the result, and the code that ends the scope.
    fn ended(&self, ty: &TokenStream, call: &TokenStream) -> TokenStream {
        let outcome = self.outcome();
        hygienic!(let ended: (_, #ty) = #call; #outcome)
    }

    pub(super) fn pinned(&self, boxed: bool, value: TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        if boxed { quote!(#runtime::Box::pin(#value)) } else { value }
    }

    /// The output type of the closure around a sync body, if the body alone does not fix it: several boxes of
    /// different streams are one type only if that type is declared, and a body that never returns fits any type.
    fn closure_output(&self, ty: &TokenStream) -> Option<TokenStream> {
        let is_boxed_stream = self.stream.is_some_and(|stream| stream.boxed);
        (is_boxed_stream || self.never_returns()).then(|| quote!(-> #ty))
    }

    /// The result's type as far as it can be written in a function's body.
    pub(super) fn result_type(&self) -> TokenStream {
        let runtime = &self.runtime;
        match self.function.result_type() {
            None => quote!(()),
            Some(Type::Never(_)) => quote!(#runtime::Never),
            Some(ty) => infer_opaque(ty.to_token_stream()),
        }
    }

    pub(super) fn never_returns(&self) -> bool {
        matches!(self.function.result_type(), Some(Type::Never(_)))
    }
}
