//! Plans what a metric measures.

use proc_macro2::Span;
use syn::{Expr, LitStr};

use super::checks::{
    check_buckets, check_fails, check_labels, check_metric_name, check_outcome, check_repeated, check_unit,
};
use crate::errors::Errors;
use crate::kinds::{self, Arg, INSTRUMENTS};
use crate::plan::{Buckets, MetricPlan, Recorded};
use crate::read::args::Args;
use crate::read::expr::{is_late, number};
use crate::read::function::Function;
use crate::runtime::{Implied, Instrument, On};

pub(super) fn plan_metric<'a>(
    args: &'a Args,
    function: &Function,
    errors: &mut Errors,
) -> Option<MetricPlan<'a>> {
    let attributes = args.fields(&kinds::ATTRIBUTES);
    check_unit(args, errors);
    let has_outcome = args.span(&kinds::OUTCOME).is_some();
    check_repeated(attributes, if has_outcome { &[kinds::OUTCOME.name] } else { &[] }, errors);
    check_labels(attributes, errors);
    let on = plan_on(args, function, errors);
    check_outcome(args, on, errors);
    let (arg, instrument, name) = plan_instrument(args, errors)?;
    let (value, unit) = (args.expr(&kinds::VALUE), args.text(&kinds::UNIT).map(LitStr::value));
    let implied = plan_implied(args, (arg, instrument), name, unit.as_deref(), errors);
    let default_unit = if implied == Implied::Duration { "s" } else { "" };
    let (late, early) = attributes.iter().map(Recorded::field).partition(|one| one.value.is_late());
    Some(MetricPlan {
        instrument,
        name,
        unit: unit.unwrap_or_else(|| default_unit.to_owned()),
        description: args.text(&kinds::DESCRIPTION).map(LitStr::value).unwrap_or_default(),
        buckets: plan_buckets(args, instrument, errors),
        on,
        has_outcome,
        value,
        is_value_late: value.is_some_and(is_late),
        implied,
        early,
        late,
    })
}

/// The instrument and the metric's name.
fn plan_instrument<'a>(
    args: &'a Args,
    errors: &mut Errors,
) -> Option<(&'static Arg, Instrument, &'a LitStr)> {
    let mut given = INSTRUMENTS.iter().filter_map(|(arg, kind)| Some((arg, *kind, args.text(arg)?)));
    let Some(first @ (arg, _, name)) = given.next() else {
        // A malformed instrument is already reported.
        if errors.is_empty() {
            let forms: Vec<_> = INSTRUMENTS.iter().map(|(arg, _)| arg.name).collect();
            let forms = forms.join(" | ");
            errors.at(Span::call_site(), format_args!("a metric needs an instrument: `{forms} = \"name\"`"));
        }
        return None;
    };
    for (second, ..) in given {
        let (first, other) = (arg.name, second.name);
        let message = format!(
            "this metric is already a `{first}`; write another `#[business_metric]` for the `{other}`"
        );
        errors.at(args.span(second).unwrap_or_else(Span::call_site), message);
    }
    check_metric_name(name, errors);
    Some(first)
}

fn plan_buckets<'a>(args: &'a Args, instrument: Instrument, errors: &mut Errors) -> Option<Buckets<'a>> {
    let expr = args.expr(&kinds::BUCKETS)?;
    let numbers = match expr {
        Expr::Array(array) => array.elems.iter().map(number).collect(),
        _ => None,
    };
    check_buckets(expr, numbers.as_deref(), instrument, errors);
    Some(numbers.map_or(Buckets::Constant(expr), Buckets::Numbers))
}

fn plan_on(args: &Args, function: &Function, errors: &mut Errors) -> On {
    match args.word(&kinds::ON) {
        Some(word) if word == kinds::ON_ERR => {
            check_fails("on = err", Some(word.span()), function, errors);
            On::Err
        }
        Some(word) if word == kinds::ON_ALWAYS => On::Always,
        _ => On::Ok,
    }
}

/// What is measured without a `value`.
fn plan_implied(
    args: &Args,
    (arg, instrument): (&Arg, Instrument),
    name: &LitStr,
    unit: Option<&str>,
    errors: &mut Errors,
) -> Implied {
    if args.expr(&kinds::VALUE).is_some() {
        return Implied::Nothing;
    }
    match instrument {
        Instrument::Counter => return Implied::One,
        Instrument::Histogram if matches!(unit, None | Some("s" | "ms" | "us")) => return Implied::Duration,
        Instrument::Histogram => {
            let message = "a histogram without `value` measures the call's duration, in `s`, `ms` or `us`; \
                           use one of these, or add `value = ...`";
            errors.at(args.text(&kinds::UNIT).unwrap_or(name).span(), message);
        }
        Instrument::Gauge | Instrument::UpDownCounter => {
            errors.at(name.span(), format_args!("a `{}` needs `value = ...`", arg.name));
        }
    }
    Implied::Nothing
}
