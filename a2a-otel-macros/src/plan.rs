//! Decides what to record and when: arguments and function in, a plan out. The last stage that can fail.
//!
//! Expressions that name `output` are evaluated when the function has returned (late), all others before it runs.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::{Expr, ExprLit, Ident, Lit, LitStr};

use crate::args::{Args, Errors, Field, nearest};
use crate::function::{Function, Param};
use crate::kinds::{Arg, Content, Effect, INSTRUMENTS, SpanKind};

pub(crate) struct Plan<'a> {
    /// Where the runtime is found.
    pub(crate) runtime: TokenStream,
    pub(crate) function: &'a Function,
    /// Parameters that late expressions use; the body may consume them, so they are cloned first.
    pub(crate) kept: Vec<Kept<'a>>,
    pub(crate) effect: Planned<'a>,
}

/// A parameter, and where an expression names it.
pub(crate) struct Kept<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) mention: Span,
}

pub(crate) enum Planned<'a> {
    Span(SpanPlan<'a>),
    Metric(MetricPlan<'a>),
}

pub(crate) struct SpanPlan<'a> {
    pub(crate) kind: &'static SpanKind,
    /// The name as far as it is known at compile time.
    pub(crate) name: String,
    pub(crate) name_expr: Option<&'a Expr>,
    /// The parts of a name that is made of arguments; empty where the name is known.
    pub(crate) name_parts: Vec<Recorded<'a>>,
    pub(crate) name_keys: Vec<&'static str>,
    pub(crate) fixed: Vec<(&'static str, String)>,
    pub(crate) recorded: Vec<Recorded<'a>>,
    pub(crate) input: Input<'a>,
    pub(crate) output: Output<'a>,
    /// Fields whose value is a text that is known now.
    pub(crate) texts: Vec<&'a Field>,
    pub(crate) early: Vec<&'a Field>,
    pub(crate) late: Vec<&'a Field>,
    pub(crate) debug_errors: bool,
    /// Where the user said that the function returns a `Result`.
    pub(crate) checks_result: Option<Span>,
    pub(crate) session: Option<&'a Expr>,
    pub(crate) user: Option<&'a Expr>,
    pub(crate) model: Option<&'a Expr>,
    pub(crate) request: Option<&'a Expr>,
}

/// A value and the attributes that hold it.
pub(crate) struct Recorded<'a> {
    pub(crate) keys: &'static [&'static str],
    pub(crate) value: RecordedValue<'a>,
}

pub(crate) enum RecordedValue<'a> {
    Text(String),
    Expr(&'a Expr),
}

pub(crate) enum Input<'a> {
    Nothing,
    Expr(&'a Expr),
    /// Whether one parameter stands for itself, and the parameters.
    Params(bool, Vec<&'a Param>),
}

pub(crate) enum Output<'a> {
    Nothing,
    Expr(&'a Expr),
    Result,
}

pub(crate) struct MetricPlan<'a> {
    pub(crate) instrument: &'static str,
    pub(crate) name: &'a LitStr,
    pub(crate) unit: String,
    pub(crate) description: String,
    pub(crate) on: On,
    pub(crate) value: Amount<'a>,
    pub(crate) early: Vec<&'a Field>,
    pub(crate) late: Vec<&'a Field>,
}

#[derive(Clone, Copy)]
pub(crate) enum On {
    Ok,
    /// Where the user said so.
    Err(Span),
    Always,
}

pub(crate) enum Amount<'a> {
    One,
    /// How long the call took, in the unit.
    Duration,
    Early(&'a Expr),
    Late(&'a Expr),
}

impl<'a> Plan<'a> {
    /// `None` where `errors` says why.
    pub(crate) fn new(args: &'a Args, function: &'a Function, errors: &mut Errors) -> Option<Self> {
        check_const(function, errors);
        check_crate(args, errors);
        check_err(args, function, errors);
        let effect = match &args.kind.effect {
            Effect::Span(kind) => Planned::Span(plan_span(kind, args, function, errors)),
            Effect::Metric => Planned::Metric(plan_metric(args, function, errors)?),
        };
        let late = late_expressions(&effect);
        let mention = |ident: &Ident| {
            late.iter().find_map(|expr| find_ident(expr.to_token_stream(), &ident.to_string()))
        };
        let kept = function
            .params
            .iter()
            .filter_map(|param| Some(Kept { ident: &param.ident, mention: mention(&param.ident)?.span() }));
        let kept = kept.collect();
        let runtime = args.path("crate").map_or_else(|| quote!(::a2a_otel), ToTokens::to_token_stream);
        check_late_self(&late, function, errors);
        check_late_output(&late, function, errors);
        Some(Self { runtime, function, kept, effect })
    }
}

fn plan_span<'a>(
    kind: &'static SpanKind,
    args: &'a Args,
    function: &'a Function,
    errors: &mut Errors,
) -> SpanPlan<'a> {
    check_skips(args, function, errors);
    check_input(args, errors);
    let (name, name_expr, name_parts) = plan_name(args, function, errors);
    let own: Vec<_> = args.kind.args.iter().filter(|arg| !arg.keys.is_empty()).collect();
    let records = |key: &str| own.iter().any(|arg| given(args, arg).is_some() && arg.keys.contains(&key));
    let mut fixed: Vec<_> = kind.fixed.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    if let Some(key) = kind.doc_key.filter(|key| !records(key)) {
        fixed.extend(function.doc().map(|doc| (key, doc)));
    }
    let (late, early): (Vec<_>, Vec<_>) =
        args.fields("fields").iter().partition(|field| is_late(&field.value));
    let (texts, early) = early.into_iter().partition(|field| literal(&field.value).is_some());
    let in_parts = |arg: &Arg| arg.in_name && !name_parts.is_empty();
    let plan = SpanPlan {
        kind,
        name_keys: kind.name_keys.iter().copied().filter(|key| !records(key)).collect(),
        recorded: own.iter().filter(|arg| !in_parts(arg)).filter_map(|arg| given(args, arg)).collect(),
        name,
        name_expr,
        name_parts,
        fixed,
        input: plan_input(kind, args, function),
        output: match args.expr("output") {
            Some(expr) => Output::Expr(expr),
            None if args.span("skip_all").is_some() => Output::Nothing,
            None => Output::Result,
        },
        texts,
        early,
        late,
        debug_errors: args.word("err").is_some_and(|word| word == "debug"),
        checks_result: args.word("err").map(Ident::span),
        session: args.expr("session"),
        user: args.expr("user"),
        model: args.expr("model"),
        request: args.expr("request"),
    };
    check_keys(&plan, args.fields("fields"), errors);
    plan
}

/// The span's name: given, or made of the arguments that are part of it, or the function's.
fn plan_name<'a>(
    args: &'a Args,
    function: &Function,
    errors: &mut Errors,
) -> (String, Option<&'a Expr>, Vec<Recorded<'a>>) {
    match args.expr("name").map(|expr| (expr, literal(expr))) {
        Some((_, Some(text))) => {
            if text.value().trim().is_empty() {
                errors.at(text.span(), "`name` must not be empty");
            }
            return (text.value(), None, Vec::new());
        }
        Some((expr, None)) => return (function.name(), Some(expr), Vec::new()),
        None => {}
    }
    let in_name = args.kind.args.iter().filter(|arg| arg.in_name);
    let parts: Vec<_> = in_name.filter_map(|arg| given(args, arg)).collect();
    let texts: Option<Vec<_>> = parts.iter().map(|part| part.value.text()).collect();
    match texts {
        Some(texts) if texts.is_empty() => (function.name(), None, Vec::new()),
        Some(texts) => (texts.join(" "), None, Vec::new()),
        None => (function.name(), None, parts),
    }
}

/// The value of an argument that records itself, also where only its default is there.
fn given<'a>(args: &'a Args, arg: &Arg) -> Option<Recorded<'a>> {
    let value = match args.expr(arg.name) {
        Some(expr) => {
            literal(expr).map_or(RecordedValue::Expr(expr), |text| RecordedValue::Text(text.value()))
        }
        None => RecordedValue::Text(arg.default?.to_owned()),
    };
    Some(Recorded { keys: arg.keys, value })
}

impl RecordedValue<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Expr(_) => None,
        }
    }
}

fn plan_input<'a>(kind: &SpanKind, args: &'a Args, function: &'a Function) -> Input<'a> {
    if let Some(expr) = args.expr("input") {
        return Input::Expr(expr);
    }
    if args.span("skip_all").is_some() || args.span("request").is_some() {
        return Input::Nothing;
    }
    let skipped = |param: &Param| args.names("skip").contains(&param.ident);
    let params: Vec<_> = function.params.iter().filter(|param| param.recorded && !skipped(param)).collect();
    let stands_for_itself = match params.as_slice() {
        [] => return Input::Nothing,
        [only] => only.unwrapped || kind.content == Content::Plain,
        _ => false,
    };
    Input::Params(stands_for_itself, params)
}

fn plan_metric<'a>(args: &'a Args, function: &Function, errors: &mut Errors) -> Option<MetricPlan<'a>> {
    let unit = args.text("unit").map(LitStr::value);
    check_unit(args, errors);
    check_repeated(args.fields("attributes"), Vec::new(), errors);
    let on = plan_on(args, function, errors);
    let (instrument, name) = plan_instrument(args, errors)?;
    let value = plan_amount(args, instrument, name, unit.as_deref(), errors);
    let default_unit = if matches!(value, Amount::Duration) { "s" } else { "" };
    let (late, early) = args.fields("attributes").iter().partition(|field| is_late(&field.value));
    Some(MetricPlan {
        instrument,
        name,
        unit: unit.unwrap_or_else(|| default_unit.to_owned()),
        description: args.text("description").map(LitStr::value).unwrap_or_default(),
        on,
        value,
        early,
        late,
    })
}

fn plan_instrument<'a>(args: &'a Args, errors: &mut Errors) -> Option<(&'static str, &'a LitStr)> {
    let mut given = INSTRUMENTS.iter().filter_map(|instrument| Some((*instrument, args.text(instrument)?)));
    let Some((instrument, name)) = given.next() else {
        let forms = INSTRUMENTS.join(" | ");
        errors.at(Span::call_site(), format_args!("a metric needs an instrument: `{forms} = \"name\"`"));
        return None;
    };
    for (second, _) in given {
        let span = args.span(second).unwrap_or_else(Span::call_site);
        errors.at(
            span,
            format_args!("this metric is a `{instrument}` already; a `{second}` is an attribute of its own"),
        );
    }
    check_metric_name(name, errors);
    Some((instrument, name))
}

fn plan_on(args: &Args, function: &Function, errors: &mut Errors) -> On {
    match args.word("on") {
        Some(word) if word == "err" => {
            if function.result_type().is_none() {
                let name = function.name();
                let message = format_args!(
                    "`on = err` needs a function that returns a `Result`; `{name}` returns nothing"
                );
                errors.at(word.span(), message);
            }
            On::Err(word.span())
        }
        Some(word) if word == "always" => On::Always,
        _ => On::Ok,
    }
}

fn plan_amount<'a>(
    args: &'a Args,
    instrument: &str,
    name: &LitStr,
    unit: Option<&str>,
    errors: &mut Errors,
) -> Amount<'a> {
    match (args.expr("value"), instrument) {
        (Some(value), _) if is_late(value) => Amount::Late(value),
        (Some(value), _) => Amount::Early(value),
        (None, "counter") => Amount::One,
        (None, "histogram") if matches!(unit, None | Some("s" | "ms" | "us")) => Amount::Duration,
        (None, "histogram") => {
            let message = "a histogram without `value` holds the call's duration, in `s`, `ms` or `us`; add `value = ...`";
            errors.at(args.text("unit").unwrap_or(name).span(), message);
            Amount::One
        }
        (None, _) => {
            errors.at(name.span(), format_args!("a `{instrument}` needs `value = ...`"));
            Amount::One
        }
    }
}

fn check_const(function: &Function, errors: &mut Errors) {
    if let Some(constness) = &function.sig.constness {
        errors.at(constness.span, "a `const fn` cannot be observed; remove `const` or the attribute");
    }
}

fn check_crate(args: &Args, errors: &mut Errors) {
    let Some(path) = args.path("crate") else { return };
    let first = path.segments.first().map(|segment| segment.ident.to_string());
    if path.leading_colon.is_none() && !matches!(first.as_deref(), Some("crate" | "$crate")) {
        let message = "`crate` takes an absolute path, such as `::a2a_otel` or `crate::a2a_otel`: \
                       a relative one means something else in each module";
        errors.add(syn::Error::new_spanned(path, message));
    }
}

fn check_err(args: &Args, function: &Function, errors: &mut Errors) {
    if let (Some(span), None) = (args.span("err"), function.result_type()) {
        let name = function.name();
        errors.at(
            span,
            format_args!("`err` needs a function that returns a `Result`; `{name}` returns nothing"),
        );
    }
}

fn check_skips(args: &Args, function: &Function, errors: &mut Errors) {
    if let (Some(span), Some(_)) = (args.span("skip"), args.span("skip_all")) {
        errors.at(span, "`skip_all` already covers `skip(...)`; keep one of them");
    }
    for skipped in args.names("skip") {
        check_skip(skipped, function, errors);
    }
}

/// The body has consumed what is not a shared reference, and `self` cannot be cloned under its own name.
fn check_late_self(late: &[&Expr], function: &Function, errors: &mut Errors) {
    if function.lends_self() {
        return;
    }
    for word in late.iter().filter_map(|expr| find_ident(expr.to_token_stream(), "self")) {
        let message =
            "`self` is not at hand any more when there is an `output`; record it in an expression of its own";
        errors.at(word.span(), message);
    }
}

/// A parameter of that name would be meant as likely as the result.
fn check_late_output(late: &[&Expr], function: &Function, errors: &mut Errors) {
    if !function.params.iter().any(|param| param.ident == "output") {
        return;
    }
    for word in late.iter().filter_map(|expr| output_ident(expr.to_token_stream())) {
        errors.at(word.span(), "`output` is the result here, and a parameter as well; rename the parameter");
    }
}

/// OpenTelemetry's SDK keeps both values of a key that is recorded twice.
fn check_keys(plan: &SpanPlan<'_>, fields: &[Field], errors: &mut Errors) {
    let mut known: Vec<String> = plan.name_keys.iter().map(ToString::to_string).collect();
    known.push("openinference.span.kind".into());
    known.extend(
        plan.recorded
            .iter()
            .chain(&plan.name_parts)
            .flat_map(|recorded| recorded.keys)
            .map(ToString::to_string),
    );
    known.extend(plan.kind.fixed.iter().map(|(key, _)| (*key).to_owned()));
    if !matches!(plan.input, Input::Nothing) || plan.request.is_some() {
        known.extend(["input.value".into(), "input.mime_type".into()]);
    }
    if !matches!(plan.output, Output::Nothing) {
        known.extend(["output.value".into(), "output.mime_type".into()]);
    }
    for (given, key) in [(plan.session, "session.id"), (plan.user, "user.id"), (plan.model, "llm.model_name")]
    {
        known.extend(given.map(|_| key.to_owned()));
    }
    check_repeated(fields, known, errors);
}

fn check_repeated(fields: &[Field], mut known: Vec<String>, errors: &mut Errors) {
    for field in fields {
        let key = field.key.value();
        if known.contains(&key) {
            errors
                .at(field.key.span(), format_args!("`{key}` is recorded already; each key holds one value"));
        }
        known.push(key);
    }
}

fn check_skip(skipped: &Ident, function: &Function, errors: &mut Errors) {
    if skipped == "self" || function.params.iter().any(|param| param.ident == *skipped) {
        return;
    }
    let known: Vec<_> = function.params.iter().map(|param| param.ident.unraw().to_string()).collect();
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    let advice = match nearest(&skipped.to_string(), &known) {
        Some(near) => format!(", did you mean `{near}`?"),
        None => String::new(),
    };
    errors.at(
        skipped.span(),
        format_args!("`{}` has no parameter `{skipped}` to skip{advice}", function.name()),
    );
}

fn check_input(args: &Args, errors: &mut Errors) {
    for name in ["input", "session", "user", "name", "model", "request"] {
        if let Some(expr) = args.expr(name).filter(|expr| is_late(expr)) {
            let message =
                format!("`{name}` is recorded before the function runs, when there is no `output` yet");
            errors.add(syn::Error::new_spanned(expr, message));
        }
    }
}

/// The instrument name syntax of the OpenTelemetry metrics API.
fn check_metric_name(literal: &LitStr, errors: &mut Errors) {
    let name = literal.value();
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-' | '/');
    if name.is_empty() {
        errors.at(literal.span(), "a metric's name must not be empty");
    } else if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        errors.at(literal.span(), format_args!("a metric's name begins with a letter; \"{name}\" does not"));
    } else if let Some(wrong) = name.chars().find(|letter| !allowed(*letter)) {
        let message = format!(
            "a metric's name may hold a-z, A-Z, 0-9, `_`, `.`, `-`, `/`; found `{wrong}` in \"{name}\""
        );
        errors.at(literal.span(), message);
    } else if name.len() > 255 {
        errors.at(literal.span(), "a metric's name has at most 255 letters");
    }
}

/// The instrument unit syntax of the OpenTelemetry metrics API, and the words that UCUM spells otherwise.
fn check_unit(args: &Args, errors: &mut Errors) {
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
    let Some(literal) = args.text("unit") else { return };
    let unit = literal.value();
    if let Some((_, symbol)) = WORDS.iter().find(|(word, _)| *word == unit) {
        errors.at(literal.span(), format_args!("`unit` cannot be \"{unit}\"; UCUM writes it \"{symbol}\""));
    } else if unit.len() > 63 || !unit.chars().all(|letter| letter.is_ascii_graphic()) {
        let message =
            "`unit` takes at most 63 ASCII letters without spaces, such as \"s\", \"By\" or \"{order}\"";
        errors.at(literal.span(), message);
    }
}

/// The expressions that are evaluated when the function has returned.
fn late_expressions<'a>(effect: &Planned<'a>) -> Vec<&'a Expr> {
    let (fields, value) = match effect {
        Planned::Span(span) => match span.output {
            Output::Expr(expr) => (&span.late, Some(expr)),
            _ => (&span.late, None),
        },
        Planned::Metric(metric) => match metric.value {
            Amount::Late(expr) => (&metric.late, Some(expr)),
            _ => (&metric.late, None),
        },
    };
    fields.iter().map(|field| &field.value).chain(value).collect()
}

fn is_late(expr: &Expr) -> bool {
    literal(expr).is_none() && output_ident(expr.to_token_stream()).is_some()
}

/// The word `output` as the user wrote it, if the expression names it.
pub(crate) fn output_ident(tokens: TokenStream) -> Option<Ident> {
    find_ident(tokens, "output")
}

/// Finds a variable of that name, also where a format string names it; what stands behind a single dot is a field or
/// a method.
fn find_ident(tokens: TokenStream, name: &str) -> Option<Ident> {
    let mut behind_dot = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if !behind_dot && ident == name => return Some(ident),
            TokenTree::Literal(literal) if formats(&literal.to_string(), name) => {
                return Some(Ident::new(name, literal.span()));
            }
            TokenTree::Group(group) => {
                if let Some(found) = find_ident(group.stream(), name) {
                    return Some(found);
                }
                behind_dot = false;
            }
            TokenTree::Punct(punct) => behind_dot = punct.as_char() == '.' && !behind_dot,
            _ => behind_dot = false,
        }
    }
    None
}

/// Whether a format string names the variable: `{output}` or `{output:?}`.
fn formats(literal: &str, name: &str) -> bool {
    literal
        .split('{')
        .skip(1)
        .any(|part| part.strip_prefix(name).is_some_and(|rest| rest.starts_with(['}', ':'])))
}

fn literal(expr: &Expr) -> Option<&LitStr> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}
