//! Plans a span.

use syn::Expr;
use syn::ext::IdentExt as _;

use super::checks::{check_early, check_keys, check_named, check_redacted};
use crate::errors::Errors;
use crate::kinds::{Arg, Content, Records, SpanKind};
use crate::plan::{Handed, NamePart, Output, Recorded, SpanPlan, Value, Values};
use crate::read::args::Args;
use crate::read::expr::{Fixed, literal};
use crate::read::function::{Function, Param};

pub(super) fn plan_span<'a>(
    kind: &'static SpanKind,
    args: &'a Args,
    function: &'a Function,
    errors: &mut Errors,
) -> SpanPlan<'a> {
    check_named("skip", "skipped", args, function, errors);
    check_named("redact", "redacted", args, function, errors);
    check_redacted(args, errors);
    check_early(args, errors);
    let Named { text: name, expr, parts, is_of_parts } = plan_name(args, function);
    let (fixed_parts, name_parts): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|part| !is_of_parts && part.value.fixed().is_some());
    let recorded = own(args).chain(args.fields("fields").iter().map(Recorded::field));
    let (late, known): (Vec<_>, Vec<_>) = recorded.partition(|one| one.value.is_late());
    let (fixed, known): (Vec<_>, Vec<_>) = known.into_iter().partition(|one| one.value.fixed().is_some());
    let (mut values, mut early) = (plan_values(kind, args, function), Vec::new());
    for one in known {
        match one.param(function) {
            Some(param) => values.add_field(one.key, param),
            None => early.push(one),
        }
    }
    let texts = args.given().filter(|(arg, _)| matches!(arg.records, Records::Text(_)));
    let texts = texts.map(|(arg, expr)| (arg.name, expr));
    let mut name_keys = plan_name_keys(kind, args);
    check_keys(kind, &name_keys, args, errors);
    let mut fixed = plan_fixed(kind, args, function, &fixed_parts, &fixed);
    if expr.is_none() && !is_of_parts {
        fixed.extend(name_keys.drain(..).map(|key| (key, Fixed::Text(name.clone()))));
    }
    SpanPlan {
        kind,
        fixed,
        name_keys,
        name,
        name_parts,
        is_named_by_parts: is_of_parts,
        input: args.expr("input"),
        values,
        output: match args.expr("output") {
            Some(expr) => Output::Expr(expr),
            None if args.span("skip_all").is_some() || function.result_type().is_none() => Output::Nothing,
            None => Output::Result,
        },
        texts: expr.map(|expr| ("name", expr)).into_iter().chain(texts).collect(),
        early,
        late,
        request: args.expr("request"),
        debug_errors: args.word("err").is_some_and(|word| word == "debug"),
    }
}

/// The attributes of every such span, those that are given as literals, and the doc comment where one repeats it.
fn plan_fixed<'a>(
    kind: &SpanKind,
    args: &Args,
    function: &Function,
    parts: &[NamePart<'a>],
    recorded: &[Recorded<'a>],
) -> Vec<(&'a str, Fixed)> {
    let always = kind.fixed.iter().map(|(key, value)| (*key, Fixed::Text((*value).to_owned())));
    let is_given = |key: &&str| args.given().any(|(arg, _)| arg.keys().contains(key));
    let doc = kind.doc_key.filter(|key| !is_given(key));
    let doc = doc.and_then(|key| Some((key, Fixed::Text(function.doc()?))));
    let parts = parts.iter().flat_map(|part| part.keys.iter().map(|key| (*key, &part.value)));
    let values = parts.chain(recorded.iter().map(|one| (one.key, &one.value)));
    let values = values.filter_map(|(key, value)| Some((key, value.fixed()?.clone())));
    always.chain(doc).chain(values).collect()
}

/// What the attribute's own arguments record, but for those that may be part of a name.
fn own(args: &Args) -> impl Iterator<Item = Recorded<'_>> {
    args.given().filter_map(|(arg, expr)| match arg.records {
        Records::Key(key) => Some(Recorded { key, value: Value::new(expr), is_documents: false }),
        Records::Documents(key) => Some(Recorded { key, value: Value::new(expr), is_documents: true }),
        Records::Nothing | Records::Text(_) | Records::Name(..) => None,
    })
}

struct Named<'a> {
    text: String,
    expr: Option<&'a Expr>,
    parts: Vec<NamePart<'a>>,
    /// Whether the parts make the name when the function is called.
    is_of_parts: bool,
}

/// The span's name: given, or made of the arguments that are part of it, or the function's.
fn plan_name<'a>(args: &'a Args, function: &Function) -> Named<'a> {
    let part = |arg: &'static Arg| {
        let Records::Name(keys, default) = arg.records else { return None };
        let default = || Some(Value::Fixed(Fixed::Text(default?.to_owned())));
        Some(NamePart { keys, value: args.expr(arg.name).map(Value::new).or_else(default)? })
    };
    let parts: Vec<_> = args.kind.args.iter().filter_map(part).collect();
    let texts: Option<Vec<_>> = parts.iter().map(|part| part.value.text()).collect();
    let (text, expr, is_of_parts) = match (args.expr("name").map(|expr| (expr, literal(expr))), texts) {
        (Some((_, Some(Fixed::Text(text)))), _) => (text, None, false),
        (Some((expr, _)), _) => (function.name(), Some(expr), false),
        (None, Some(texts)) if !texts.is_empty() => (texts.join(" "), None, false),
        (None, texts) => (function.name(), None, texts.is_none()),
    };
    Named { text, expr, parts, is_of_parts }
}

/// The attributes that repeat the name; of a list's element only where the element is there.
fn plan_name_keys(kind: &SpanKind, args: &Args) -> Vec<&'static str> {
    let keys: Vec<_> = args.given().flat_map(|(arg, _)| arg.keys()).collect();
    let is_wanted = |key: &&str| match key.split_once(".0.") {
        Some((list, _)) => keys.iter().any(|other| other.starts_with(list)),
        None => true,
    };
    let name_keys = kind.name_keys.iter().copied().filter(is_wanted);
    name_keys.filter(|key| !keys.iter().any(|other| **other == *key)).collect()
}

/// The arguments that make the input.
fn plan_values<'a>(kind: &SpanKind, args: &Args, function: &'a Function) -> Values<'a> {
    let replaced = ["input", "skip_all", "request"].into_iter().any(|name| args.span(name).is_some());
    let is_wanted =
        |param: &&Param| !replaced && param.recorded && !args.names("skip").contains(&param.ident);
    let handed = function.params.iter().filter(is_wanted).map(|param| {
        let is_redacted = args.names("redact").contains(&param.ident);
        Handed { param, is_redacted, mention: None }
    });
    let handed: Vec<_> = handed.collect();
    let arguments = match handed.as_slice() {
        [only] if only.param.unwrapped || kind.content != Content::Named => vec![String::new()],
        all => all.iter().map(|one| one.param.ident.unraw().to_string()).collect(),
    };
    Values { handed, arguments, fields: Vec::new() }
}
