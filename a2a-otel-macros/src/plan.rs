//! Decides what to record and when: arguments and function in, a plan out. The last stage that can fail.
//!
//! Expressions that name `output` are evaluated when the function has returned (late), all others before it runs.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::{Expr, ExprLit, Ident, Lit, LitStr};

use crate::args::{Args, Errors, Field};
use crate::checks::{
    check_const, check_crate, check_early, check_fails, check_keys, check_late_output, check_late_self,
    check_metric_name, check_named, check_redacted, check_repeated, check_unit, check_unseen,
};
use crate::function::{Function, Param};
use crate::kinds::{Arg, Content, Effect, INSTRUMENTS, Records, SpanKind};
use crate::types::Streams;

pub(crate) struct Plan<'a> {
    pub(crate) runtime: Runtime,
    pub(crate) function: &'a Function,
    /// The stream that the function gives back, if it does.
    pub(crate) stream: Option<Streams>,
    /// Whether the body has to stay where it is, so that its result is not seen.
    pub(crate) stays: bool,
    /// Parameters that late expressions use; the body may consume them, so they are cloned first.
    pub(crate) kept: Vec<Kept<'a>>,
    /// Where the user said that the function returns a `Result`.
    pub(crate) checks_result: Option<Span>,
    pub(crate) effect: Planned<'a>,
}

/// The path to what generated code may call. It is written token by token: to join streams costs the compiler more.
pub(crate) struct Runtime(Vec<TokenTree>);

impl ToTokens for Runtime {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().cloned());
    }
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
    pub(crate) name_parts: Vec<NamePart<'a>>,
    /// Whether the name is made of the parts, or they are only recorded.
    pub(crate) is_named_by_parts: bool,
    /// Attributes that repeat a name which is only known when the function is called.
    pub(crate) name_keys: Vec<&'static str>,
    /// Attributes whose values are known at compile time.
    pub(crate) fixed: Vec<(&'a str, Fixed)>,
    /// What is the input instead of the arguments.
    pub(crate) input: Option<&'a Expr>,
    pub(crate) values: Values<'a>,
    pub(crate) output: Output<'a>,
    /// Recorded by the runtime's functions of these names.
    pub(crate) texts: Vec<(&'static str, &'a Expr)>,
    pub(crate) early: Vec<Recorded<'a>>,
    pub(crate) late: Vec<Recorded<'a>>,
    pub(crate) request: Option<&'a Expr>,
    pub(crate) debug_errors: bool,
}

/// The value of an argument that may be a part of the name.
pub(crate) struct NamePart<'a> {
    pub(crate) keys: &'static [&'static str],
    pub(crate) value: Value<'a>,
}

/// A value and the attribute that holds it.
pub(crate) struct Recorded<'a> {
    pub(crate) key: &'a str,
    pub(crate) value: Value<'a>,
    /// Whether the value is a list of documents, and the key their prefix.
    pub(crate) is_documents: bool,
}

#[derive(Clone)]
pub(crate) enum Value<'a> {
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

/// The parameters that are handed over as they are, each once.
pub(crate) struct Values<'a> {
    /// Those that make the input come first.
    pub(crate) handed: Vec<Handed<'a>>,
    /// The names of those; an empty one where a single argument stands for itself.
    pub(crate) arguments: Vec<String>,
    /// Attributes, and which of the values they hold.
    pub(crate) fields: Vec<(&'a str, usize)>,
}

/// A parameter whose value is handed over.
pub(crate) struct Handed<'a> {
    pub(crate) param: &'a Param,
    pub(crate) is_redacted: bool,
    /// The word that asks for it, so that it has to be one that can be recorded.
    pub(crate) mention: Option<&'a Ident>,
}

impl<'a> Values<'a> {
    fn add_field(&mut self, key: &'a str, (param, mention): (&'a Param, &'a Ident)) {
        let is_it = |value: &Handed<'_>| !value.is_redacted && value.param.ident == param.ident;
        let known = self.handed.iter().position(is_it);
        let index = known.unwrap_or(self.handed.len());
        if known.is_none() {
            self.handed.push(Handed { param, is_redacted: false, mention: None });
        }
        self.handed[index].mention = Some(mention);
        self.fields.push((key, index));
    }
}

pub(crate) enum Output<'a> {
    Nothing,
    Expr(&'a Expr),
    Result,
}

pub(crate) struct MetricPlan<'a> {
    /// The variant of the runtime's `InstrumentKind`.
    pub(crate) kind: String,
    pub(crate) name: &'a LitStr,
    pub(crate) unit: String,
    pub(crate) description: String,
    pub(crate) on: On,
    pub(crate) value: Option<&'a Expr>,
    pub(crate) is_value_late: bool,
    pub(crate) implied: Implied,
    pub(crate) early: Vec<Recorded<'a>>,
    pub(crate) late: Vec<Recorded<'a>>,
}

/// Which calls count, by the runtime's names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum On {
    Ok,
    Err,
    Always,
}

/// What is measured without a `value`, by the runtime's names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Implied {
    Nothing,
    One,
    Duration,
}

impl SpanPlan<'_> {
    /// The method that ends the span by the type of the result alone. A response may be bytes, which other values are
    /// not recorded as.
    pub(crate) fn end(&self) -> Option<&'static str> {
        match self.output {
            Output::Nothing => Some("a2a_otel_end"),
            Output::Result if self.kind.content != Content::Llm => Some("a2a_otel_output"),
            Output::Result | Output::Expr(_) => None,
        }
    }
}

impl<'a> MetricPlan<'a> {
    /// The expressions that look at the result.
    pub(crate) fn late_expressions(&self) -> Vec<&'a Expr> {
        let value = self.value.filter(|_| self.is_value_late);
        self.late.iter().filter_map(|one| one.value.expr()).chain(value).collect()
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
        check_fails("err", args.span("err"), function, errors);
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
        let kept = function.params.iter().filter_map(|Param { ident, .. }| {
            let mention = |expr: &&Expr| find_ident(expr.to_token_stream(), &ident.to_string());
            Some(Kept { ident, mention: late.iter().find_map(mention)?.span() })
        });
        let kept = kept.collect();
        let on_err = args.word("on").filter(|word| *word == "err");
        let path = args.path("crate").map_or_else(|| quote!(::a2a_otel), ToTokens::to_token_stream);
        Some(Self {
            runtime: Runtime(quote!(#path::__private).into_iter().collect()),
            function,
            stream,
            stays: stays.is_some(),
            kept,
            checks_result: args.word("err").or(on_err).map(Ident::span),
            effect,
        })
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
    Some(Streams::of(ty))
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
    let texts = given(args).filter(|(arg, _)| matches!(arg.records, Records::Text(_)));
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
    let is_given = |key: &&str| given(args).any(|(arg, _)| arg.keys().contains(key));
    let doc = kind.doc_key.filter(|key| !is_given(key));
    let doc = doc.and_then(|key| Some((key, Fixed::Text(function.doc()?))));
    let parts = parts.iter().flat_map(|part| part.keys.iter().map(|key| (*key, &part.value)));
    let values = parts.chain(recorded.iter().map(|one| (one.key, &one.value)));
    let values = values.filter_map(|(key, value)| Some((key, value.fixed()?.clone())));
    always.chain(doc).chain(values).collect()
}

/// The arguments with an expression that the user gave.
pub(crate) fn given(args: &Args) -> impl Iterator<Item = (&'static Arg, &Expr)> {
    args.kind.all_args().filter_map(|arg| Some((arg, args.expr(arg.name)?)))
}

/// What the attribute's own arguments record, but for those that may be part of a name.
fn own(args: &Args) -> impl Iterator<Item = Recorded<'_>> {
    given(args).filter_map(|(arg, expr)| match arg.records {
        Records::Key(key) => Some(Recorded { key, value: Value::new(expr), is_documents: false }),
        Records::Documents(key) => Some(Recorded { key, value: Value::new(expr), is_documents: true }),
        Records::Nothing | Records::Text(_) | Records::Name(..) => None,
    })
}

impl<'a> Recorded<'a> {
    fn field(field: &'a Field) -> Self {
        Self { key: &field.key, value: Value::new(&field.value), is_documents: false }
    }

    /// The parameter that it holds as it is. Where parameters come and go, nobody knows which value that would be.
    fn param(&self, function: &'a Function) -> Option<(&'a Param, &'a Ident)> {
        let counts = function.params.iter().all(|param| param.cfgs.is_empty());
        function.param(self.value.expr().filter(|_| counts && !self.is_documents)?)
    }
}

impl<'a> Value<'a> {
    fn new(expr: &'a Expr) -> Self {
        literal(expr).map_or(Self::Expr(expr), Self::Fixed)
    }

    pub(crate) const fn expr(&self) -> Option<&'a Expr> {
        match self {
            Self::Expr(expr) => Some(expr),
            Self::Fixed(_) => None,
        }
    }

    const fn fixed(&self) -> Option<&Fixed> {
        match self {
            Self::Fixed(fixed) => Some(fixed),
            Self::Expr(_) => None,
        }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Fixed(Fixed::Text(text)) = self { Some(text) } else { None }
    }

    fn is_late(&self) -> bool {
        self.expr().is_some_and(is_late)
    }
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
    let keys: Vec<_> = given(args).flat_map(|(arg, _)| arg.keys()).collect();
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

fn plan_metric<'a>(args: &'a Args, function: &Function, errors: &mut Errors) -> Option<MetricPlan<'a>> {
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

/// The expressions that are evaluated when the function has returned.
fn late_expressions<'a>(effect: &Planned<'a>) -> Vec<&'a Expr> {
    match effect {
        Planned::Span(span) => {
            let output = if let Output::Expr(expr) = span.output { Some(expr) } else { None };
            span.late.iter().filter_map(|one| one.value.expr()).chain(output).collect()
        }
        Planned::Metric(metric) => metric.late_expressions(),
    }
}

pub(crate) fn is_late(expr: &Expr) -> bool {
    literal(expr).is_none() && output_ident(expr.to_token_stream()).is_some()
}

/// The word `output` as the user wrote it, if the expression names it.
pub(crate) fn output_ident(tokens: TokenStream) -> Option<Ident> {
    find_ident(tokens, "output")
}

/// Finds a variable of that name, also where a format string names it; what stands behind a single dot is a field or
/// a method.
pub(crate) fn find_ident(tokens: TokenStream, name: &str) -> Option<Ident> {
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
