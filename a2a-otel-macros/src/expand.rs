//! Writes the code of a plan. Cannot fail.
//!
//! The body goes, unread, into a closure or an async block that is handed to the runtime. Generated code names
//! nothing but `a2a_otel::__private` and calls nothing but functions by path, so that whatever the user's scope
//! shadows does no harm; the one method, on a type of ours, is how a value's abilities are found out.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::{Expr, ReturnType, Type};

use crate::args::Field;
use crate::function::{Param, Shape};
use crate::kinds::Content;
use crate::plan::{
    Amount, Input, Kept, MetricPlan, On, Output, Plan, Planned, Recorded, RecordedValue, SpanPlan,
    output_ident,
};

pub(crate) fn expand(plan: &Plan<'_>) -> TokenStream {
    let function = plan.function;
    let (attrs, vis, defaultness, sig) =
        (&function.attrs, &function.vis, &function.defaultness, &function.sig);
    let writer = Writer::new(plan);
    let scope = writer.scope();
    let keep = writer.keep();
    let call = writer.call();
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
    scope: Ident,
    recorder: Ident,
    result: Ident,
    /// Copies of parameters, or nothing where nobody will see what they are for.
    copies: Ident,
}

impl<'a> Writer<'a> {
    fn new(plan: &'a Plan<'a>) -> Self {
        let path = &plan.runtime;
        let local = |name| Ident::new(name, Span::mixed_site());
        Self {
            plan,
            runtime: quote!(#path::__private),
            scope: local("scope"),
            recorder: local("recorder"),
            result: local("result"),
            copies: local("copies"),
        }
    }

    /// `let scope = ...`: the span or the measurement, with what is known before the body runs.
    fn scope(&self) -> TokenStream {
        let Self { runtime, scope, recorder, .. } = self;
        let (observer, site, records) = match &self.plan.effect {
            Planned::Span(span) => (quote!(Span), self.site(span), self.early_span(span)),
            Planned::Metric(metric) => (quote!(Measurement), self.metric(metric), self.early_metric(metric)),
        };
        quote! {
            let #scope = #runtime::#observer::start(const { &#site }, |#recorder| { #records });
        }
    }

    fn site(&self, span: &SpanPlan<'_>) -> TokenStream {
        let runtime = &self.runtime;
        let (name, kind) = (&span.name, span.kind.openinference);
        let opentelemetry = format_ident!("{}", span.kind.opentelemetry);
        let fixed = span.fixed.iter().map(|(key, value)| quote!((#key, #value)));
        let texts = span.texts.iter().map(|Field { key, value }| quote!((#key, #value)));
        let name_keys = &span.name_keys;
        quote! {
            #runtime::Site {
                name: #name,
                kind: #kind,
                opentelemetry: #runtime::SpanKind::#opentelemetry,
                fixed: &[#(#fixed,)* #(#texts,)*],
                name_keys: &[#(#name_keys),*],
            }
        }
    }

    fn metric(&self, metric: &MetricPlan<'_>) -> TokenStream {
        let runtime = &self.runtime;
        let instrument = Ident::new(pascal_case(metric.instrument).as_str(), Span::mixed_site());
        let MetricPlan { name, unit, description, .. } = metric;
        let implied = match metric.value {
            Amount::One => format_ident!("One"),
            Amount::Duration => format_ident!("Duration"),
            Amount::Early(_) | Amount::Late(_) => format_ident!("Nothing"),
        };
        let always = matches!(metric.on, On::Always);
        quote! {
            #runtime::Metric {
                kind: #runtime::InstrumentKind::#instrument,
                name: #name,
                unit: #unit,
                description: #description,
                implied: #runtime::Implied::#implied,
                always: #always,
            }
        }
    }

    fn early_span(&self, span: &SpanPlan<'_>) -> TokenStream {
        let Self { runtime, recorder, .. } = self;
        let name = span.name_expr.map(
            |expr| quote!(#runtime::Recorder::name(#recorder, #runtime::core::format_args!("{}", #expr));),
        );
        let parts = span.name_parts.iter().map(|part| self.recorded("name_part", part));
        let recorded = span.recorded.iter().map(|recorded| self.recorded("attribute", recorded));
        let fields = span.early.iter().map(|field| self.field(field));
        let texts = [("session", span.session), ("user", span.user), ("model", span.model)];
        let texts = texts.into_iter().filter_map(|(method, expr)| {
            let (method, expr) = (format_ident!("{method}"), expr?);
            Some(quote!(#runtime::Recorder::#method(#recorder, #runtime::core::format_args!("{}", #expr));))
        });
        let request = span.request.map(|expr| {
            let value = self.value(&quote!(&(#expr)));
            quote!(#runtime::Recorder::request(#recorder, #value);)
        });
        let input = self.input(&span.input);
        quote!(#name #(#parts)* #(#recorded)* #(#texts)* #request #input #(#fields)*)
    }

    /// Records one value under its keys.
    fn recorded(&self, method: &str, recorded: &Recorded<'_>) -> TokenStream {
        let Self { runtime, recorder, .. } = self;
        let method = format_ident!("{method}");
        let keys = recorded.keys;
        let value = match &recorded.value {
            RecordedValue::Text(text) => self.value(&quote!(#text)),
            RecordedValue::Expr(expr) => self.value(&quote!(&(#expr))),
        };
        quote!(#runtime::Recorder::#method(#recorder, &[#(#keys),*], #value);)
    }

    fn field(&self, field: &Field) -> TokenStream {
        let Self { runtime, recorder, .. } = self;
        let (key, expr) = (&field.key, &field.value);
        let value = self.value(&quote!(&(#expr)));
        quote!(#runtime::Recorder::attribute(#recorder, &[#key], #value);)
    }

    fn input(&self, input: &Input<'_>) -> TokenStream {
        let Self { runtime, recorder, .. } = self;
        match input {
            Input::Nothing => TokenStream::new(),
            Input::Expr(expr) => {
                let value = self.value(&quote!(&(#expr)));
                quote!(#runtime::Recorder::input(#recorder, #value);)
            }
            Input::Params(true, params) => {
                params.iter().map(|param| self.param("input", None, param)).collect()
            }
            Input::Params(false, params) => params
                .iter()
                .map(|param| {
                    let name = syn::ext::IdentExt::unraw(&param.ident).to_string();
                    self.param("argument", Some(name), param)
                })
                .collect(),
        }
    }

    fn param(&self, method: &str, name: Option<String>, param: &Param) -> TokenStream {
        let Self { runtime, recorder, .. } = self;
        let method = format_ident!("{method}");
        let Param { ident, cfgs, .. } = param;
        let value = self.value(&quote!(&#ident));
        let name = name.map(|name| quote!(#name,));
        quote!(#(#cfgs)* #runtime::Recorder::#method(#recorder, #name #value);)
    }

    fn early_metric(&self, metric: &MetricPlan<'_>) -> TokenStream {
        let attributes = metric.early.iter().map(|field| self.dimension(field));
        let amount = match metric.value {
            Amount::Early(expr) => self.amount(expr),
            _ => TokenStream::new(),
        };
        quote!(#(#attributes)* #amount)
    }

    fn dimension(&self, field: &Field) -> TokenStream {
        let Self { runtime, recorder, .. } = self;
        let (key, expr) = (&field.key, &field.value);
        let value = self.value(&quote!(&(#expr)));
        quote!(#runtime::Measurement::attribute(#recorder, #key, #value);)
    }

    fn amount(&self, expr: &Expr) -> TokenStream {
        let Self { runtime, recorder, .. } = self;
        quote!(#runtime::Measurement::amount(#recorder, #expr);)
    }

    /// A value with what its type can do: serialise, or else debug, or else nothing.
    fn value(&self, reference: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        quote!(#runtime::Capture::new(#reference).a2a_otel_value())
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
        quote!(let #copies = #runtime::keep(&#scope, || (#(#clones,)*));)
    }

    /// Hands the body to the runtime.
    fn call(&self) -> TokenStream {
        let Self { runtime, scope, .. } = self;
        let (body, outcome, result) = (&self.plan.function.body, self.outcome(), self.result_type());
        match self.plan.function.shape {
            Shape::Sync => quote!(#runtime::sync::<#result, _, _, _>(#scope, move || #body, #outcome)),
            Shape::Async => {
                // What never returns has no type to hint at.
                let hint =
                    (!self.never_returns()).then(|| quote!(if false { return #runtime::hint::<#result>(); }));
                quote!(#runtime::future::<#result, _, _, _>(#scope, async move { #hint #body }, #outcome).await)
            }
            Shape::Future => quote!(#runtime::eager::<#result, _, _, _, _>(#scope, move || #body, #outcome)),
            Shape::Boxed => {
                // Several boxes of different futures are one type only where that type is said.
                let declared = match &self.plan.function.sig.output {
                    ReturnType::Type(_, declared) => declared.to_token_stream(),
                    ReturnType::Default => quote!(_),
                };
                let body = quote!(move || -> #declared #body);
                quote!(#runtime::boxed(#runtime::eager::<#result, _, _, _, _>(#scope, #body, #outcome)))
            }
        }
    }

    /// The result's type as far as it can be written in a function's body.
    fn result_type(&self) -> TokenStream {
        self.plan.function.result_type().map_or_else(|| quote!(()), inferable)
    }

    /// Whether there is no result to look at.
    fn returns_nothing(&self) -> bool {
        self.plan.function.result_type().is_none() || self.never_returns()
    }

    fn never_returns(&self) -> bool {
        matches!(self.plan.function.result_type(), Some(Type::Never(_)))
    }

    /// Makes the compiler say, at the user's word, that the result cannot be an error.
    fn check_result(&self, span: Span) -> TokenStream {
        let Self { runtime, .. } = self;
        let mut result = self.result.clone();
        result.set_span(result.span().located_at(span));
        quote_spanned!(span=> #runtime::fallible(#result);)
    }

    /// `move |result, recorder| ...`: what is recorded of the result.
    fn outcome(&self) -> TokenStream {
        let Self { runtime, result, recorder, copies, .. } = self;
        let kept = &self.plan.kept;
        let unpack = if kept.is_empty() {
            TokenStream::new()
        } else {
            let idents = kept.iter().map(|kept| kept.ident);
            quote!(let #runtime::Some((#(#idents,)*)) = #copies else { return };)
        };
        let records = match &self.plan.effect {
            Planned::Span(span) => self.span_outcome(span),
            Planned::Metric(metric) => self.metric_outcome(metric),
        };
        quote!(move |#result, #recorder| { #unpack #records })
    }

    fn span_outcome(&self, span: &SpanPlan<'_>) -> TokenStream {
        let Self { runtime, recorder, result, .. } = self;
        if self.returns_nothing() {
            let records = self.late_span(span, &quote!(#result));
            return quote!(#runtime::Recorder::ok(#recorder); #records);
        }
        let value = Ident::new("value", Span::mixed_site());
        let records = self.late_span(span, &quote!(#value));
        let debug = span.debug_errors;
        let check = span.checks_result.map(|span| self.check_result(span));
        quote! {
            #check
            match #runtime::Split::new(#result).a2a_otel_result() {
                #runtime::Ok(#value) => { #runtime::Recorder::ok(#recorder); #records }
                #runtime::Err(#value) => {
                    #runtime::Recorder::err(#recorder, &#runtime::Failure::new(#value).a2a_otel_failure(#debug));
                }
            }
        }
    }

    fn late_span(&self, span: &SpanPlan<'_>, value: &TokenStream) -> TokenStream {
        let Self { runtime, recorder, .. } = self;
        let fields = span.late.iter().map(|field| bind_output(&field.value, value, &self.field(field)));
        let method = if span.kind.content == Content::Llm { quote!(response) } else { quote!(output) };
        let output = match span.output {
            Output::Result if !self.returns_nothing() => {
                let value = self.value(value);
                quote!(#runtime::Recorder::#method(#recorder, #value);)
            }
            Output::Expr(expr) => {
                let record = self.value(&quote!(&(#expr)));
                bind_output(expr, value, &quote!(#runtime::Recorder::#method(#recorder, #record);))
            }
            _ => quote!(let _ = #value;),
        };
        quote!(#output #(#fields)*)
    }

    fn metric_outcome(&self, metric: &MetricPlan<'_>) -> TokenStream {
        let Self { runtime, recorder, result, .. } = self;
        let value = Ident::new("value", Span::mixed_site());
        let is_split = !matches!(metric.on, On::Always) && !self.returns_nothing();
        let source = if is_split { quote!(#value) } else { quote!(#result) };
        let attributes =
            metric.late.iter().map(|field| bind_output(&field.value, &source, &self.dimension(field)));
        let amount = match metric.value {
            Amount::One | Amount::Duration | Amount::Early(_) => TokenStream::new(),
            Amount::Late(expr) => bind_output(expr, &source, &self.amount(expr)),
        };
        let records =
            quote!(let _ = #source; #(#attributes)* #amount #runtime::Measurement::record(#recorder););
        let split = quote!(#runtime::Split::new(#result).a2a_otel_result());
        match metric.on {
            On::Ok if is_split => quote!(if let #runtime::Ok(#value) = #split { #records }),
            On::Err(span) => {
                let check = self.check_result(span);
                quote!(#check if let #runtime::Err(#value) = #split { #records })
            }
            _ => records,
        }
    }
}

/// Gives the user's word `output` its meaning, around the expression that uses it.
fn bind_output(expr: &Expr, value: &TokenStream, records: &TokenStream) -> TokenStream {
    match output_ident(expr.to_token_stream()) {
        Some(output) => quote!({ let #output = #value; #records }),
        None => records.clone(),
    }
}

fn pascal_case(snake: &str) -> String {
    snake.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// The type with `_` for what only a signature may say: `impl Trait` and `!`.
fn inferable(ty: &Type) -> TokenStream {
    if matches!(ty, Type::Never(_)) {
        return quote!(_);
    }
    infer_opaque(ty.to_token_stream())
}

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
