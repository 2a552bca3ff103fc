//! The table of the attribute macros: name, effect and arguments of each.
//!
//! A new attribute macro is one more `Kind`. The code that reads arguments and writes code knows only the table.

use crate::runtime::{Instrument, Measured, OtelKind, TextMethod};

/// One attribute macro: a row of the table.
pub(crate) struct Kind {
    /// As the user writes it.
    pub(crate) name: &'static str,
    pub(crate) effect: Effect,
    /// Its own arguments. It also takes [`COMMON`] and, for a span, [`SPAN`].
    pub(crate) args: &'static [Arg],
}

/// What an attribute macro records of a call.
pub(crate) enum Effect {
    Span(SpanKind),
    Metric,
}

pub(crate) struct SpanKind {
    /// `openinference.span.kind`, as Phoenix spells it.
    pub(crate) openinference: &'static str,
    pub(crate) opentelemetry: OtelKind,
    /// Attributes that every span of this kind has.
    pub(crate) fixed: &'static [(&'static str, &'static str)],
    /// Attributes that repeat the span's name, unless an argument records them.
    pub(crate) name_keys: &'static [&'static str],
    /// The attribute that repeats the function's doc comment, unless an argument records it.
    pub(crate) doc_key: Option<&'static str>,
    pub(crate) content: Content,
    /// What figures count the call as.
    pub(crate) measured: Measured,
}

impl SpanKind {
    /// Whether the outcome of a call may be needed for figures alone, and nothing else that is recorded of it. Everything
    /// that is recorded of a call of a model may be.
    pub(crate) fn is_measured_alone(&self) -> bool {
        self.measured != Measured::Nothing && self.content != Content::Llm
    }
}

/// How the arguments and the result of the function become `input.value` and `output.value`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Content {
    /// A single argument is the input itself; several form an object.
    Plain,
    /// The arguments always form an object, as those of a tool do.
    Named,
    /// The result is read as a model's response, and the argument `request` as the request.
    Llm,
}

/// One argument of an attribute macro.
#[derive(Clone, Copy)]
pub(crate) struct Arg {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    pub(crate) records: Records,
}

/// What happens to an argument's value.
#[derive(Clone, Copy)]
pub(crate) enum Records {
    /// It configures the macro.
    Nothing,
    /// This attribute holds it.
    Key(&'static str),
    /// These attributes hold it, and it is a part of the span's name unless `name` is given. The second value is the
    /// default.
    Name(&'static [&'static str], Option<&'static str>),
    /// A list of documents, each flattened under this prefix.
    Documents(&'static str),
    /// This method of the runtime takes it as text, and records it as this attribute.
    Text(TextMethod, &'static str),
}

/// The form of an argument's value.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    /// `skip_all`
    Flag,
    /// `unit = "s"`
    Text,
    /// `name = expr`
    Expr,
    /// `on = ok`
    Word(&'static [&'static str]),
    /// `skip(a, b)`
    Names,
    /// `fields("key" = expr)`
    Fields,
    /// `crate = ::path`
    Path,
}

const fn configures(name: &'static str, takes: Takes) -> Arg {
    Arg { name, takes, records: Records::Nothing }
}

const fn records(name: &'static str, key: &'static str) -> Arg {
    Arg { name, takes: Takes::Expr, records: Records::Key(key) }
}

const fn names(name: &'static str, keys: &'static [&'static str], default: Option<&'static str>) -> Arg {
    Arg { name, takes: Takes::Expr, records: Records::Name(keys, default) }
}

const fn text(name: &'static str, method: TextMethod, key: &'static str) -> Arg {
    Arg { name, takes: Takes::Expr, records: Records::Text(method, key) }
}

const fn documents(name: &'static str, prefix: &'static str) -> Arg {
    Arg { name, takes: Takes::Expr, records: Records::Documents(prefix) }
}

const fn span(name: &'static str, kind: SpanKind, args: &'static [Arg]) -> Kind {
    Kind { name, effect: Effect::Span(kind), args }
}

const fn kind(openinference: &'static str) -> SpanKind {
    SpanKind {
        openinference,
        opentelemetry: OtelKind::Internal,
        fixed: &[],
        name_keys: &[],
        doc_key: None,
        content: Content::Plain,
        measured: Measured::Nothing,
    }
}

pub(crate) const NAME: Arg = configures("name", Takes::Expr);
pub(crate) const SKIP: Arg = configures("skip", Takes::Names);
pub(crate) const SKIP_ALL: Arg = configures("skip_all", Takes::Flag);
pub(crate) const REDACT: Arg = configures("redact", Takes::Names);
pub(crate) const INPUT: Arg = configures("input", Takes::Expr);
pub(crate) const OUTPUT: Arg = configures("output", Takes::Expr);
pub(crate) const FIELDS: Arg = configures("fields", Takes::Fields);
pub(crate) const ERR: Arg = configures("err", Takes::Word(&[DEBUG, "display"]));
pub(crate) const STREAM: Arg = configures("stream", Takes::Flag);
pub(crate) const ITEMS: Arg = configures("items", Takes::Word(&["list"]));
pub(crate) const REPLAY: Arg = configures("replay", Takes::Flag);
pub(crate) const CRATE: Arg = configures("crate", Takes::Path);
pub(crate) const REQUEST: Arg = configures("request", Takes::Expr);
pub(crate) const VALUE: Arg = configures("value", Takes::Expr);
pub(crate) const UNIT: Arg = configures("unit", Takes::Text);
pub(crate) const DESCRIPTION: Arg = configures("description", Takes::Text);
pub(crate) const ON: Arg = configures("on", Takes::Word(&["ok", ON_ERR, ON_ALWAYS]));
pub(crate) const OUTCOME: Arg = configures("outcome", Takes::Flag);
pub(crate) const BUCKETS: Arg = configures("buckets", Takes::Expr);
pub(crate) const ATTRIBUTES: Arg = configures("attributes", Takes::Fields);

/// Words that arguments accept.
pub(crate) const DEBUG: &str = "debug";
pub(crate) const ON_ERR: &str = "err";
pub(crate) const ON_ALWAYS: &str = "always";

/// The arguments of every attribute macro.
pub(crate) const COMMON: &[Arg] = &[CRATE];

/// The arguments of every attribute macro for spans.
pub(crate) const SPAN: &[Arg] = &[
    NAME,
    SKIP,
    SKIP_ALL,
    REDACT,
    INPUT,
    OUTPUT,
    FIELDS,
    ERR,
    text("session", TextMethod::Session, "session.id"),
    text("user", TextMethod::User, "user.id"),
    STREAM,
    ITEMS,
];

/// The instruments of `business_metric`.
pub(crate) const INSTRUMENTS: &[(Arg, Instrument)] = &[
    (configures("counter", Takes::Text), Instrument::Counter),
    (configures("histogram", Takes::Text), Instrument::Histogram),
    (configures("gauge", Takes::Text), Instrument::Gauge),
    (configures("up_down_counter", Takes::Text), Instrument::UpDownCounter),
];

/// Keys that `fields` cannot record, by name or by namespace, and why or how they are recorded.
pub(crate) const RESERVED: &[(&str, &str)] = &[
    ("openinference.span.kind", "the attribute macro sets it"),
    ("input.value", "write `input = ...`"),
    ("input.mime_type", "it follows from the input"),
    ("output.value", "write `output = ...`"),
    ("output.mime_type", "it follows from the output"),
    ("session.id", "write `session = ...`, which the spans below inherit"),
    ("user.id", "write `user = ...`, which the spans below inherit"),
    ("error.type", "it follows from the `Err` that the function returns"),
    ("exception.", "an `Err` is recorded as an event with these names"),
    ("otel.", "OpenTelemetry reserves these names"),
    ("a2a_otel.", "this crate reserves these names"),
];

const KIND_BY_MACRO: &str =
    "the attribute macro says the kind: `#[agent_span]`, `#[tool_span]`, `#[llm_call]` and so on";

/// Words that people know from other crates and languages, and what to write instead.
pub(crate) const HABITS: &[(&str, &str)] = &[
    ("as_type", KIND_BY_MACRO),
    ("capture_input", "the arguments are recorded by themselves; `skip_all` leaves them out"),
    ("capture_output", "the result is recorded by itself; `output = expression` records something else"),
    ("follows_from", "leave it out: the current span is the parent"),
    ("kind", KIND_BY_MACRO),
    ("labels", "write `attributes(\"key\" = expression, ...)`"),
    ("level", "leave it out: spans have no level"),
    ("metadata", "write `fields(\"metadata\" = expression)`, or `with_metadata(..)` for all spans below"),
    ("parent", "leave it out: the current span is the parent"),
    ("ret", "leave it out: the result is recorded by itself"),
    ("run_type", KIND_BY_MACRO),
    ("session_id", "write `session = expression`"),
    ("span_name", "write `name = \"...\"`"),
    ("tags", "write `with_tags([..])` around the call, for all spans below"),
    ("target", "leave it out: spans have no target"),
    ("user_id", "write `user = expression`"),
];

/// Keys that several rows use.
const AGENT_NAME: &str = "agent.name";
const TOOL_NAME: &str = "tool.name";
const GEN_AI_TOOL_NAME: &str = "gen_ai.tool.name";
const TOOL_DESCRIPTION_KEY: &str = "tool.description";
const EVALUATION_NAME: &str = "evaluations.0.evaluation.name";

const NODE: Arg = records("node", "graph.node.id");
const PARENT_NODE: Arg = records("parent_node", "graph.node.parent_id");
const PROVIDER: Arg = records("provider", "llm.provider");
const TOOL_DESCRIPTION: Arg = records("description", TOOL_DESCRIPTION_KEY);
const TOOL_ID: Arg = records("id", "tool.id");
const TOOL_SCHEMA: Arg = records("json_schema", "tool.json_schema");

pub(crate) static AGENT_SPAN: Kind = span(
    "agent_span",
    SpanKind { name_keys: &[AGENT_NAME], measured: Measured::Agent, ..kind("AGENT") },
    &[
        names("agent", &[AGENT_NAME], None),
        records("id", "gen_ai.agent.id"),
        records("description", "gen_ai.agent.description"),
        records("version", "gen_ai.agent.version"),
        NODE,
        PARENT_NODE,
    ],
);

pub(crate) static CHAIN_SPAN: Kind = span("chain_span", kind("CHAIN"), &[NODE, PARENT_NODE]);

pub(crate) static TOOL_SPAN: Kind = span(
    "tool_span",
    SpanKind {
        name_keys: &[TOOL_NAME],
        doc_key: Some(TOOL_DESCRIPTION_KEY),
        content: Content::Named,
        measured: Measured::Tool,
        ..kind("TOOL")
    },
    &[names("tool", &[TOOL_NAME], None), TOOL_DESCRIPTION, TOOL_ID, TOOL_SCHEMA, REPLAY],
);

pub(crate) static MCP_TOOL: Kind = span(
    "mcp_tool",
    SpanKind {
        fixed: &[("mcp.method.name", "tools/call"), ("gen_ai.operation.name", "execute_tool")],
        name_keys: &[TOOL_NAME, GEN_AI_TOOL_NAME],
        doc_key: Some(TOOL_DESCRIPTION_KEY),
        content: Content::Named,
        measured: Measured::Tool,
        ..kind("TOOL")
    },
    &[
        names("tool", &[TOOL_NAME, GEN_AI_TOOL_NAME], None),
        records("server", "server.address"),
        TOOL_DESCRIPTION,
        TOOL_ID,
        TOOL_SCHEMA,
        REPLAY,
    ],
);

pub(crate) static A2A_CALL: Kind = span(
    "a2a_call",
    SpanKind { opentelemetry: OtelKind::Client, measured: Measured::A2a, ..kind("CHAIN") },
    &[
        names("method", &["a2a.method.name"], Some("SendMessage")),
        names("peer", &["gen_ai.agent.name"], None),
        records("task", "a2a.task.id"),
        records("message", "a2a.message.id"),
    ],
);

pub(crate) static LLM_CALL: Kind = span(
    "llm_call",
    SpanKind {
        opentelemetry: OtelKind::Client,
        content: Content::Llm,
        measured: Measured::Model,
        ..kind("LLM")
    },
    &[
        REQUEST,
        text("model", TextMethod::Model, "llm.model_name"),
        PROVIDER,
        records("system", "llm.system"),
        REPLAY,
    ],
);

pub(crate) static EMBEDDING_CALL: Kind = span(
    "embedding_call",
    SpanKind {
        opentelemetry: OtelKind::Client,
        content: Content::Llm,
        measured: Measured::Embedding,
        ..kind("EMBEDDING")
    },
    &[
        REQUEST,
        text("model", TextMethod::Model, "embedding.model_name"),
        PROVIDER,
        records("text", "embedding.embeddings.0.embedding.text"),
        records("vector", "embedding.embeddings.0.embedding.vector"),
        records("parameters", "embedding.invocation_parameters"),
        REPLAY,
    ],
);

pub(crate) static RETRIEVER_SPAN: Kind = span(
    "retriever_span",
    SpanKind { measured: Measured::Retrieval, ..kind("RETRIEVER") },
    &[documents("documents", "retrieval.documents"), REPLAY],
);

pub(crate) static RERANKER_SPAN: Kind = span(
    "reranker_span",
    kind("RERANKER"),
    &[
        records("query", "reranker.query"),
        records("model", "reranker.model_name"),
        records("top_k", "reranker.top_k"),
        documents("input_documents", "reranker.input_documents"),
        documents("output_documents", "reranker.output_documents"),
    ],
);

pub(crate) static GUARDRAIL_SPAN: Kind = span("guardrail_span", verdict("GUARDRAIL"), EVALUATION);

pub(crate) static EVALUATOR_SPAN: Kind = span("evaluator_span", verdict("EVALUATOR"), EVALUATION);

const fn verdict(openinference: &'static str) -> SpanKind {
    SpanKind { name_keys: &[EVALUATION_NAME], ..kind(openinference) }
}

/// The arguments of a verdict, which is recorded as the span's first evaluation.
const EVALUATION: &[Arg] = &[
    records("evaluation", EVALUATION_NAME),
    records("score", "evaluations.0.evaluation.score"),
    records("label", "evaluations.0.evaluation.label"),
    records("explanation", "evaluations.0.evaluation.explanation"),
];

pub(crate) static PROMPT_SPAN: Kind = span(
    "prompt_span",
    kind("PROMPT"),
    &[
        records("template", "llm.prompt_template.template"),
        records("variables", "llm.prompt_template.variables"),
        records("version", "llm.prompt_template.version"),
        records("id", "prompt.id"),
        records("vendor", "prompt.vendor"),
        records("url", "prompt.url"),
    ],
);

pub(crate) static BUSINESS_METRIC: Kind = Kind {
    name: "business_metric",
    effect: Effect::Metric,
    args: &[
        INSTRUMENTS[0].0,
        INSTRUMENTS[1].0,
        INSTRUMENTS[2].0,
        INSTRUMENTS[3].0,
        VALUE,
        UNIT,
        DESCRIPTION,
        BUCKETS,
        ON,
        OUTCOME,
        ATTRIBUTES,
        STREAM,
    ],
};

/// All rows, for tests.
#[cfg(test)]
pub(crate) static ALL: &[&Kind] = &[
    &AGENT_SPAN,
    &CHAIN_SPAN,
    &TOOL_SPAN,
    &MCP_TOOL,
    &A2A_CALL,
    &LLM_CALL,
    &EMBEDDING_CALL,
    &RETRIEVER_SPAN,
    &RERANKER_SPAN,
    &GUARDRAIL_SPAN,
    &EVALUATOR_SPAN,
    &PROMPT_SPAN,
    &BUSINESS_METRIC,
];

impl Kind {
    /// All arguments of the attribute macro, its own first.
    pub(crate) fn all_args(&self) -> impl Iterator<Item = &'static Arg> {
        let shared = match self.effect {
            Effect::Span(_) => SPAN,
            Effect::Metric => &[],
        };
        self.args.iter().chain(shared).chain(COMMON)
    }
}

impl Arg {
    /// The attributes that hold the value.
    pub(crate) const fn keys(&'static self) -> &'static [&'static str] {
        match &self.records {
            Records::Key(key) | Records::Text(_, key) => std::slice::from_ref(key),
            Records::Name(keys, _) => keys,
            Records::Nothing | Records::Documents(_) => &[],
        }
    }
}
