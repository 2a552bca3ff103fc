//! Rules about the arguments as a whole, and about the function they are for. Each reports what is wrong, and where.

use proc_macro2::Span;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Expr, Ident, LitStr, Type};

use crate::errors::{Errors, nearest};
use crate::kinds::{self, Arg, RESERVED, Records, SpanKind};
use crate::plan::{MetricPlan, Planned};
use crate::read::args::{Args, Field};
use crate::read::expr::{find_ident, is_late, output_ident};
use crate::read::function::{Function, Shape, Stays};
use crate::read::types::{Streams, has_opaque, opaque_items};
use crate::runtime::{Instrument, On};

pub(super) fn check_const(function: &Function, errors: &mut Errors) {
    if let Some(constness) = &function.sig.constness {
        errors.at(constness.span, "a `const fn` cannot be instrumented; remove `const` or the attribute");
    }
}

pub(super) fn check_crate(args: &Args, errors: &mut Errors) {
    let Some(path) = args.path(&kinds::CRATE) else { return };
    let first = path.segments.first().map(|segment| segment.ident.to_string());
    if path.leading_colon.is_none() && !matches!(first.as_deref(), Some("crate" | "$crate")) {
        let message = "`crate` takes an absolute path, such as `::a2a_otel` or `crate::a2a_otel`; \
                       a relative path means something else in each module";
        errors.add(syn::Error::new_spanned(path, message));
    }
}

/// Reports an argument that needs a `Result` if the function returns nothing.
pub(super) fn check_fails(what: &str, span: Option<Span>, function: &Function, errors: &mut Errors) {
    if let (Some(span), None) = (span, function.result_type()) {
        let name = function.name();
        let message = format!("`{what}` needs a function that returns a `Result`; `{name}` returns nothing");
        errors.at(span, message);
    }
}

/// Reports `items` if there are none.
pub(super) fn check_items(has_items: bool, args: &Args, function: &Function, errors: &mut Errors) {
    if let Some(span) = args.span(&kinds::ITEMS).filter(|_| !has_items) {
        let name = function.name();
        errors.at(
            span,
            format_args!("`items` needs a function that returns a stream or an iterator; `{name}` does not"),
        );
    }
}

/// Reports `replay` where the recording does not hold what the function returns.
pub(super) fn check_replay(
    stream: Option<Streams>,
    stays: bool,
    args: &Args,
    function: &Function,
    errors: &mut Errors,
) {
    let Some(span) = args.span(&kinds::REPLAY) else { return };
    let is_called_later = matches!(function.shape, Shape::Future | Shape::Boxed);
    let is_opaque =
        |ty: &Type| has_opaque(ty) && (stream.is_none() || is_called_later || opaque_items(ty).is_none());
    let why = match function.result_type() {
        _ if args.span(&kinds::SKIP_ALL).is_some() => "`skip_all` leaves the result out of the recording",
        _ if args.span(&kinds::OUTPUT).is_some() => "`output = ...` is recorded instead of the result",
        _ if stays => "the result of this function is not recorded",
        Some(Type::Never(_)) => "the function never returns",
        Some(ty) if is_opaque(ty) => "the type of the result has to be written in full",
        _ => return,
    };
    errors.at(span, format_args!("`replay` cannot answer this function: {why}"));
}

/// Checks a list of parameters to skip or redact.
pub(super) fn check_named(list: &Arg, done: &str, args: &Args, function: &Function, errors: &mut Errors) {
    if let (Some(span), Some(_)) = (args.span(list), args.span(&kinds::SKIP_ALL)) {
        let list = list.name;
        errors.at(span, format_args!("`skip_all` already covers `{list}(...)`; keep one of them"));
    }
    let names = args.names(list);
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            errors.at(name.span(), format_args!("`{name}` is {done} twice"));
        }
        check_name(list.name, name, function, errors);
    }
}

/// Reports a `redact` without effect: the user would believe that a value is hidden.
pub(super) fn check_redacted(args: &Args, errors: &mut Errors) {
    let Some(span) = args.span(&kinds::REDACT) else { return };
    if let Some(other) = [kinds::INPUT, kinds::REQUEST].iter().find(|other| args.span(other).is_some()) {
        let other = other.name;
        let message = format!(
            "`redact` has no effect with `{other} = ...`, which replaces the parameters as the input; \
             remove one of them"
        );
        errors.at(span, message);
    }
    for name in args.names(&kinds::REDACT).iter().filter(|name| args.names(&kinds::SKIP).contains(name)) {
        errors.at(
            name.span(),
            format_args!("`{name}` is already skipped; remove it from `skip(...)` or from `redact(...)`"),
        );
    }
}

/// Reports `self` in a late expression, unless it is a shared reference: the body may consume it, and it cannot be
/// cloned under its own name.
pub(super) fn check_late_self(late: &[&Expr], function: &Function, errors: &mut Errors) {
    if function.lends_self() {
        return;
    }
    for word in late.iter().filter_map(|expr| find_ident(expr.to_token_stream(), "self")) {
        let message = "`self` cannot be used together with `output`, because the function may consume it; \
                       record it in a separate expression";
        errors.at(word.span(), message);
    }
}

/// Reports a parameter called `output` if a late expression names it: it could mean either.
pub(super) fn check_late_output(late: &[&Expr], function: &Function, errors: &mut Errors) {
    if !function.params.iter().any(|param| param.ident == "output") {
        return;
    }
    for word in late.iter().filter_map(|expr| output_ident(expr.to_token_stream())) {
        errors
            .at(word.span(), "`output` means the result here, but is also a parameter; rename the parameter");
    }
}

/// Reports what needs the result of a body that must not move into a closure.
pub(super) fn check_unseen(
    stays: Stays,
    args: &Args,
    function: &Function,
    effect: &Planned<'_>,
    late: &[&Expr],
    errors: &mut Errors,
) {
    let (why, way_out) = match stays {
        Stays::ForItsCaller => (
            "the result of a `#[track_caller]` function cannot be recorded, \
             because that would hide the caller's location",
            "or remove `#[track_caller]`",
        ),
        Stays::ForItsClosure => (
            "the result of a function that returns a closure cannot be recorded",
            "or put the metric on the function that calls the closure",
        ),
    };
    for word in late.iter().filter_map(|expr| output_ident(expr.to_token_stream())) {
        errors.at(word.span(), why);
    }
    if let Some(span) = args.span(&kinds::ERR) {
        errors.at(span, why);
    }
    if let Planned::Metric(MetricPlan { on: On::Ok | On::Err, name, .. }) = effect
        && function.result_type().is_some()
    {
        let span = args.word(&kinds::ON).map_or_else(|| name.span(), Ident::span);
        errors.at(span, format_args!("{why}; write `on = always`, {way_out}"));
    }
}

/// Reports reserved and repeated keys. OpenTelemetry's SDK keeps both values of a key that is recorded twice.
pub(super) fn check_keys(kind: &SpanKind, name_keys: &[&'static str], args: &Args, errors: &mut Errors) {
    let mut known = name_keys.to_vec();
    known.extend(kind.fixed.iter().map(|(key, _)| *key));
    known.extend(args.given().flat_map(|(arg, _)| arg.keys()));
    let fields = args.fields(&kinds::FIELDS);
    let reserved = |key: &str| {
        RESERVED.iter().find(|(name, _)| key == *name || name.ends_with('.') && key.starts_with(name))
    };
    for field in fields {
        if let Some((_, advice)) = reserved(&field.key) {
            errors.at(field.span, format_args!("`{}` cannot be recorded as a field: {advice}", field.key));
        }
    }
    check_repeated(fields, &known, errors);
}

pub(super) fn check_repeated(fields: &[Field], known: &[&str], errors: &mut Errors) {
    for (index, Field { key, span, .. }) in fields.iter().enumerate() {
        if known.contains(&key.as_str()) || fields[..index].iter().any(|other| other.key == *key) {
            errors.at(*span, format_args!("`{key}` is already recorded; each key holds one value"));
        }
    }
}

fn check_name(list: &str, name: &Ident, function: &Function, errors: &mut Errors) {
    if name == "self" || function.params.iter().any(|param| param.ident == *name) {
        return;
    }
    let known: Vec<_> = function.params.iter().map(|param| param.ident.unraw().to_string()).collect();
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    let advice = match nearest(&name.to_string(), &known) {
        Some(near) => format!(", did you mean `{near}`?"),
        None => String::new(),
    };
    errors.at(name.span(), format_args!("`{}` has no parameter `{name}` to {list}{advice}", function.name()));
}

pub(super) fn check_early(args: &Args, errors: &mut Errors) {
    let is_early = |arg: &Arg| match arg.records {
        Records::Nothing => arg.name != kinds::OUTPUT.name,
        Records::Name(..) | Records::Text(..) => true,
        Records::Key(_) | Records::Documents(_) => false,
    };
    for (arg, expr) in args.given().filter(|(arg, expr)| is_early(arg) && is_late(expr)) {
        let name = arg.name;
        let message = format!("`{name}` is recorded before the function runs, when there is no `output` yet");
        errors.add(syn::Error::new_spanned(expr, message));
    }
}

/// Checks a name by the instrument name syntax of OpenTelemetry's metrics API.
pub(super) fn check_metric_name(literal: &LitStr, errors: &mut Errors) {
    let name = literal.value();
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-' | '/');
    if name.is_empty() {
        errors.at(literal.span(), "a metric's name must not be empty");
    } else if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        errors.at(
            literal.span(),
            format_args!("a metric's name must begin with a letter; \"{name}\" does not"),
        );
    } else if let Some(wrong) = name.chars().find(|letter| !allowed(*letter)) {
        let message = format!(
            "a metric's name may contain a-z, A-Z, 0-9, `_`, `.`, `-`, `/`; found `{wrong}` in \"{name}\""
        );
        errors.at(literal.span(), message);
    } else if name.len() > 255 {
        errors.at(literal.span(), "a metric's name has at most 255 characters");
    }
}

/// Checks a unit by the instrument unit syntax of OpenTelemetry's metrics API, and reports words for which UCUM has a
/// symbol.
pub(super) fn check_unit(args: &Args, errors: &mut Errors) {
    const WORDS: &[(&str, &str)] = &[
        ("seconds", "s"),
        ("second", "s"),
        ("sec", "s"),
        ("milliseconds", "ms"),
        ("microseconds", "us"),
        ("bytes", "By"),
        ("byte", "By"),
        ("percent", "%"),
    ];
    let Some(literal) = args.text(&kinds::UNIT) else { return };
    let unit = literal.value();
    if let Some((_, symbol)) = WORDS.iter().find(|(word, _)| *word == unit) {
        errors.at(literal.span(), format_args!("`unit` cannot be \"{unit}\"; UCUM writes it \"{symbol}\""));
    } else if unit.len() > 63 || !unit.chars().all(|letter| letter.is_ascii_graphic()) {
        let message =
            "`unit` takes at most 63 ASCII characters without spaces, such as \"s\", \"By\" or \"{order}\"";
        errors.at(literal.span(), message);
    }
}

/// Reports `outcome` on a metric that measures only one outcome.
pub(super) fn check_outcome(args: &Args, on: On, errors: &mut Errors) {
    let Some(span) = args.span(&kinds::OUTCOME) else { return };
    if on != On::Always {
        errors.at(span, "`outcome` tells outcomes apart; add `on = always`, which measures all of them");
    }
}

/// Checks the bounds of a histogram's buckets, as far as they are numbers.
pub(super) fn check_buckets(
    expr: &Expr,
    numbers: Option<&[f64]>,
    instrument: Instrument,
    errors: &mut Errors,
) {
    let message = if instrument != Instrument::Histogram {
        "only a `histogram` has `buckets`"
    } else if find_ident(expr.to_token_stream(), "output").is_some() {
        "`buckets` takes constants: the bounds are the same for all calls"
    } else if numbers.is_some_and(|numbers| !numbers.iter().all(|bound| bound.is_finite())) {
        "a bound of `buckets` must be a finite number"
    } else if numbers.is_some_and(|numbers| !numbers.is_sorted_by(|lower, upper| lower < upper)) {
        "the bounds of `buckets` must increase, as in `[0.1, 0.5, 1.0]`"
    } else {
        return;
    };
    errors.add(syn::Error::new_spanned(expr, message));
}

/// What has an id that is new each time.
const WITH_IDS: &[&str] = &[
    "artifact",
    "call",
    "context",
    "conversation",
    "enduser",
    "message",
    "request",
    "response",
    "run",
    "session",
    "span",
    "task",
    "trace",
    "user",
];

/// Reports labels whose values never repeat: a metric keeps each as a series of its own.
pub(super) fn check_labels(labels: &[Field], errors: &mut Errors) {
    for Field { key, span, .. } in labels {
        if let Some(subject) = identified(key) {
            let message = format!(
                "`{key}` cannot be an attribute of a metric: each {subject} has a value of its own, and each value becomes a series that \
                 stays in memory; record it on the span, as in `#[chain_span(fields(\"{key}\" = ...))]`"
            );
            errors.at(*span, message);
        }
    }
}

/// The kind of thing whose id a key names, however it is written: `task.id`, `a2a.task_id`, `taskId`, `taskid`.
fn identified(key: &str) -> Option<&'static str> {
    const ENDS: &[&str] = &["id", "ids", "uuid", "uuids"];
    let words = words(key);
    let (last, before) = words.split_last()?;
    let subject = match before.last() {
        Some(subject) if ENDS.contains(&last.as_str()) => subject,
        _ => ENDS.iter().find_map(|end| last.strip_suffix(end))?,
    };
    WITH_IDS.iter().copied().find(|known| *known == subject)
}

/// The words of a key, in lower case.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_after_small = false;
    for letter in key.chars() {
        let is_next = !letter.is_alphanumeric() || (letter.is_uppercase() && is_after_small);
        if is_next {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
        is_after_small = letter.is_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::identified;

    #[test]
    fn an_id_is_recognised_however_it_is_written() {
        for key in [
            "task.id",
            "task_id",
            "a2a.task.id",
            "taskId",
            "TaskID",
            "taskid",
            "MESSAGE-ID",
            "enduser.id",
            "user_uuid",
        ] {
            assert!(identified(key).is_some(), "{key}");
        }
        for key in
            ["task", "task.state", "user.tier", "valid", "id", "product.id", "agent.id", "paid", "recall_id"]
        {
            assert_eq!(identified(key), None, "{key}");
        }
    }
}
