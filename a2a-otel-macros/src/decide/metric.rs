//! Plans a metric.

use proc_macro2::Span;
use syn::LitStr;

use super::checks::{check_fails, check_metric_name, check_repeated, check_unit};
use crate::errors::Errors;
use crate::kinds::INSTRUMENTS;
use crate::plan::{Implied, MetricPlan, On, Recorded};
use crate::read::args::Args;
use crate::read::expr::is_late;
use crate::read::function::Function;

pub(super) fn plan_metric<'a>(
    args: &'a Args,
    function: &Function,
    errors: &mut Errors,
) -> Option<MetricPlan<'a>> {
    let attributes = args.fields("attributes");
    check_unit(args, errors);
    check_repeated(attributes, &[], errors);
    let on = plan_on(args, function, errors);
    let (instrument, name) = plan_instrument(args, errors)?;
    let (value, unit) = (args.expr("value"), args.text("unit").map(LitStr::value));
    let implied = plan_implied(args, instrument, name, unit.as_deref(), errors);
    let default_unit = if implied == Implied::Duration { "s" } else { "" };
    let (late, early) = attributes.iter().map(Recorded::field).partition(|one| one.value.is_late());
    Some(MetricPlan {
        kind: pascal_case(instrument),
        name,
        unit: unit.unwrap_or_else(|| default_unit.to_owned()),
        description: args.text("description").map(LitStr::value).unwrap_or_default(),
        on,
        value,
        is_value_late: value.is_some_and(is_late),
        implied,
        early,
        late,
    })
}

fn plan_instrument<'a>(args: &'a Args, errors: &mut Errors) -> Option<(&'static str, &'a LitStr)> {
    let mut given = INSTRUMENTS.iter().filter_map(|instrument| Some((*instrument, args.text(instrument)?)));
    let Some((instrument, name)) = given.next() else {
        // One that is there but malformed has been told already.
        if errors.is_empty() {
            let forms = INSTRUMENTS.join(" | ");
            errors.at(Span::call_site(), format_args!("a metric needs an instrument: `{forms} = \"name\"`"));
        }
        return None;
    };
    for (second, _) in given {
        let message =
            format!("this metric is a `{instrument}` already; a `{second}` is an attribute of its own");
        errors.at(args.span(second).unwrap_or_else(Span::call_site), message);
    }
    check_metric_name(name, errors);
    Some((instrument, name))
}

fn plan_on(args: &Args, function: &Function, errors: &mut Errors) -> On {
    match args.word("on") {
        Some(word) if word == "err" => {
            check_fails("on = err", Some(word.span()), function, errors);
            On::Err
        }
        Some(word) if word == "always" => On::Always,
        _ => On::Ok,
    }
}

fn plan_implied(
    args: &Args,
    instrument: &str,
    name: &LitStr,
    unit: Option<&str>,
    errors: &mut Errors,
) -> Implied {
    match (args.expr("value"), instrument) {
        (None, "counter") => return Implied::One,
        (None, "histogram") if matches!(unit, None | Some("s" | "ms" | "us")) => return Implied::Duration,
        (None, "histogram") => {
            let message = "a histogram without `value` holds the call's duration, in `s`, `ms` or `us`; add `value = ...`";
            errors.at(args.text("unit").unwrap_or(name).span(), message);
        }
        (None, _) => errors.at(name.span(), format_args!("a `{instrument}` needs `value = ...`")),
        (Some(_), _) => {}
    }
    Implied::Nothing
}

fn pascal_case(snake: &str) -> String {
    snake.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}
