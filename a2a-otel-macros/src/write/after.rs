//! The code after the body: it records the result, or each item of the stream, and ends the scope.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use super::values::bind_output;
use crate::kinds::Content;
use crate::plan::{MetricPlan, Output, Plan, Planned, SpanPlan};
use crate::read::types::Streams;
use crate::runtime::{Ability, End, ItemEnd, Judgement, Method, Target, Wrapper};

impl Plan<'_> {
    /// Records the result and ends the scope. The value of this code is what the function returns.
    pub(super) fn outcome(&self) -> TokenStream {
        if self.never_returns() {
            return hygienic!(match ended.1 {});
        }
        if let Some(stream) = self.stream {
            let (watched, ty) = (self.stream(stream), self.result_type());
            // A box of ours becomes the user's type only if that type is declared.
            return hygienic!(let result: #ty = #watched; result);
        }
        let check = self.checks_result.map(|span| self.check_result(span));
        let recorded = if self.watches() {
            let runtime = &self.runtime;
            hygienic!(#runtime::Conclude::conclude(end, ended.0, ended.1))
        } else {
            self.end().map_or_else(|| self.recorded_result(), |end| self.conclude(&end, &hygienic!(ended.1)))
        };
        quote!(#check #recorded)
    }

    /// Makes the compiler report at the user's argument that the function does not return a `Result`.
    fn check_result(&self, span: Span) -> TokenStream {
        let (runtime, ended) = (&self.runtime, Ident::new("ended", span.resolved_at(Span::mixed_site())));
        quote_spanned!(span=> #runtime::fallible(&#ended.1);)
    }

    /// How the scope ends, if none of the user's expressions uses the result.
    pub(super) fn end(&self) -> Option<TokenStream> {
        self.ends().map(|(end, _)| self.classified_end(end))
    }

    fn ends(&self) -> Option<(End, ItemEnd)> {
        match &self.effect {
            Planned::Metric(metric) => {
                (!metric.is_late()).then_some((End::WithoutValue, ItemEnd::WithoutValue))
            }
            Planned::Span(span) => span.late.is_empty().then(|| span.end())?,
        }
    }

    /// The methods of a type that choose how the scope ends, or how an item is recorded.
    fn classified(&self, end: &impl ToTokens) -> TokenStream {
        let debug = matches!(&self.effect, Planned::Span(span) if span.debug_errors);
        let debug = debug.then(|| hygienic!(.a2a_otel_debug()));
        hygienic!(.a2a_otel_classify().#end() #debug)
    }

    /// The same for the result of the function, which may be a tool's refusal although it is no error.
    fn classified_end(&self, end: End) -> TokenStream {
        let classified = self.classified(&end);
        let judged = self.is_of_tool().then_some(Judgement::Judged).map(|judged| hygienic!(.#judged()));
        quote!(#classified #judged)
    }

    /// Whether the function is about a tool.
    fn is_of_tool(&self) -> bool {
        matches!(&self.effect, Planned::Span(span) if span.kind.content == Content::Named)
    }

    /// Whether the scope may end with a stream, if the type of the result turns out to be one.
    pub(super) fn watches(&self) -> bool {
        self.may_be_stream && self.is_writable() && self.ends().is_some()
    }

    /// How the scope ends, by a type that may be a stream. It is worked out before the call, which takes the scope.
    pub(super) fn watch(&self, ty: &TokenStream) -> Option<TokenStream> {
        let runtime = &self.runtime;
        let (end, item) = self.ends().filter(|_| self.watches())?;
        let (end, item) = (self.classified_end(end), self.classified(&item));
        let list = matches!(&self.effect, Planned::Span(span) if span.lists_items);
        let list = list.then(|| hygienic!(.a2a_otel_list()));
        let kept = self.replay.map(|_| hygienic!(.a2a_otel_kept()));
        Some(hygienic! {
            let end = #runtime::Streamed::<#ty>::NEW.a2a_otel_watch(
                &scope,
                #runtime::ReturnType::<#ty>::NEW #end,
                #runtime::Streamed::<#ty>::NEW.a2a_otel_items() #item #list #kept,
            );
        })
    }

    /// Ends the scope by the type of the result, and returns the result.
    fn conclude(&self, end: &TokenStream, result: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        hygienic!(#runtime::Conclude::conclude(#runtime::ReturnType::of(&#result) #end, ended.0, #result))
    }

    /// Evaluates the user's expressions with the result, ends the scope, and returns the result.
    fn recorded_result(&self) -> TokenStream {
        let (runtime, result) = (&self.runtime, hygienic!(&ended.1));
        let (target, records) = match &self.effect {
            Planned::Metric(metric) => {
                (Target::Measurement, self.with_copies(&self.measured(metric, &result)))
            }
            Planned::Span(span) => (Target::Ending, self.recorded_span(span, &result)),
        };
        hygienic! {
            let mut ending = #runtime::CallScope::returned(ended.0);
            if #runtime::#target::is_seen(&ending) { #records }
            ended.1
        }
    }

    fn recorded_span(&self, span: &SpanPlan<'_>, result: &TokenStream) -> TokenStream {
        let (runtime, ending) = (&self.runtime, hygienic!(&mut ending));
        let late = self.recorded_late(span, Target::Ending, &ending, &hygienic!(&ending));
        let judged = self.is_of_tool().then(|| self.judged(&ending, result));
        let records = quote!(#runtime::Ending::ok(#ending); #judged #late);
        self.split(Target::Ending, &ending, result, &records, span.debug_errors)
    }

    /// Asks the value whether the function has failed.
    fn judged(&self, ending: &TokenStream, result: &TokenStream) -> TokenStream {
        let (runtime, value) = (&self.runtime, hygienic!(value));
        let (end, verdict) = (self.classified(&End::WithoutValue), Judgement::Verdict);
        hygienic! {
            #runtime::Ending::judged(#ending, #runtime::ReturnType::of(#result) #end.#verdict(#value));
        }
    }

    /// The output and the late fields, unless only figures are recorded, which do not need them.
    fn recorded_late(
        &self,
        span: &SpanPlan<'_>,
        target: Target,
        into: &TokenStream,
        asked: &TokenStream,
    ) -> TokenStream {
        let runtime = &self.runtime;
        let late = self.late(span, target, into);
        // The clones exist only if the span is recorded.
        if late.is_empty() || !self.kept.is_empty() || !span.kind.is_measured_alone() {
            return self.with_copies(&late);
        }
        hygienic!(if #runtime::#target::is_recorded(#asked) { #late })
    }

    /// Records the value or the error.
    fn split(
        &self,
        target: Target,
        into: &TokenStream,
        result: &TokenStream,
        records: &TokenStream,
        debug: bool,
    ) -> TokenStream {
        let runtime = &self.runtime;
        hygienic! {
            match #runtime::ReturnType::of(#result).a2a_otel_classify().a2a_otel_outcome(#result) {
                #runtime::Ok(value) => { let _ = value; #records }
                #runtime::Err(error) => #runtime::#target::err(#into, &error, #debug),
            }
        }
    }

    /// Runs the statements with the clones of parameters, if there are any.
    fn with_copies(&self, statements: &TokenStream) -> TokenStream {
        let (runtime, idents) = (&self.runtime, self.kept.iter().map(|kept| kept.ident));
        if self.kept.is_empty() {
            return statements.clone();
        }
        hygienic!(if let #runtime::Some((#(#idents,)*)) = copies { #statements })
    }

    /// The output and the late fields of a span.
    fn late(&self, span: &SpanPlan<'_>, target: Target, into: &TokenStream) -> TokenStream {
        let output = self.output(span, target, into);
        let exprs: Vec<_> = span.late.iter().filter_map(|one| one.value.expr()).collect();
        let fields = bind_output(&exprs, &self.fields(target, into, &span.late));
        quote!(#output #fields)
    }

    fn output(&self, span: &SpanPlan<'_>, target: Target, into: &TokenStream) -> Option<TokenStream> {
        let runtime = &self.runtime;
        let is_of_model = span.kind.content == Content::Llm;
        let wrapper = match target {
            _ if is_of_model => Wrapper::Body,
            Target::SpanItems => Wrapper::Item,
            _ => Wrapper::Capture,
        };
        let method = if is_of_model && target == Target::Ending { Method::Response } else { Method::Output };
        let (expr, value) = match span.output {
            Output::Nothing => return None,
            Output::Expr(expr) => (Some(expr), self.value_of(wrapper, expr, Ability::Required)),
            Output::Result => {
                (None, self.ability(wrapper, &hygienic!(value), Span::mixed_site(), Ability::Value))
            }
        };
        Some(bind_output(expr.as_slice(), &quote!(#runtime::#target::#method(#into, #value);)))
    }

    /// Passes a stream to the runtime, with the code that records each item.
    fn stream(&self, stream: Streams) -> TokenStream {
        let runtime = &self.runtime;
        if !stream.fallible {
            return self.watched(stream, &hygienic!(ended.1));
        }
        let watched = self.watched(stream, &hygienic!(stream));
        let failed = self.conclude(&self.classified(&End::WithoutValue), &hygienic!(result));
        hygienic! {
            match ended.1 {
                #runtime::Ok(stream) => #runtime::Ok(#watched),
                #runtime::Err(error) => {
                    let result = #runtime::Err(error);
                    #failed
                }
            }
        }
    }

    fn watched(&self, stream: Streams, source: &TokenStream) -> TokenStream {
        let (runtime, records) = (&self.runtime, self.item());
        let copies =
            (!self.kept.is_empty()).then(|| hygienic!(let copies = #runtime::Clone::clone(&copies);));
        let item = hygienic!(move |item, items| { #copies #records });
        if !stream.is_iterator {
            return self.pinned(stream.boxed, hygienic!(#runtime::stream(ended.0, started, #source, #item)));
        }
        let iterator = hygienic!(#runtime::iterate(ended.0, started, #source, #item));
        if stream.boxed { quote!(#runtime::Box::new(#iterator)) } else { iterator }
    }

    /// What is recorded of an item. A metric with an expression that names `output` measures every item; any other only
    /// looks for errors.
    fn item(&self) -> TokenStream {
        let (item, items) = (hygienic!(item), hygienic!(items));
        match &self.effect {
            Planned::Span(span) => self.span_item(span, &item, &items),
            Planned::Metric(metric) if metric.is_late() => {
                self.with_copies(&self.measured_item(metric, &item))
            }
            Planned::Metric(_) => self.split(Target::MetricItems, &items, &item, &TokenStream::new(), false),
        }
    }

    fn span_item(&self, span: &SpanPlan<'_>, item: &TokenStream, items: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        let tokens =
            (span.kind.content == Content::Llm).then(|| quote!(#runtime::SpanItems::tokens(#items);));
        let records = self.recorded_late(span, Target::SpanItems, items, items);
        let records = self.split(Target::SpanItems, items, item, &records, span.debug_errors);
        let list = span.lists_items.then(|| quote!(#runtime::SpanItems::list(#items);));
        let kept = self.replay.map(|_| hygienic!(#runtime::SpanItems::kept(#items);));
        quote!(#tokens #list #kept #records)
    }

    fn measured_item(&self, metric: &MetricPlan<'_>, item: &TokenStream) -> TokenStream {
        let (runtime, measured) = (&self.runtime, self.measured(metric, item));
        hygienic!(let mut ending = #runtime::MetricItems::measure(items); #measured)
    }
}
