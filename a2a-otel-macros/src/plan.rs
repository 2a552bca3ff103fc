//! Decides what to record and when: arguments and function in, a plan out. The last stage that can fail.
//!
//! Expressions that name `output` are evaluated when the function has returned (late), all others before it runs.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Type};

use crate::args::{Args, Errors, Field, nearest};
use crate::function::{Function, Param, Stays, Streams, ok_type};
use crate::kinds::{Arg, Content, Effect, INSTRUMENTS, RESERVED, Records, SpanKind};

pub(crate) struct Plan<'a> {
    /// Where the runtime is found.
    pub(crate) runtime: TokenStream,
    pub(crate) function: &'a Function,
    /// The stream that the function gives back, if it does.
    pub(crate) stream: Option<Streams>,
    /// Whether the body has to stay where it is, so that its result is not seen.
    pub(crate) stays: bool,
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
    /// Attributes whose values are known at compile time.
    pub(crate) fixed: Vec<(String, Fixed)>,
    pub(crate) input: Input<'a>,
    pub(crate) output: Output<'a>,
    /// Recorded by the runtime's functions of these names.
    pub(crate) texts: Vec<(&'static str, &'a Expr)>,
    pub(crate) early: Vec<Recorded<'a>>,
    pub(crate) late: Vec<Recorded<'a>>,
    pub(crate) request: Option<&'a Expr>,
    pub(crate) debug_errors: bool,
    /// Where the user said that the function returns a `Result`.
    pub(crate) checks_result: Option<Span>,
}

/// A value and the attributes that hold it.
pub(crate) struct Recorded<'a> {
    pub(crate) keys: Vec<&'a str>,
    pub(crate) value: Recordable<'a>,
    /// Whether the value is a list of documents, and the key their prefix.
    pub(crate) is_documents: bool,
}

pub(crate) enum Recordable<'a> {
    Fixed(Fixed),
    Expr(&'a Expr),
}

/// A literal, as OpenTelemetry has it.
#[derive(Clone)]
pub(crate) enum Fixed {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

pub(crate) enum Input<'a> {
    Nothing,
    Expr(&'a Expr),
    /// One parameter that stands for itself.
    Param(Argument<'a>),
    Params(Vec<Argument<'a>>),
}

/// A parameter that is part of the input.
#[derive(Clone, Copy)]
pub(crate) struct Argument<'a> {
    pub(crate) param: &'a Param,
    pub(crate) is_redacted: bool,
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

impl<'a> MetricPlan<'a> {
    /// The expressions that look at the result.
    pub(crate) fn late_expressions(&self) -> Vec<&'a Expr> {
        let value = if let Amount::Late(expr) = self.value { Some(expr) } else { None };
        self.late.iter().map(|field| &field.value).chain(value).collect()
    }

    /// Whether there are any.
    pub(crate) fn is_late(&self) -> bool {
        !self.late_expressions().is_empty()
    }
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
        let stream = plan_stream(args, function, errors);
        let stays = function.stays().filter(|_| stream.is_none());
        check_late_self(&late, function, errors);
        check_late_output(&late, function, errors);
        if let Some(stays) = stays {
            check_unseen(stays, args, function, &effect, &late, errors);
        }
        let mention = |ident: &Ident| {
            late.iter().find_map(|expr| find_ident(expr.to_token_stream(), &ident.to_string()))
        };
        let kept = function
            .params
            .iter()
            .filter_map(|param| Some(Kept { ident: &param.ident, mention: mention(&param.ident)?.span() }));
        let kept = kept.collect();
        let runtime = args.path("crate").map_or_else(|| quote!(::a2a_otel), ToTokens::to_token_stream);
        Some(Self { runtime, function, stream, stays: stays.is_some(), kept, effect })
    }
}

/// The stream that the type names, or that the user says is there.
fn plan_stream(args: &Args, function: &Function, errors: &mut Errors) -> Option<Streams> {
    let Some(span) = args.span("stream").filter(|_| function.stream.is_none()) else {
        return function.stream;
    };
    let Some(ty) = function.result_type() else {
        let name = function.name();
        errors.at(
            span,
            format_args!("`stream` needs a function that returns a stream; `{name}` returns nothing"),
        );
        return None;
    };
    let ok = ok_type(ty);
    Some(Streams { fallible: ok.is_some(), boxed: !matches!(ok.unwrap_or(ty), Type::ImplTrait(_)) })
}

fn plan_span<'a>(
    kind: &'static SpanKind,
    args: &'a Args,
    function: &'a Function,
    errors: &mut Errors,
) -> SpanPlan<'a> {
    check_named("skip", "skipped", args, function, errors);
    check_named("redact", "redacted", args, function, errors);
    check_redacted(args, errors);
    check_early(args, errors);
    let (name, name_expr, name_parts) = plan_name(args, function);
    let is_recorded = |key: &str| given(args).any(|(arg, _)| arg.keys().contains(&key));
    let mut fixed: Vec<_> =
        kind.fixed.iter().map(|(key, value)| ((*key).to_owned(), Fixed::Text((*value).to_owned()))).collect();
    if let Some(key) = kind.doc_key.filter(|key| !is_recorded(key)) {
        fixed.extend(function.doc().map(|doc| (key.to_owned(), Fixed::Text(doc))));
    }
    let mut early = Vec::new();
    let (late, known) = own(args, !name_parts.is_empty())
        .chain(args.fields("fields").iter().map(Recorded::field))
        .partition::<Vec<_>, _>(Recorded::is_late);
    for recorded in known {
        match recorded.value {
            Recordable::Fixed(value) => {
                fixed.extend(recorded.keys.iter().map(|key| ((*key).to_owned(), value.clone())));
            }
            Recordable::Expr(_) => early.push(recorded),
        }
    }
    let text =
        |(arg, expr): (&'static Arg, _)| matches!(arg.records, Records::Text(_)).then_some((arg.name, expr));
    let plan = SpanPlan {
        kind,
        name_keys: plan_name_keys(kind, args),
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
        texts: given(args).filter_map(text).collect(),
        early,
        late,
        request: args.expr("request"),
        debug_errors: args.word("err").is_some_and(|word| word == "debug"),
        checks_result: args.word("err").map(Ident::span),
    };
    check_keys(&plan, args, errors);
    plan
}

/// The arguments with an expression that the user gave.
fn given(args: &Args) -> impl Iterator<Item = (&'static Arg, &Expr)> {
    args.kind.all_args().filter_map(|arg| Some((arg, args.expr(arg.name)?)))
}

/// What the attribute's own arguments record, but for those that are part of a name.
fn own(args: &Args, names_apart: bool) -> impl Iterator<Item = Recorded<'_>> {
    args.kind.args.iter().filter_map(move |arg| match arg.records {
        Records::Nothing | Records::Text(_) => None,
        Records::Keys(keys) => Some(Recorded::new(keys, args.expr(arg.name)?)),
        Records::Documents(prefix) => {
            Some(Recorded { is_documents: true, ..Recorded::new(&[prefix], args.expr(arg.name)?) })
        }
        Records::Name(..) => name_part(args, arg).filter(|_| !names_apart),
    })
}

/// The value of an argument that is part of the span's name, also where only its default is there.
fn name_part<'a>(args: &'a Args, arg: &Arg) -> Option<Recorded<'a>> {
    let Records::Name(keys, default) = arg.records else { return None };
    match args.expr(arg.name) {
        Some(expr) => Some(Recorded::new(keys, expr)),
        None => Some(Recorded {
            value: Recordable::Fixed(Fixed::Text(default?.to_owned())),
            keys: keys.to_vec(),
            is_documents: false,
        }),
    }
}

impl<'a> Recorded<'a> {
    fn new(keys: &[&'a str], expr: &'a Expr) -> Self {
        let value = literal(expr).map_or(Recordable::Expr(expr), Recordable::Fixed);
        Self { keys: keys.to_vec(), value, is_documents: false }
    }

    fn field(field: &'a Field) -> Self {
        Self::new(&[field.key.as_str()], &field.value)
    }

    fn is_late(&self) -> bool {
        self.expr().is_some_and(is_late)
    }

    pub(crate) const fn expr(&self) -> Option<&'a Expr> {
        match self.value {
            Recordable::Expr(expr) => Some(expr),
            Recordable::Fixed(_) => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match &self.value {
            Recordable::Fixed(Fixed::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// The span's name: given, or made of the arguments that are part of it, or the function's.
fn plan_name<'a>(args: &'a Args, function: &Function) -> (String, Option<&'a Expr>, Vec<Recorded<'a>>) {
    match args.expr("name").map(|expr| (expr, literal(expr))) {
        Some((_, Some(Fixed::Text(text)))) => return (text, None, Vec::new()),
        Some((expr, _)) => return (function.name(), Some(expr), Vec::new()),
        None => {}
    }
    let parts: Vec<_> = args.kind.args.iter().filter_map(|arg| name_part(args, arg)).collect();
    let texts: Option<Vec<_>> = parts.iter().map(Recorded::text).collect();
    match texts {
        Some(texts) if texts.is_empty() => (function.name(), None, Vec::new()),
        Some(texts) => (texts.join(" "), None, Vec::new()),
        None => (function.name(), None, parts),
    }
}

/// The attributes that repeat the name; of a list's element only where the element is there.
fn plan_name_keys(kind: &SpanKind, args: &Args) -> Vec<&'static str> {
    let keys: Vec<_> = given(args).flat_map(|(arg, _)| arg.keys()).collect();
    let is_wanted = |key: &&str| match key.split_once(".0.") {
        Some((list, _)) => keys.iter().any(|other| other.starts_with(list)),
        None => true,
    };
    let name_keys = kind.name_keys.iter().copied().filter(is_wanted);
    name_keys.filter(|key| !keys.iter().any(|other| **other == *key)).collect()
}

fn plan_input<'a>(kind: &SpanKind, args: &'a Args, function: &'a Function) -> Input<'a> {
    if let Some(expr) = args.expr("input") {
        return Input::Expr(expr);
    }
    if args.span("skip_all").is_some() || args.span("request").is_some() {
        return Input::Nothing;
    }
    let skipped = |param: &Param| args.names("skip").contains(&param.ident);
    let argument =
        |param: &'a Param| Argument { param, is_redacted: args.names("redact").contains(&param.ident) };
    let params = function.params.iter().filter(|param| param.recorded && !skipped(param));
    let params: Vec<_> = params.map(argument).collect();
    match params.as_slice() {
        [] => Input::Nothing,
        [only] if only.param.unwrapped || kind.content != Content::Named => Input::Param(*only),
        _ => Input::Params(params),
    }
}

fn plan_metric<'a>(args: &'a Args, function: &Function, errors: &mut Errors) -> Option<MetricPlan<'a>> {
    let unit = args.text("unit").map(LitStr::value);
    check_unit(args, errors);
    check_repeated(args.fields("attributes"), &[], errors);
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
        // One that is there but malformed has been told already.
        if errors.is_empty() {
            let forms = INSTRUMENTS.join(" | ");
            errors.at(Span::call_site(), format_args!("a metric needs an instrument: `{forms} = \"name\"`"));
        }
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

/// A list of parameters to skip or redact.
fn check_named(list: &str, done: &str, args: &Args, function: &Function, errors: &mut Errors) {
    if let (Some(span), Some(_)) = (args.span(list), args.span("skip_all")) {
        errors.at(span, format_args!("`skip_all` already covers `{list}(...)`; keep one of them"));
    }
    let names = args.names(list);
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            errors.at(name.span(), format_args!("`{name}` is {done} twice"));
        }
        check_name(list, name, function, errors);
    }
}

/// Whoever redacts must not be left to believe that it happens where it does not.
fn check_redacted(args: &Args, errors: &mut Errors) {
    let Some(span) = args.span("redact") else { return };
    if let Some(other) = ["input", "request"].into_iter().find(|other| args.span(other).is_some()) {
        errors.at(
            span,
            format_args!("`redact` is of no use beside `{other} = ...`, which is the input instead"),
        );
    }
    for name in args.names("redact").iter().filter(|name| args.names("skip").contains(name)) {
        errors.at(name.span(), format_args!("`{name}` is skipped already; keep one of them"));
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

/// Of a body that stays where it is, nobody sees the result.
fn check_unseen(
    stays: Stays,
    args: &Args,
    function: &Function,
    effect: &Planned<'_>,
    late: &[&Expr],
    errors: &mut Errors,
) {
    let (why, way_out) = match stays {
        Stays::ForItsCaller => (
            "under `#[track_caller]` the result is not seen, for the caller's location would be lost",
            "or take `#[track_caller]` away",
        ),
        Stays::ForItsClosure => (
            "a closure that a function gives back is not seen",
            "or put the metric on what calls the closure",
        ),
    };
    for word in late.iter().filter_map(|expr| output_ident(expr.to_token_stream())) {
        errors.at(word.span(), why);
    }
    if let Some(span) = args.span("err") {
        errors.at(span, why);
    }
    if let Planned::Metric(MetricPlan { on: On::Ok | On::Err(_), name, .. }) = effect
        && function.result_type().is_some()
    {
        let span = args.word("on").map_or_else(|| name.span(), Ident::span);
        errors.at(span, format_args!("{why}: write `on = always`, {way_out}"));
    }
}

/// OpenTelemetry's SDK keeps both values of a key that is recorded twice.
fn check_keys(plan: &SpanPlan<'_>, args: &Args, errors: &mut Errors) {
    let mut known = plan.name_keys.clone();
    known.extend(plan.kind.fixed.iter().map(|(key, _)| *key));
    known.extend(given(args).flat_map(|(arg, _)| arg.keys()));
    let fields = args.fields("fields");
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

fn check_repeated(fields: &[Field], known: &[&str], errors: &mut Errors) {
    for (index, Field { key, span, .. }) in fields.iter().enumerate() {
        if known.contains(&key.as_str()) || fields[..index].iter().any(|other| other.key == *key) {
            errors.at(*span, format_args!("`{key}` is recorded already; each key holds one value"));
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

fn check_early(args: &Args, errors: &mut Errors) {
    let is_early = |arg: &Arg| match arg.records {
        Records::Nothing => arg.name != "output",
        Records::Name(..) | Records::Text(_) => true,
        Records::Keys(_) | Records::Documents(_) => false,
    };
    for (arg, expr) in given(args).filter(|(arg, expr)| is_early(arg) && is_late(expr)) {
        let name = arg.name;
        let message = format!("`{name}` is recorded before the function runs, when there is no `output` yet");
        errors.add(syn::Error::new_spanned(expr, message));
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
    match effect {
        Planned::Span(span) => {
            let output = if let Output::Expr(expr) = span.output { Some(expr) } else { None };
            span.late.iter().filter_map(Recorded::expr).chain(output).collect()
        }
        Planned::Metric(metric) => metric.late_expressions(),
    }
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

/// The value of a literal.
fn literal(expr: &Expr) -> Option<Fixed> {
    let Expr::Lit(ExprLit { lit, .. }) = expr else { return None };
    match lit {
        Lit::Str(text) => Some(Fixed::Text(text.value())),
        Lit::Int(number) => number.base10_parse().ok().map(Fixed::Int),
        Lit::Float(number) => number.base10_parse().ok().map(Fixed::Float),
        Lit::Bool(bool) => Some(Fixed::Bool(bool.value)),
        _ => None,
    }
}
