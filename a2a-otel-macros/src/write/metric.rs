//! The code that only a metric needs.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};

use super::values::bind_output;
use crate::plan::{Buckets, MetricPlan, Plan, Recorded, Value};
use crate::read::types::Access;
use crate::runtime::{On, Target};

impl Plan<'_> {
    /// What is known of the metric at compile time, in a `static`, because the runtime keeps the instrument by it.
    pub(super) fn metric(&self, metric: &MetricPlan<'_>) -> TokenStream {
        let (runtime, itemised, buckets) = (&self.runtime, metric.is_late(), self.buckets(metric));
        let MetricPlan { instrument, name, unit, description, implied, on, has_outcome, .. } = metric;
        hygienic! {{
            static A2A_OTEL_METRIC: #runtime::Metric = #runtime::Metric {
                kind: #runtime::InstrumentKind::#instrument,
                name: #name,
                unit: #unit,
                description: #description,
                buckets: #buckets,
                implied: #runtime::Implied::#implied,
                on: #runtime::On::#on,
                outcome: #has_outcome,
                itemised: #itemised,
                slot: #runtime::Slot::new(),
            };
            &A2A_OTEL_METRIC
        }}
    }

    fn buckets(&self, metric: &MetricPlan<'_>) -> TokenStream {
        let runtime = &self.runtime;
        match &metric.buckets {
            None => quote!(#runtime::None),
            Some(Buckets::Numbers(bounds)) => quote!(#runtime::Some(&[#(#bounds),*])),
            Some(Buckets::Constant(expr)) => quote!(#runtime::Some(&#expr)),
        }
    }

    /// Sets the attributes and the value that are known before the body runs.
    pub(super) fn noted_before(&self, metric: &MetricPlan<'_>) -> TokenStream {
        let opening = hygienic!(opening);
        let fields = self.labels(&opening, &metric.early);
        let amount = self.amount(metric, &opening, false);
        quote!(#fields #amount)
    }

    /// Measures a result or an item, if it counts.
    pub(super) fn measured(&self, metric: &MetricPlan<'_>, result: &TokenStream) -> TokenStream {
        let (runtime, ending) = (&self.runtime, hygienic!(&mut ending));
        let fields = self.labels(&ending, &metric.late);
        let amount = self.amount(metric, &ending, true);
        let noted = bind_output(&metric.late_expressions(), &quote!(#fields #amount));
        let measure = hygienic!(#noted #runtime::Measurement::record(&mut ending););
        let on = metric.on;
        if on == On::Always {
            let outcome = metric.has_outcome.then(|| {
                let result = quote!(#runtime::ReturnType::of(#result).a2a_otel_result(#result));
                hygienic!(#runtime::Measurement::returned_as(&mut ending, #result.is_ok());)
            });
            return hygienic!({ #outcome let value = #result; #measure });
        }
        hygienic! {
            if let #runtime::#on(value) = #runtime::ReturnType::of(#result).a2a_otel_result(#result) { #measure }
        }
    }

    /// Sets labels. Texts that live forever are passed without a wrapper, because they need no copy.
    fn labels(&self, into: &TokenStream, labels: &[Recorded<'_>]) -> TokenStream {
        let runtime = &self.runtime;
        let (texts, others): (Vec<_>, Vec<_>) =
            labels.iter().cloned().partition(|label| self.static_text(&label.value).is_some());
        let pairs = texts.iter().filter_map(|label| {
            let (key, text) = (label.key, self.static_text(&label.value)?);
            Some(quote!((#key, #text)))
        });
        let texts = (!texts.is_empty()).then(|| quote!(#runtime::Measurement::texts(#into, &[#(#pairs),*]);));
        let others = self.fields(Target::Measurement, into, &others);
        quote!(#texts #others)
    }

    /// A literal text, or a parameter of the type `&'static str`.
    fn static_text(&self, value: &Value<'_>) -> Option<TokenStream> {
        if let Some(text) = value.text() {
            return Some(text.to_token_stream());
        }
        let (param, name) = self.function.param(value.expr()?)?;
        matches!(param.access, Access::StaticText).then(|| name.to_token_stream())
    }

    fn amount(&self, metric: &MetricPlan<'_>, into: &TokenStream, is_late: bool) -> Option<TokenStream> {
        let (runtime, value) = (&self.runtime, metric.value.filter(|_| metric.is_value_late == is_late)?);
        Some(quote!(#runtime::Measurement::amount(#into, #value);))
    }
}
