//! Writes the code of a plan. Cannot fail.
//!
//! The body goes, unread, into a closure or an async block that is handed to the runtime; what is recorded is written
//! before and behind it. Generated code names nothing but `a2a_otel::__private` and calls nothing but functions by
//! path, so that whatever the user's scope shadows does no harm; the one kind of method, on types of ours, is how a
//! value's abilities are found out.

use std::fmt::Debug;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, Type};

use crate::kinds::Content;
use crate::plan::{Handed, Kept, MetricPlan, On, Output, Plan, Planned, Recorded, SpanPlan, Value, Values};
use crate::read::expr::{Fixed, find_ident, output_ident};
use crate::read::function::{Function, Param, Shape};
use crate::read::types::{Access, Streams, infer_opaque};

/// The runtime's type that finds out what a value can be recorded as.
const VALUE: &str = "Capture";

/// The same for what a model was asked and answered, which may also be bytes.
const BODY: &str = "Body";

/// `quote!`, but its variables are nobody else's: the user's code can neither see nor hide them.
macro_rules! hygienic {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

pub(crate) fn write(plan: &Plan<'_>) -> TokenStream {
    let Function { attrs, vis, defaultness, sig, .. } = plan.function;
    let (before, call) = (plan.before(), plan.call());
    quote!(#(#attrs)* #vis #defaultness #sig { #before #call })
}

fn name(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The runtime's name of a variant, which is the plan's.
fn variant(variant: impl Debug) -> Ident {
    name(&format!("{variant:?}"))
}

/// What stands before the body.
impl Plan<'_> {
    /// All of it. What is borrowed where the body takes it from, an async function keeps twice, so a parameter is
    /// borrowed under a name of its own.
    fn before(&self) -> TokenStream {
        let mut before = self.scope();
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

    /// `let scope = ...`: the span or the measurement, with what is known of it now.
    fn scope(&self) -> TokenStream {
        let runtime = &self.runtime;
        let (of, site, values, records) = match &self.effect {
            Planned::Span(span) => (name("Span"), self.site(span), self.values(span), self.known(span)),
            Planned::Metric(metric) => {
                (name("Measurement"), self.metric(metric), None, self.noted(metric, false))
            }
        };
        match values {
            None if records.is_empty() => hygienic!(let scope = #runtime::#of::open_bare(&#site);),
            Some(values) if records.is_empty() => {
                hygienic!(let scope = #runtime::#of::open_with(&#site, #values);)
            }
            // A closure of its own costs the compiler less than a branch of the function would.
            values => {
                let values = values.map(|values| hygienic!(#runtime::Opening::values(opening, #values);));
                hygienic!(let scope = #runtime::#of::open(&#site, &mut |opening| { #values #records });)
            }
        }
    }

    fn site(&self, span: &SpanPlan<'_>) -> TokenStream {
        let (runtime, span_name) = (&self.runtime, &span.name);
        let (kind, opentelemetry) = (span.kind.openinference, name(span.kind.opentelemetry));
        let fixed = span.fixed.iter().map(|(key, value)| {
            let value = self.fixed(value);
            quote!((#key, #value))
        });
        let Values { handed, arguments, fields } = &span.values;
        let cfgs = handed.iter().map(|Handed { param, .. }| &param.cfgs);
        let arguments = cfgs.zip(arguments).map(|(cfgs, name)| quote!(#(#cfgs)* #name));
        let fields = fields.iter().map(|(key, index)| quote!((#key, #index)));
        hygienic! {
            #runtime::Site {
                name: #span_name,
                kind: #kind,
                opentelemetry: #runtime::#opentelemetry,
                fixed: &[#(#fixed),*],
                arguments: &[#(#arguments),*],
                fields: &[#(#fields),*],
            }
        }
    }

    fn metric(&self, metric: &MetricPlan<'_>) -> TokenStream {
        let (runtime, itemised) = (&self.runtime, metric.is_late());
        let MetricPlan { name: metric_name, unit, description, .. } = metric;
        let (kind, implied, on) = (name(&metric.kind), variant(metric.implied), variant(metric.on));
        hygienic! {
            #runtime::Metric {
                kind: #runtime::InstrumentKind::#kind,
                name: #metric_name,
                unit: #unit,
                description: #description,
                implied: #runtime::Implied::#implied,
                on: #runtime::On::#on,
                itemised: #itemised,
            }
        }
    }

    fn fixed(&self, value: &Fixed) -> TokenStream {
        let runtime = &self.runtime;
        match value {
            Fixed::Text(text) => quote!(#runtime::Fixed::Text(#text)),
            Fixed::Int(number) => quote!(#runtime::Fixed::Int(#number)),
            Fixed::Float(number) => quote!(#runtime::Fixed::Float(#number)),
            Fixed::Bool(bool) => quote!(#runtime::Fixed::Bool(#bool)),
        }
    }

    /// What is known of a span and needs more than a reference.
    fn known(&self, span: &SpanPlan<'_>) -> TokenStream {
        let runtime = &self.runtime;
        let texts = span.texts.iter().map(|(method, expr)| {
            let (method, value) = (name(method), self.able(VALUE, expr, "a2a_otel_text"));
            hygienic!(#runtime::Opening::#method(opening, #value);)
        });
        let method = name(if span.is_named_by_parts { "name_part" } else { "repeated" });
        let parts = span.name_parts.iter().map(|part| {
            let (keys, value) = (part.keys, self.recorded(&part.value));
            hygienic!(#runtime::Opening::#method(opening, &[#(#keys),*], #value);)
        });
        let request = span.request.map(|expr| {
            let value = self.able(BODY, expr, "a2a_otel_asked");
            hygienic!(#runtime::Opening::request(opening, #value);)
        });
        let input = span.input.map(|expr| {
            let value = self.asked_for(expr);
            hygienic!(#runtime::Opening::input(opening, #value);)
        });
        let name_keys = (!span.name_keys.is_empty()).then(|| {
            let keys = &span.name_keys;
            hygienic!(#runtime::Opening::name_keys(opening, &[#(#keys),*]);)
        });
        let fields = self.fields("Opening", &hygienic!(opening), &span.early);
        quote!(#(#texts)* #(#parts)* #name_keys #request #input #fields)
    }

    /// What needs no expression, so that references to it can be had without a closure.
    fn values(&self, span: &SpanPlan<'_>) -> Option<TokenStream> {
        let handed = span.values.handed.iter().map(|one| {
            let (cfgs, value) = (&one.param.cfgs, self.handed(one));
            quote!(#(#cfgs)* #value)
        });
        (handed.len() > 0).then(|| quote!(&[#(#handed),*]))
    }

    fn handed(&self, value: &Handed<'_>) -> TokenStream {
        let runtime = &self.runtime;
        match *value {
            Handed { is_redacted: true, .. } => quote!(&#runtime::Fixed::Text(#runtime::REDACTED)),
            Handed { param, mention: Some(name), .. } => {
                self.param(param, name, name.span(), "a2a_otel_asked")
            }
            Handed { param, .. } => self.param(param, &param.ident, Span::mixed_site(), "a2a_otel_value"),
        }
    }

    /// A parameter, by the name with which it is mentioned.
    fn param(&self, param: &Param, name: &Ident, span: Span, ability: &str) -> TokenStream {
        match param.access {
            Access::Primitive => quote_spanned!(name.span().resolved_at(Span::mixed_site())=> &{#name}),
            Access::Reference => self.ability(VALUE, &quote!(&*#name), span, ability),
            Access::Value | Access::Place => self.ability(VALUE, &quote!(&#name), span, ability),
        }
    }

    /// Records values under their keys, in one call for all attributes.
    fn fields(&self, of: &str, into: &TokenStream, recorded: &[Recorded<'_>]) -> TokenStream {
        let (runtime, of) = (&self.runtime, name(of));
        let (documents, fields): (Vec<_>, Vec<_>) = recorded.iter().partition(|one| one.is_documents);
        let calls = [("fields", fields), ("documents", documents)].into_iter();
        let calls = calls.filter(|(_, fields)| !fields.is_empty()).map(|(method, fields)| {
            let method = name(method);
            let (keys, values) =
                (fields.iter().map(|one| one.key), fields.iter().map(|one| self.recorded(&one.value)));
            quote!(#runtime::#of::#method(#into, &[#((#keys, #values)),*]);)
        });
        calls.collect()
    }

    /// Notes attributes and value of a measurement.
    fn noted(&self, metric: &MetricPlan<'_>, late: bool) -> TokenStream {
        let runtime = &self.runtime;
        let (into, fields) =
            if late { (hygienic!(&mut ending), &metric.late) } else { (hygienic!(opening), &metric.early) };
        let fields = self.fields("Measurement", &into, fields);
        let amount = metric.value.filter(|_| metric.is_value_late == late);
        let amount = amount.map(|expr| quote!(#runtime::Measurement::amount(#into, #expr);));
        quote!(#fields #amount)
    }

    fn recorded(&self, value: &Value<'_>) -> TokenStream {
        match value {
            Value::Expr(expr) => self.asked_for(expr),
            Value::Fixed(fixed) => {
                let fixed = self.fixed(fixed);
                quote!(&#fixed)
            }
        }
    }

    /// The value of an expression, which has to be one that can be recorded.
    fn asked_for(&self, expr: &Expr) -> TokenStream {
        match self.function.param(expr) {
            Some((param, name)) => self.param(param, name, expr.span(), "a2a_otel_asked"),
            None => self.able(VALUE, expr, "a2a_otel_asked"),
        }
    }

    /// What the type of an expression cannot do is an error at the expression.
    fn able(&self, of: &str, expr: &Expr, ability: &str) -> TokenStream {
        self.ability(of, &quote!(&(#expr)), expr.span(), ability)
    }

    /// A value with what its type can do.
    fn ability(&self, of: &str, reference: &TokenStream, span: Span, ability: &str) -> TokenStream {
        let (runtime, of) = (&self.runtime, name(of));
        let ability = Ident::new(ability, span.resolved_at(Span::mixed_site()));
        quote!(#runtime::#of::new(#reference).#ability())
    }

    /// Clones of the parameters that are needed when the body has consumed them.
    fn keep(&self) -> TokenStream {
        let (runtime, kept) = (&self.runtime, &self.kept);
        if kept.is_empty() {
            return TokenStream::new();
        }
        let clones = kept.iter().map(|Kept { ident, mention }| {
            // Where the parameter cannot be cloned, the user should see the word that asks for it.
            let mut ident = (*ident).clone();
            ident.set_span(ident.span().located_at(*mention));
            quote_spanned!(*mention=> #runtime::Clone::clone(&#ident))
        });
        hygienic! {
            let copies = if #runtime::Scope::is_seen(&scope) {
                #runtime::Some((#(#clones,)*))
            } else {
                #runtime::None
            };
        }
    }
}

/// The call, and what is recorded behind it.
impl Plan<'_> {
    /// Hands the body to the runtime, with what becomes of its result: `ended` is the scope and the result.
    fn call(&self) -> TokenStream {
        let (runtime, body) = (&self.runtime, &self.function.body);
        if self.stays {
            return hygienic!(let _guard = #runtime::guard(scope); #body);
        }
        let ty = self.result_type();
        let asked = self.stream.map(|_| hygienic!(let asked = #runtime::stopwatch(&scope);));
        let call = match self.function.shape {
            Shape::Sync => {
                let returns = self.declared(&ty);
                let body = hygienic!(move || #returns #body);
                self.concluded(
                    &ty,
                    |end| hygienic!(#runtime::sync::<#ty, _, _>(scope, #end, #body)),
                    || hygienic!(#runtime::sync_apart::<#ty, _>(scope, #body)),
                )
            }
            Shape::Async => {
                // The type is said where the block returns it. What never returns has no such place.
                let hint =
                    (!self.never_returns()).then(|| hygienic!(if false { return #runtime::hint::<#ty>(); }));
                let body = hygienic!(async move { #hint #body });
                self.concluded(
                    &ty,
                    |end| hygienic!(#runtime::future(scope, #end, #body).await),
                    || hygienic!(#runtime::future_apart(scope, #body).await),
                )
            }
            // An async block around the future that the body gives back would have room for it twice.
            Shape::Future | Shape::Boxed => {
                // Several boxes of different futures are one type only where that type is said.
                let boxed = matches!(self.function.shape, Shape::Boxed);
                let returns = boxed.then_some(&self.function.sig.output);
                let (body, outcome) = (hygienic!(move || #returns #body), self.outcome());
                let outcome = hygienic!(move |ended: (_, #ty)| { #outcome });
                let future = hygienic!(#runtime::observed(#runtime::sync_apart(scope, #body), #outcome));
                self.pinned(boxed, future)
            }
        };
        quote!(#asked #call)
    }

    /// The call that ends the scope, if the result's type alone says how; else the one that gives the scope back.
    fn concluded(
        &self,
        ty: &TokenStream,
        whole: impl Fn(TokenStream) -> TokenStream,
        apart: impl Fn() -> TokenStream,
    ) -> TokenStream {
        let runtime = &self.runtime;
        if let Some(end) = self.end().filter(|_| self.is_told_by_type()) {
            return whole(quote!(#runtime::Returned::<#ty>::TYPE #end));
        }
        let (call, outcome) = (apart(), self.outcome());
        hygienic!(let ended: (_, #ty) = #call; #outcome)
    }

    fn pinned(&self, boxed: bool, value: TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        if boxed { quote!(#runtime::Box::pin(#value)) } else { value }
    }

    /// Whether nothing but the result's type is needed to end the scope, and all of that type can be said.
    fn is_told_by_type(&self) -> bool {
        let is_opaque = |ty: &Type| find_ident(ty.to_token_stream(), "impl").is_some();
        let can_be_said = !self.never_returns() && !self.function.result_type().is_some_and(is_opaque);
        can_be_said && self.stream.is_none() && self.checks_result.is_none()
    }

    /// The type of a sync body, where the body alone does not say it: several boxes of different streams are one
    /// type only where that type is said, and what never returns may call itself anything.
    fn declared(&self, ty: &TokenStream) -> TokenStream {
        let is_boxed_stream = self.stream.is_some_and(|stream| stream.boxed);
        if is_boxed_stream || self.never_returns() { quote!(-> #ty) } else { TokenStream::new() }
    }

    /// The result's type as far as it can be written in a function's body.
    fn result_type(&self) -> TokenStream {
        let runtime = &self.runtime;
        match self.function.result_type() {
            None => quote!(()),
            Some(Type::Never(_)) => quote!(#runtime::Never),
            Some(ty) => infer_opaque(ty.to_token_stream()),
        }
    }

    fn never_returns(&self) -> bool {
        matches!(self.function.result_type(), Some(Type::Never(_)))
    }

    /// What is recorded behind the body, and what the function then gives back.
    fn outcome(&self) -> TokenStream {
        if self.never_returns() {
            return hygienic!(match ended.1 {});
        }
        if let Some(stream) = self.stream {
            let (watched, ty) = (self.stream(stream), self.result_type());
            // A box of ours becomes the user's only where that type is said.
            return hygienic!(let result: #ty = #watched; result);
        }
        let check = self.checks_result.map(|span| self.check_result(span));
        let concluded = if let Some(end) = self.end() {
            self.conclude(&end, &hygienic!(ended.1))
        } else {
            let recorded = self.recorded_behind();
            hygienic!(#recorded ended.1)
        };
        quote!(#check #concluded)
    }

    /// Ends the scope by the type of a result that is there, and gives the result back.
    fn conclude(&self, end: &TokenStream, result: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        let end = hygienic!(#runtime::Returned::of(&#result) #end);
        hygienic!(#runtime::Conclude::conclude(#end, ended.0, &#result); #result)
    }

    /// Makes the compiler say, at the user's word, that the result cannot be an error.
    fn check_result(&self, span: Span) -> TokenStream {
        let (runtime, ended) = (&self.runtime, Ident::new("ended", span.resolved_at(Span::mixed_site())));
        quote_spanned!(span=> #runtime::fallible(&#ended.1);)
    }

    /// How the scope ends, where no expression of the user's looks at the result.
    fn end(&self) -> Option<TokenStream> {
        let method = match &self.effect {
            Planned::Metric(metric) => (!metric.is_late()).then_some("a2a_otel_end")?,
            Planned::Span(span) if span.late.is_empty() => span.end()?,
            Planned::Span(_) => return None,
        };
        Some(self.told(method))
    }

    /// The methods of a result's type that say how the scope ends.
    fn told(&self, method: &str) -> TokenStream {
        let debug = matches!(&self.effect, Planned::Span(span) if span.debug_errors);
        let (method, debug) = (name(method), debug.then(|| hygienic!(.a2a_otel_debug())));
        hygienic!(.a2a_otel_told().#method() #debug)
    }

    /// The same, step by step.
    fn recorded_behind(&self) -> TokenStream {
        let (runtime, ended, into) = (&self.runtime, hygienic!(&ended.1), hygienic!(&mut ending));
        match &self.effect {
            Planned::Metric(metric) => {
                let measured = self.unpack(&self.measured(metric, &ended));
                hygienic!(let mut ending = #runtime::Scope::returned(ended.0); #measured)
            }
            Planned::Span(span) => {
                let records = self.late(span, "Ending", &into);
                let records = quote!(#runtime::Ending::ok(#into); #records);
                let records = self.unpack(&self.split("Ending", &into, &ended, &records, span.debug_errors));
                hygienic! {
                    let mut ending = #runtime::Scope::returned(ended.0);
                    if #runtime::Ending::is_seen(&ending) { #records }
                }
            }
        }
    }

    /// Records the value, or else the error.
    fn split(
        &self,
        of: &str,
        into: &TokenStream,
        result: &TokenStream,
        records: &TokenStream,
        debug: bool,
    ) -> TokenStream {
        let (runtime, of) = (&self.runtime, name(of));
        hygienic! {
            match #runtime::Returned::of(#result).a2a_otel_told().a2a_otel_outcome(#result) {
                #runtime::Ok(value) => { let _ = value; #records }
                #runtime::Err(error) => #runtime::#of::err(#into, &error, #debug),
            }
        }
    }

    /// Runs the statements with the copies of parameters, if there are any.
    fn unpack(&self, statements: &TokenStream) -> TokenStream {
        let (runtime, idents) = (&self.runtime, self.kept.iter().map(|kept| kept.ident));
        if self.kept.is_empty() {
            return statements.clone();
        }
        hygienic!(if let #runtime::Some((#(#idents,)*)) = copies { #statements })
    }

    /// Output and late fields of a span.
    fn late(&self, span: &SpanPlan<'_>, of: &str, into: &TokenStream) -> TokenStream {
        let (runtime, kind) = (&self.runtime, name(of));
        let is_of_model = span.kind.content == Content::Llm;
        let whose = if is_of_model { BODY } else { VALUE };
        let method = name(if is_of_model && of == "Ending" { "response" } else { "output" });
        let output = match span.output {
            Output::Nothing => None,
            Output::Expr(expr) => Some((vec![expr], self.able(whose, expr, "a2a_otel_asked"))),
            Output::Result => {
                let value = hygienic!(value);
                Some((Vec::new(), self.ability(whose, &value, Span::mixed_site(), "a2a_otel_value")))
            }
        };
        let output = output.map(|(exprs, recorded)| {
            bind_output(&exprs, &quote!(#runtime::#kind::#method(#into, #recorded);))
        });
        let exprs: Vec<_> = span.late.iter().filter_map(|one| one.value.expr()).collect();
        let fields = bind_output(&exprs, &self.fields(of, into, &span.late));
        quote!(#output #fields)
    }

    /// What is measured of a result or an item, if that counts.
    fn measured(&self, metric: &MetricPlan<'_>, result: &TokenStream) -> TokenStream {
        let (runtime, noted) = (&self.runtime, self.noted(metric, true));
        let noted = bind_output(&metric.late_expressions(), &noted);
        let measure = hygienic!(#noted #runtime::Measurement::record(&mut ending););
        if metric.on == On::Always {
            return hygienic!({ let value = #result; #measure });
        }
        let on = variant(metric.on);
        hygienic! {
            if let #runtime::#on(value) = #runtime::Returned::of(#result).a2a_otel_result(#result) { #measure }
        }
    }

    /// Hands a stream to the runtime, with what is recorded of each item.
    fn stream(&self, stream: Streams) -> TokenStream {
        let runtime = &self.runtime;
        let copy = (!self.kept.is_empty()).then(|| hygienic!(let copies = #runtime::Clone::clone(&copies);));
        let records = self.unpack(&self.item());
        let watched = |source| {
            let item = hygienic!(move |item, fold| { #copy #records });
            self.pinned(stream.boxed, hygienic!(#runtime::stream(ended.0, asked, #source, #item)))
        };
        if !stream.fallible {
            return watched(hygienic!(ended.1));
        }
        let failed = self.conclude(&self.told("a2a_otel_end"), &hygienic!(result));
        let watched = watched(hygienic!(stream));
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

    /// What is recorded of an item. With an expression that names `output` a metric measures every item, else only
    /// whether one is an error.
    fn item(&self) -> TokenStream {
        let (runtime, item, fold) = (&self.runtime, hygienic!(item), hygienic!(fold));
        match &self.effect {
            Planned::Span(span) => {
                let tokens =
                    (span.kind.content == Content::Llm).then(|| quote!(#runtime::Fold::tokens(#fold);));
                let records = self.late(span, "Fold", &fold);
                let records = self.split("Fold", &fold, &item, &records, span.debug_errors);
                quote!(#tokens #records)
            }
            Planned::Metric(metric) if metric.is_late() => {
                let measured = self.measured(metric, &item);
                hygienic!(let mut ending = #runtime::Items::measure(fold); #measured)
            }
            Planned::Metric(_) => self.split("Items", &fold, &item, &TokenStream::new(), false),
        }
    }
}

/// Gives the user's word `output` its meaning, around the expressions that use it.
fn bind_output(exprs: &[&Expr], records: &TokenStream) -> TokenStream {
    match exprs.iter().find_map(|expr| output_ident(expr.to_token_stream())) {
        Some(output) => hygienic!({ let #output = value; #records }),
        None => records.clone(),
    }
}
