//! Plans what a span records.

use syn::Expr;
use syn::ext::IdentExt as _;

use super::checks::{check_early, check_keys, check_named, check_redacted};
use crate::errors::Errors;
use crate::kinds::{self, Arg, Content, Records, SpanKind};
use crate::plan::{NamePart, Output, Passed, Recorded, SpanPlan, Value, Values};
use crate::read::args::Args;
use crate::read::expr::{Fixed, literal};
use crate::read::function::{Function, Param};
use crate::runtime::TextMethod;

pub(super) fn plan_span<'a>(
    kind: &'static SpanKind,
    args: &'a Args,
    function: &'a Function,
    errors: &mut Errors,
) -> SpanPlan<'a> {
    check_named(&kinds::SKIP, "skipped", args, function, errors);
    check_named(&kinds::REDACT, "redacted", args, function, errors);
    check_redacted(args, errors);
    check_early(args, errors);
    let mut name = plan_name(args, function);
    let fixed_parts = name.take_fixed_parts();
    let Recordings { fixed, values, early, late } = plan_recordings(kind, args, function);
    let mut name_keys = plan_name_keys(kind, args);
    check_keys(kind, &name_keys, args, errors);
    let mut fixed = plan_fixed(kind, args, function, &fixed_parts, &fixed);
    if name.is_known() {
        fixed.extend(name_keys.drain(..).map(|key| (key, Fixed::Text(name.text.clone()))));
    }
    SpanPlan {
        kind,
        fixed,
        name_keys,
        texts: plan_texts(args, &name),
        name: name.text,
        name_parts: name.parts,
        is_named_by_parts: name.is_of_parts,
        input: args.expr(&kinds::INPUT),
        values,
        output: plan_output(args, function),
        early,
        late,
        request: args.expr(&kinds::REQUEST),
        lists_items: args.span(&kinds::ITEMS).is_some(),
        debug_errors: args.word(&kinds::ERR).is_some_and(|word| word == kinds::DEBUG),
    }
}

/// What is recorded under a key, grouped by when it is known and how it is passed to the runtime.
struct Recordings<'a> {
    fixed: Vec<Recorded<'a>>,
    /// Parameters that are recorded unchanged.
    values: Values<'a>,
    early: Vec<Recorded<'a>>,
    late: Vec<Recorded<'a>>,
}

fn plan_recordings<'a>(kind: &SpanKind, args: &'a Args, function: &'a Function) -> Recordings<'a> {
    let recorded = own(args).chain(args.fields(&kinds::FIELDS).iter().map(Recorded::field));
    let (late, known): (Vec<_>, Vec<_>) = recorded.partition(|one| one.value.is_late());
    let (fixed, known): (Vec<_>, Vec<_>) = known.into_iter().partition(|one| one.value.fixed().is_some());
    let (mut values, mut early) = (plan_values(kind, args, function), Vec::new());
    for one in known {
        match one.param(function) {
            Some(param) => values.add_field(one.key, param),
            None => early.push(one),
        }
    }
    Recordings { fixed, values, early, late }
}

/// The expressions that are recorded as text.
fn plan_texts<'a>(args: &'a Args, name: &Named<'a>) -> Vec<(TextMethod, &'a Expr)> {
    let own = args.given().filter_map(|(arg, expr)| match arg.records {
        Records::Text(method, _) => Some((method, expr)),
        _ => None,
    });
    name.expr.map(|expr| (TextMethod::Name, expr)).into_iter().chain(own).collect()
}

fn plan_output<'a>(args: &'a Args, function: &Function) -> Output<'a> {
    match args.expr(&kinds::OUTPUT) {
        Some(expr) => Output::Expr(expr),
        None if args.span(&kinds::SKIP_ALL).is_some() || function.result_type().is_none() => Output::Nothing,
        None => Output::Result,
    }
}

/// The attributes that are known at compile time: those of the kind, the doc comment, and literals.
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

/// What the attribute macro's own arguments record, except those that may be part of the name.
fn own(args: &Args) -> impl Iterator<Item = Recorded<'_>> {
    args.given().filter_map(|(arg, expr)| match arg.records {
        Records::Key(key) => Some(Recorded { key, value: Value::new(expr), is_documents: false }),
        Records::Documents(key) => Some(Recorded { key, value: Value::new(expr), is_documents: true }),
        Records::Nothing | Records::Text(..) | Records::Name(..) => None,
    })
}

struct Named<'a> {
    text: String,
    expr: Option<&'a Expr>,
    parts: Vec<NamePart<'a>>,
    /// Whether the parts form the name at run time.
    is_of_parts: bool,
}

impl<'a> Named<'a> {
    /// Whether the name is known at compile time.
    const fn is_known(&self) -> bool {
        self.expr.is_none() && !self.is_of_parts
    }

    /// Removes the parts that are only recorded, with values that are known at compile time.
    fn take_fixed_parts(&mut self) -> Vec<NamePart<'a>> {
        let is_fixed = |part: &NamePart<'_>| !self.is_of_parts && part.value.fixed().is_some();
        let (fixed, parts) = std::mem::take(&mut self.parts).into_iter().partition(is_fixed);
        self.parts = parts;
        fixed
    }
}

/// The span's name: `name`, or the arguments that are part of it, or the function's name.
fn plan_name<'a>(args: &'a Args, function: &Function) -> Named<'a> {
    let part = |arg: &'static Arg| {
        let Records::Name(keys, default) = arg.records else { return None };
        let default = || Some(Value::Fixed(Fixed::Text(default?.to_owned())));
        Some(NamePart { keys, value: args.expr(arg).map(Value::new).or_else(default)? })
    };
    let parts: Vec<_> = args.kind.args.iter().filter_map(part).collect();
    let texts: Option<Vec<_>> = parts.iter().map(|part| part.value.text()).collect();
    let (text, expr, is_of_parts) = match (args.expr(&kinds::NAME).map(|expr| (expr, literal(expr))), texts) {
        (Some((_, Some(Fixed::Text(text)))), _) => (text, None, false),
        (Some((expr, _)), _) => (function.name(), Some(expr), false),
        (None, Some(texts)) if !texts.is_empty() => (texts.join(" "), None, false),
        (None, texts) => (function.name(), None, texts.is_none()),
    };
    Named { text, expr, parts, is_of_parts }
}

/// The attributes that repeat the name and are not recorded otherwise. An attribute of a list's element is only set if
/// an argument sets another of the element.
fn plan_name_keys(kind: &SpanKind, args: &Args) -> Vec<&'static str> {
    let keys: Vec<_> = args.given().flat_map(|(arg, _)| arg.keys()).collect();
    let is_wanted = |key: &&str| match key.split_once(".0.") {
        Some((list, _)) => keys.iter().any(|other| other.starts_with(list)),
        None => true,
    };
    let name_keys = kind.name_keys.iter().copied().filter(is_wanted);
    name_keys.filter(|key| !keys.iter().any(|other| **other == *key)).collect()
}

/// The parameters that form the input.
fn plan_values<'a>(kind: &SpanKind, args: &Args, function: &'a Function) -> Values<'a> {
    let replaced = [kinds::INPUT, kinds::SKIP_ALL, kinds::REQUEST].iter().any(|arg| args.span(arg).is_some());
    let is_wanted =
        |param: &&Param| !replaced && param.recorded && !args.names(&kinds::SKIP).contains(&param.ident);
    let passed = function.params.iter().filter(is_wanted).map(|param| {
        let is_redacted = args.names(&kinds::REDACT).contains(&param.ident);
        Passed { param, is_redacted, mention: None }
    });
    let passed: Vec<_> = passed.collect();
    let arguments = match passed.as_slice() {
        [only] if only.param.unwrapped || kind.content != Content::Named => vec![String::new()],
        all => all.iter().map(|one| one.param.ident.unraw().to_string()).collect(),
    };
    Values { passed, arguments, fields: Vec::new() }
}
