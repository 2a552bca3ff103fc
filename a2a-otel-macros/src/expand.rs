//! Writes the code of a plan. Cannot fail.
//!
//! The body goes, unread, into a closure or an async block that is handed to the runtime; what is recorded is written
//! before and behind it. Generated code names nothing but `a2a_otel::__private` and calls nothing but functions by
//! path, so that whatever the user's scope shadows does no harm; the one kind of method, on types of ours, is how a
//! value's abilities are found out.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, Type};

use crate::args::Field;
use crate::function::{Param, Shape, Streams};
use crate::kinds::Content;
use crate::plan::{
    Amount, Argument, Fixed, Input, Kept, MetricPlan, On, Output, Plan, Planned, Recordable, Recorded,
    SpanPlan, output_ident,
};

/// The runtime's type that finds out what a value can be recorded as.
const VALUE: &str = "Capture";

/// The same for what a model was asked and answered, which may also be bytes.
const BODY: &str = "Body";

pub(crate) fn expand(plan: &Plan<'_>) -> TokenStream {
    let function = plan.function;
    let (attrs, vis, defaultness, sig) =
        (&function.attrs, &function.vis, &function.defaultness, &function.sig);
    let writer = Writer::new(plan);
    let (scope, keep, call) = (writer.scope(), writer.keep(), writer.call());
    quote! {
        #(#attrs)*
        #vis #defaultness #sig {
            #scope
            #keep
            #call
        }
    }
}

/// What the parts of one expansion share: the plan, the way to the runtime, and names nobody else can say.
struct Writer<'a> {
    plan: &'a Plan<'a>,
    runtime: TokenStream,
    /// The span before it starts.
    opening: Ident,
    /// The span or the measurement.
    scope: Ident,
    /// What the outcome is written to.
    ending: Ident,
    result: Ident,
    /// What the result was taken apart into, or an item of a stream.
    value: Ident,
    /// Copies of parameters, or nothing where nobody will see what they are for.
    copies: Ident,
    /// When a stream was asked for.
    asked: Ident,
}

impl<'a> Writer<'a> {
    fn new(plan: &'a Plan<'a>) -> Self {
        let path = &plan.runtime;
        let local = |name| Ident::new(name, Span::mixed_site());
        Self {
            plan,
            runtime: quote!(#path::__private),
            opening: local("opening"),
            scope: local("scope"),
            ending: local("ending"),
            result: local("result"),
            value: local("value"),
            copies: local("copies"),
            asked: local("asked"),
        }
    }

    /// `let scope = ...`: the span or the measurement, with what is known before the body runs.
    fn scope(&self) -> TokenStream {
        let Self { runtime, opening, scope, .. } = self;
        match &self.plan.effect {
            Planned::Span(span) => {
                let (site, records) = (self.site(span), self.before(span));
                if records.is_empty() {
                    return quote!(let #scope = #runtime::Span::open_bare(&#site););
                }
                // A closure of its own costs the compiler less than a branch of the function would.
                quote!(let #scope = #runtime::Span::open(&#site, &mut |#opening| { #records });)
            }
            Planned::Metric(metric) => {
                let (site, records) =
                    (self.metric(metric), self.noted(scope, &metric.early, &metric.value, false));
                let mutable = (!records.is_empty()).then(|| quote!(mut));
                quote!(let #mutable #scope = #runtime::Measurement::open(&#site); #records)
            }
        }
    }

    fn site(&self, span: &SpanPlan<'_>) -> TokenStream {
        let runtime = &self.runtime;
        let (name, kind) = (&span.name, span.kind.openinference);
        let opentelemetry = format_ident!("{}", span.kind.opentelemetry);
        let fixed = span.fixed.iter().map(|(key, value)| {
            let value = self.fixed(value);
            quote!((#key, #value))
        });
        let (name_keys, room) = (&span.name_keys, room(span));
        quote! {
            #runtime::Site {
                name: #name,
                kind: #kind,
                opentelemetry: #runtime::SpanKind::#opentelemetry,
                fixed: &[#(#fixed),*],
                name_keys: &[#(#name_keys),*],
                room: #room,
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

    fn metric(&self, metric: &MetricPlan<'_>) -> TokenStream {
        let runtime = &self.runtime;
        let instrument = format_ident!("{}", pascal_case(metric.instrument));
        let MetricPlan { name, unit, description, .. } = metric;
        let implied = format_ident!(
            "{}",
            match metric.value {
                Amount::One => "One",
                Amount::Duration => "Duration",
                Amount::Early(_) | Amount::Late(_) => "Nothing",
            }
        );
        let on = format_ident!(
            "{}",
            match metric.on {
                On::Ok => "Ok",
                On::Err(_) => "Err",
                On::Always => "Always",
            }
        );
        let itemised = metric.is_late();
        quote! {
            #runtime::Metric {
                kind: #runtime::InstrumentKind::#instrument,
                name: #name,
                unit: #unit,
                description: #description,
                implied: #runtime::Implied::#implied,
                on: #runtime::On::#on,
                itemised: #itemised,
            }
        }
    }

    /// What is recorded of a span before the body runs.
    fn before(&self, span: &SpanPlan<'_>) -> TokenStream {
        let Self { runtime, opening, .. } = self;
        let name = span.name_expr.map(|expr| ("name", expr));
        let texts = name.into_iter().chain(span.texts.iter().copied()).map(|(method, expr)| {
            let method = format_ident!("{method}");
            let value = self.able(VALUE, &quote!(&(#expr)), expr.span(), "a2a_otel_text");
            quote!(#runtime::Opening::#method(#opening, #value);)
        });
        let parts = span.name_parts.iter().map(|part| {
            let (keys, value) = (&part.keys, self.recorded(part));
            quote!(#runtime::Opening::name_part(#opening, &[#(#keys),*], #value);)
        });
        let request = span.request.map(|expr| {
            let value = self.able(BODY, &quote!(&(#expr)), expr.span(), "a2a_otel_asked");
            quote!(#runtime::Opening::request(#opening, #value);)
        });
        let input = self.input(&span.input);
        let fields = self.fields("Opening", &quote!(#opening), &span.early);
        quote!(#(#texts)* #(#parts)* #request #input #fields)
    }

    fn input(&self, input: &Input<'_>) -> TokenStream {
        let Self { runtime, opening, .. } = self;
        match input {
            Input::Nothing => TokenStream::new(),
            Input::Expr(expr) => {
                let value = self.asked_for(expr);
                quote!(#runtime::Opening::input(#opening, #value);)
            }
            Input::Param(argument) => {
                let (cfgs, value) = (&argument.param.cfgs, self.argument(argument));
                quote!(#(#cfgs)* #runtime::Opening::input(#opening, #value);)
            }
            Input::Params(arguments) => {
                let arguments = arguments.iter().map(|argument| {
                    let Param { cfgs, ident, .. } = argument.param;
                    let (name, value) = (ident.unraw().to_string(), self.argument(argument));
                    quote!(#(#cfgs)* (#name, #value))
                });
                quote!(#runtime::Opening::arguments(#opening, &[#(#arguments),*]);)
            }
        }
    }

    fn argument(&self, argument: &Argument<'_>) -> TokenStream {
        let (runtime, ident) = (&self.runtime, &argument.param.ident);
        if argument.is_redacted {
            return quote!(&#runtime::Fixed::Text(#runtime::REDACTED));
        }
        self.value(&quote!(&#ident))
    }

    /// Records values under their keys, in one call for all attributes.
    fn fields(&self, of: &str, into: &TokenStream, recorded: &[Recorded<'_>]) -> TokenStream {
        let Self { runtime, value, .. } = self;
        let of = format_ident!("{of}");
        let call = |method: &str, fields: &[&Recorded<'_>]| {
            let method = format_ident!("{method}");
            let entries = fields.iter().map(|one| {
                let (key, value) = (one.keys[0], self.recorded(one));
                quote!((#key, #value))
            });
            (!fields.is_empty()).then(|| quote!(#runtime::#of::#method(#into, &[#(#entries),*]);))
        };
        let (repeated, once): (Vec<_>, Vec<_>) = recorded.iter().partition(|one| one.keys.len() > 1);
        let repeated = repeated.into_iter().map(|one| {
            let (keys, recorded) = (&one.keys, self.recorded(one));
            quote!(match #recorded { #value => #runtime::#of::fields(#into, &[#((#keys, #value)),*]) })
        });
        let (documents, fields): (Vec<_>, Vec<_>) = once.into_iter().partition(|one| one.is_documents);
        let (fields, documents) = (call("fields", &fields), call("documents", &documents));
        quote!(#(#repeated)* #fields #documents)
    }

    fn recorded(&self, recorded: &Recorded<'_>) -> TokenStream {
        match &recorded.value {
            Recordable::Expr(expr) => self.asked_for(expr),
            Recordable::Fixed(fixed) => {
                let fixed = self.fixed(fixed);
                quote!(&#fixed)
            }
        }
    }

    /// Notes attributes and value of a measurement.
    fn noted(
        &self,
        measurement: &Ident,
        attributes: &[&Field],
        value: &Amount<'_>,
        late: bool,
    ) -> TokenStream {
        let runtime = &self.runtime;
        let noted = (!attributes.is_empty()).then(|| {
            let entries = attributes.iter().map(|field| {
                let (key, value) = (&field.key, self.asked_for(&field.value));
                quote!((#key, #value))
            });
            quote!(#runtime::Measurement::attributes(&mut #measurement, &[#(#entries),*]);)
        });
        let amount = match (value, late) {
            (Amount::Early(expr), false) | (Amount::Late(expr), true) => {
                quote!(#runtime::Measurement::amount(&mut #measurement, #expr);)
            }
            _ => TokenStream::new(),
        };
        quote!(#noted #amount)
    }

    /// A value with what its type can do: serialise, or else debug, or else nothing.
    fn value(&self, reference: &TokenStream) -> TokenStream {
        self.able(VALUE, reference, Span::mixed_site(), "a2a_otel_value")
    }

    /// The value of an expression, which has to be one that can be recorded.
    fn asked_for(&self, expr: &Expr) -> TokenStream {
        self.able(VALUE, &quote!(&(#expr)), expr.span(), "a2a_otel_asked")
    }

    /// What a type cannot do is an error at the span.
    fn able(&self, of: &str, reference: &TokenStream, span: Span, ability: &str) -> TokenStream {
        let runtime = &self.runtime;
        let of = format_ident!("{of}");
        let ability = Ident::new(ability, span.resolved_at(Span::mixed_site()));
        quote!(#runtime::#of::new(#reference).#ability())
    }

    /// Clones of the parameters that are needed when the body has consumed them.
    fn keep(&self) -> TokenStream {
        let Self { runtime, scope, copies, .. } = self;
        let kept = &self.plan.kept;
        if kept.is_empty() {
            return TokenStream::new();
        }
        let clones = kept.iter().map(|Kept { ident, mention }| {
            // Where the parameter cannot be cloned, the user should see the word that asks for it.
            let mut ident = (*ident).clone();
            ident.set_span(ident.span().located_at(*mention));
            quote_spanned!(*mention=> #runtime::Clone::clone(&#ident))
        });
        quote! {
            let #copies = if #runtime::Scope::is_seen(&#scope) {
                #runtime::Some((#(#clones,)*))
            } else {
                #runtime::None
            };
        }
    }

    /// Hands the body to the runtime, and records what it gives back.
    fn call(&self) -> TokenStream {
        let Self { runtime, scope, result, .. } = self;
        let (body, ty) = (&self.plan.function.body, self.result_type());
        if self.plan.stays {
            let guard = Ident::new("_guard", Span::mixed_site());
            return quote!(let #guard = #runtime::guard(#scope); #body);
        }
        let asked = &self.asked;
        let asked = self.plan.stream.map(|_| quote!(let #asked = #runtime::stopwatch(&#scope);));
        let outcome = self.outcome();
        match self.plan.function.shape {
            Shape::Sync => {
                let returns = self.declared(&ty);
                quote! {
                    #asked
                    let (#scope, #result) = #runtime::sync::<#ty, _>(#scope, move || #returns #body);
                    #outcome
                }
            }
            Shape::Async => {
                // What never returns has no type to hint at.
                let hint =
                    (!self.never_returns()).then(|| quote!(if false { return #runtime::hint::<#ty>(); }));
                quote! {
                    #asked
                    let (#scope, #result) =
                        #runtime::future::<#ty, _, _>(#scope, async move { #hint #body }).await;
                    #outcome
                }
            }
            Shape::Future => {
                let watched = self.watched(&outcome);
                quote!(#asked let (#scope, #result) = #runtime::sync(#scope, move || #body); #watched)
            }
            Shape::Boxed => {
                // Several boxes of different futures are one type only where that type is said.
                let (returns, watched) = (&self.plan.function.sig.output, self.watched(&outcome));
                quote! {
                    #asked
                    let (#scope, #result) = #runtime::sync(#scope, move || #returns #body);
                    #runtime::Box::pin(#watched)
                }
            }
        }
    }

    /// The future that a function gave back. An async block around it would have room for it twice.
    fn watched(&self, outcome: &TokenStream) -> TokenStream {
        let (Self { runtime, scope, result, .. }, ty) = (self, self.result_type());
        quote!(#runtime::watched(#scope, #result, move |#scope, #result: #ty| { #outcome }))
    }

    /// The type of a sync body, where the body alone does not say it: several boxes of different streams are one
    /// type only where that type is said, and what never returns may call itself anything.
    fn declared(&self, ty: &TokenStream) -> TokenStream {
        let is_boxed_stream = self.plan.stream.is_some_and(|stream| stream.boxed);
        if is_boxed_stream || self.never_returns() { quote!(-> #ty) } else { TokenStream::new() }
    }

    /// The result's type as far as it can be written in a function's body.
    fn result_type(&self) -> TokenStream {
        let runtime = &self.runtime;
        match self.plan.function.result_type() {
            None => quote!(()),
            Some(Type::Never(_)) => quote!(#runtime::Never),
            Some(ty) => infer_opaque(ty.to_token_stream()),
        }
    }

    /// Whether there is no result to look at.
    fn returns_nothing(&self) -> bool {
        self.plan.function.result_type().is_none()
    }

    fn never_returns(&self) -> bool {
        matches!(self.plan.function.result_type(), Some(Type::Never(_)))
    }

    /// What is recorded behind the body, and what the function then gives back.
    fn outcome(&self) -> TokenStream {
        let Self { runtime, scope, ending, result, .. } = self;
        if self.never_returns() {
            return quote!(let _ = #scope; match #result {});
        }
        if let Some(stream) = self.plan.stream {
            let (watched, ty) = (self.stream(stream), self.result_type());
            // A box of ours becomes the user's only where that type is said.
            return quote!(let #result: #ty = #watched; #result);
        }
        let records = match &self.plan.effect {
            Planned::Span(span) => self.behind(span),
            Planned::Metric(metric) => {
                let records = self.unpack(&self.measured(metric));
                quote!(let mut #ending = #runtime::returned(#scope); #records)
            }
        };
        quote!(#records #result)
    }

    /// Runs the statements with the copies of parameters, if there are any.
    fn unpack(&self, statements: &TokenStream) -> TokenStream {
        let Self { runtime, copies, .. } = self;
        let kept = &self.plan.kept;
        if kept.is_empty() {
            return statements.clone();
        }
        let idents = kept.iter().map(|kept| kept.ident);
        quote!(if let #runtime::Some((#(#idents,)*)) = #copies { #statements })
    }

    /// What is recorded of a span when the function has returned.
    fn behind(&self, span: &SpanPlan<'_>) -> TokenStream {
        let Self { runtime, scope, ending, result, value, .. } = self;
        let check = span.checks_result.map(|span| self.check_result(span));
        if let Some(end) = self.end(span) {
            return quote!(#check #end);
        }
        let source = if self.returns_nothing() { quote!(&#result) } else { quote!(#value) };
        let records = self.late(span, "Ending", &quote!(&mut #ending), &source);
        let ok = quote!(#runtime::Ending::ok(&mut #ending); #records);
        let records = if self.returns_nothing() {
            ok
        } else {
            let (told, debug) = (self.told(&quote!(&#result)), span.debug_errors);
            quote! {
                match #told.a2a_otel_outcome() {
                    #runtime::Ok(#value) => { #ok }
                    #runtime::Err(#value) => #runtime::Ending::err(&mut #ending, #value, #debug),
                }
            }
        };
        let records = self.unpack(&records);
        quote! {
            #check
            let mut #ending = #runtime::returned(#scope);
            if #runtime::Ending::is_seen(&#ending) { #records }
        }
    }

    /// The end of a span in one call, where no expression of the user's looks at the result.
    fn end(&self, span: &SpanPlan<'_>) -> Option<TokenStream> {
        let Self { runtime, scope, result, .. } = self;
        let method = match span.output {
            _ if !span.late.is_empty() => return None,
            Output::Expr(_) => return None,
            _ if self.returns_nothing() => return Some(quote!(#runtime::succeeded(#scope);)),
            // A response may be bytes, which other values are not recorded as.
            Output::Result if span.kind.content == Content::Llm => return None,
            Output::Nothing => "a2a_otel_end",
            Output::Result => "a2a_otel_output",
        };
        let (told, method, debug) =
            (self.told(&quote!(&#result)), format_ident!("{method}"), span.debug_errors);
        Some(quote!(#told.#method(#scope, #debug);))
    }

    /// What became of a call, told by the type of its result.
    fn told(&self, reference: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        quote!(#runtime::Split::new(#reference).a2a_otel_told())
    }

    /// The value or the error, as they are.
    fn split(&self, reference: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        quote!(#runtime::Split::new(#reference).a2a_otel_result())
    }

    /// Makes the compiler say, at the user's word, that the result cannot be an error.
    fn check_result(&self, span: Span) -> TokenStream {
        let Self { runtime, .. } = self;
        let mut result = self.result.clone();
        result.set_span(result.span().located_at(span));
        quote_spanned!(span=> #runtime::fallible(&#result);)
    }

    /// Output and late fields.
    fn late(&self, span: &SpanPlan<'_>, of: &str, into: &TokenStream, value: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        let is_body = span.kind.content == Content::Llm;
        let is_response = is_body && of == "Ending";
        let whose = if is_body { BODY } else { VALUE };
        let method = format_ident!("{}", if is_response { "response" } else { "output" });
        let kind = format_ident!("{of}");
        let output = match span.output {
            Output::Result if !self.returns_nothing() => {
                let value = self.able(whose, value, Span::mixed_site(), "a2a_otel_value");
                quote!(#runtime::#kind::#method(#into, #value);)
            }
            Output::Expr(expr) => {
                let recorded = self.able(whose, &quote!(&(#expr)), expr.span(), "a2a_otel_asked");
                bind_output(&[expr], value, &quote!(#runtime::#kind::#method(#into, #recorded);))
            }
            _ => TokenStream::new(),
        };
        let fields = self.fields(of, into, &span.late);
        let fields =
            bind_output(&span.late.iter().filter_map(Recorded::expr).collect::<Vec<_>>(), value, &fields);
        quote!(#output #fields)
    }

    /// What is measured when the function has returned.
    fn measured(&self, metric: &MetricPlan<'_>) -> TokenStream {
        let Self { runtime, ending, result, value, .. } = self;
        let is_split = !matches!(metric.on, On::Always) && !self.returns_nothing();
        let source = if is_split { quote!(#value) } else { quote!(&#result) };
        let records = self.measure(metric, ending, &source);
        let pattern = if metric.is_late() { quote!(#value) } else { quote!(_) };
        let split = self.split(&quote!(&#result));
        match metric.on {
            On::Ok if is_split => quote!(if let #runtime::Ok(#pattern) = #split { #records }),
            On::Err(span) => {
                let check = self.check_result(span);
                quote!(#check if let #runtime::Err(#pattern) = #split { #records })
            }
            _ => records,
        }
    }

    fn measure(&self, metric: &MetricPlan<'_>, measurement: &Ident, source: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        let noted = self.noted(measurement, &metric.late, &metric.value, true);
        let noted = bind_output(&metric.late_expressions(), source, &noted);
        quote!(#noted #runtime::Measurement::record(&mut #measurement);)
    }

    /// Hands a stream to the runtime, with what is recorded of each item.
    fn stream(&self, stream: Streams) -> TokenStream {
        let Self { runtime, scope, result, value, asked, copies, .. } = self;
        let fold = Ident::new("fold", Span::mixed_site());
        let records = match &self.plan.effect {
            Planned::Span(span) => self.item(span, &fold),
            Planned::Metric(metric) => self.measured_item(metric, &fold),
        };
        let copy =
            (!self.plan.kept.is_empty()).then(|| quote!(let #copies = #runtime::Clone::clone(&#copies);));
        let unpack = self.unpack(&records);
        let watched = |source: &Ident| {
            let watched = quote!(
                #runtime::stream(#scope, #asked, #source, move |#value, #fold| { #copy #unpack })
            );
            if stream.boxed { quote!(#runtime::Box::pin(#watched)) } else { watched }
        };
        if !stream.fallible {
            return watched(result);
        }
        let watched = watched(value);
        let failed = match &self.plan.effect {
            Planned::Span(span) => {
                let (told, debug) = (self.told(&quote!(&#result)), span.debug_errors);
                quote!(#told.a2a_otel_end(#scope, #debug);)
            }
            Planned::Metric(metric) if matches!(metric.on, On::Err(_)) => {
                quote!(#runtime::Measurement::record(&mut #runtime::returned(#scope));)
            }
            Planned::Metric(_) => quote!(#runtime::returned(#scope);),
        };
        quote! {
            match #result {
                #runtime::Ok(#value) => #runtime::Ok(#watched),
                #runtime::Err(#value) => {
                    let #result = #runtime::Err(#value);
                    #failed
                    #result
                }
            }
        }
    }

    fn item(&self, span: &SpanPlan<'_>, fold: &Ident) -> TokenStream {
        let Self { runtime, value, .. } = self;
        let tokens = (span.kind.content == Content::Llm).then(|| quote!(#runtime::Fold::tokens(#fold);));
        let records = self.late(span, "Fold", &quote!(#fold), &quote!(#value));
        let (told, debug) = (self.told(&quote!(#value)), span.debug_errors);
        quote! {
            #runtime::Fold::item(#fold);
            #tokens
            match #told.a2a_otel_outcome() {
                #runtime::Ok(#value) => { let _ = #value; #records }
                #runtime::Err(#value) => #runtime::Fold::err(#fold, #value, #debug),
            }
        }
    }

    /// With an expression that names `output` every item is measured, else only whether one is an error.
    fn measured_item(&self, metric: &MetricPlan<'_>, fold: &Ident) -> TokenStream {
        let Self { runtime, value, ending, .. } = self;
        let split = self.split(&quote!(#value));
        let records = metric.is_late().then(|| {
            let records = self.measure(metric, ending, &quote!(#value));
            quote!(let mut #ending = #runtime::Items::measure(#fold); #records)
        });
        let (ok, err) = match metric.on {
            On::Ok => (records, None),
            On::Err(_) => (None, records),
            On::Always => return records.unwrap_or_else(|| quote!(let _ = (#value, #fold);)),
        };
        quote! {
            match #split {
                #runtime::Ok(#value) => { let _ = #value; #ok }
                #runtime::Err(#value) => { let _ = #value; #runtime::Items::failed(#fold); #err }
            }
        }
    }
}

/// How many attributes a span will have, as far as that is known: beside its own, the kind, what it inherits, and how
/// the call ended.
fn room(span: &SpanPlan<'_>) -> usize {
    const OTHERS: usize = 3;
    let keys = |recorded: &[Recorded<'_>]| recorded.iter().map(|one| one.keys.len()).sum::<usize>();
    let input = if matches!(span.input, Input::Nothing) { 0 } else { 2 };
    let output = if matches!(span.output, Output::Nothing) { 0 } else { 2 };
    let named = span.name_keys.len() + keys(&span.name_parts);
    OTHERS + span.fixed.len() + named + keys(&span.early) + keys(&span.late) + input + output
}

/// Gives the user's word `output` its meaning, around the expressions that use it.
fn bind_output(exprs: &[&Expr], value: &TokenStream, records: &TokenStream) -> TokenStream {
    match exprs.iter().find_map(|expr| output_ident(expr.to_token_stream())) {
        Some(output) => quote!({ let #output = #value; #records }),
        None => records.clone(),
    }
}

fn pascal_case(snake: &str) -> String {
    snake.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// The type with `_` for `impl Trait`, which only a signature may say.
fn infer_opaque(tokens: TokenStream) -> TokenStream {
    let mut kept = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "impl" => {
                kept.extend(quote!(_));
                skip_bounds(&mut tokens);
            }
            TokenTree::Group(group) => kept.extend([TokenTree::Group(infer_group(&group))]),
            other => kept.extend([other]),
        }
    }
    kept
}

fn infer_group(group: &Group) -> Group {
    let mut inferred = Group::new(group.delimiter(), infer_opaque(group.stream()));
    inferred.set_span(group.span());
    inferred
}

/// Goes to the comma or the angle bracket that ends an `impl A + B<C>`.
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
