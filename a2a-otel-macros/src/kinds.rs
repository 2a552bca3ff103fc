//! The table: what each attribute is called, what it makes and which arguments it takes.
//!
//! A new attribute is one more `Kind`; everything that reads arguments or writes code goes by the row.

/// One attribute.
pub(crate) struct Kind {
    /// As the user writes it.
    pub(crate) name: &'static str,
    pub(crate) effect: Effect,
    /// Its own arguments, beside [`SPAN`] for spans.
    pub(crate) args: &'static [Arg],
}

/// What an attribute makes of a call.
pub(crate) enum Effect {
    Span(SpanKind),
    Metric,
}

pub(crate) struct SpanKind {
    /// `openinference.span.kind`, as Phoenix spells it.
    pub(crate) openinference: &'static str,
    /// The variant of OpenTelemetry's `SpanKind`.
    pub(crate) opentelemetry: &'static str,
    /// Attributes that every such span carries.
    pub(crate) fixed: &'static [(&'static str, &'static str)],
    /// Attributes that repeat the span's name, unless an argument records them.
    pub(crate) name_keys: &'static [&'static str],
    /// The attribute that repeats the function's doc comment, unless an argument records it.
    pub(crate) doc_key: Option<&'static str>,
    pub(crate) content: Content,
}

/// How the arguments and the result of the function become `input.value` and `output.value`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Content {
    /// One argument stands for itself, several make an object.
    Plain,
    /// The arguments always make an object, as a tool's do.
    Named,
    /// The result is read as an LLM's response, and the argument `request` as its request.
    Llm,
}

/// One argument of an attribute.
pub(crate) struct Arg {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    /// The attributes that hold the value; empty where the argument steers the macro.
    pub(crate) keys: &'static [&'static str],
    /// Whether the value becomes part of the span's name where `name` is absent.
    pub(crate) in_name: bool,
    /// The value where the argument is absent.
    pub(crate) default: Option<&'static str>,
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

const fn steers(name: &'static str, takes: Takes) -> Arg {
    Arg { name, takes, keys: &[], in_name: false, default: None }
}

const fn records(name: &'static str, keys: &'static [&'static str]) -> Arg {
    Arg { name, takes: Takes::Expr, keys, in_name: false, default: None }
}

const fn names(name: &'static str, keys: &'static [&'static str], default: Option<&'static str>) -> Arg {
    Arg { name, takes: Takes::Expr, keys, in_name: true, default }
}

/// What every attribute takes.
pub(crate) const COMMON: &[Arg] = &[steers("crate", Takes::Path)];

/// What every span attribute takes.
pub(crate) const SPAN: &[Arg] = &[
    steers("name", Takes::Expr),
    steers("skip", Takes::Names),
    steers("skip_all", Takes::Flag),
    steers("input", Takes::Expr),
    steers("output", Takes::Expr),
    steers("fields", Takes::Fields),
    steers("err", Takes::Word(&["debug", "display"])),
    steers("session", Takes::Expr),
    steers("user", Takes::Expr),
];

/// The instruments of `business_metric`.
pub(crate) const INSTRUMENTS: &[&str] = &["counter", "histogram", "gauge", "up_down_counter"];

pub(crate) static AGENT_SPAN: Kind = Kind {
    name: "agent_span",
    effect: Effect::Span(SpanKind {
        openinference: "AGENT",
        opentelemetry: "Internal",
        fixed: &[],
        name_keys: &["agent.name"],
        doc_key: None,
        content: Content::Plain,
    }),
    args: &[],
};

pub(crate) static CHAIN_SPAN: Kind = Kind {
    name: "chain_span",
    effect: Effect::Span(SpanKind {
        openinference: "CHAIN",
        opentelemetry: "Internal",
        fixed: &[],
        name_keys: &[],
        doc_key: None,
        content: Content::Plain,
    }),
    args: &[],
};

pub(crate) static TOOL_SPAN: Kind = Kind {
    name: "tool_span",
    effect: Effect::Span(SpanKind {
        openinference: "TOOL",
        opentelemetry: "Internal",
        fixed: &[],
        name_keys: &["tool.name"],
        doc_key: Some("tool.description"),
        content: Content::Named,
    }),
    args: &[names("tool", &["tool.name"], None), records("description", &["tool.description"])],
};

pub(crate) static MCP_TOOL: Kind = Kind {
    name: "mcp_tool",
    effect: Effect::Span(SpanKind {
        openinference: "TOOL",
        opentelemetry: "Internal",
        fixed: &[("mcp.method.name", "tools/call"), ("gen_ai.operation.name", "execute_tool")],
        name_keys: &["tool.name", "gen_ai.tool.name"],
        doc_key: Some("tool.description"),
        content: Content::Named,
    }),
    args: &[
        names("tool", &["tool.name", "gen_ai.tool.name"], None),
        records("server", &["server.address"]),
        records("description", &["tool.description"]),
    ],
};

pub(crate) static A2A_CALL: Kind = Kind {
    name: "a2a_call",
    effect: Effect::Span(SpanKind {
        openinference: "CHAIN",
        opentelemetry: "Client",
        fixed: &[],
        name_keys: &[],
        doc_key: None,
        content: Content::Plain,
    }),
    args: &[
        names("method", &["a2a.method.name"], Some("SendMessage")),
        names("peer", &["gen_ai.agent.name"], None),
    ],
};

pub(crate) static LLM_CALL: Kind = Kind {
    name: "llm_call",
    effect: Effect::Span(SpanKind {
        openinference: "LLM",
        opentelemetry: "Client",
        fixed: &[],
        name_keys: &[],
        doc_key: None,
        content: Content::Llm,
    }),
    args: &[
        steers("request", Takes::Expr),
        steers("model", Takes::Expr),
        records("provider", &["llm.provider"]),
    ],
};

pub(crate) static BUSINESS_METRIC: Kind = Kind {
    name: "business_metric",
    effect: Effect::Metric,
    args: &[
        steers(INSTRUMENTS[0], Takes::Text),
        steers(INSTRUMENTS[1], Takes::Text),
        steers(INSTRUMENTS[2], Takes::Text),
        steers(INSTRUMENTS[3], Takes::Text),
        steers("value", Takes::Expr),
        steers("unit", Takes::Text),
        steers("description", Takes::Text),
        steers("on", Takes::Word(&["ok", "err", "always"])),
        steers("attributes", Takes::Fields),
    ],
};

impl Kind {
    /// Every argument that the attribute takes, its own first.
    pub(crate) fn all_args(&self) -> impl Iterator<Item = &'static Arg> {
        let shared = match self.effect {
            Effect::Span(_) => SPAN,
            Effect::Metric => &[],
        };
        self.args.iter().chain(shared).chain(COMMON)
    }
}
