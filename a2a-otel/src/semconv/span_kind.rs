//! The kinds of spans.

use opentelemetry::Value;

/// One row per kind: the variant, its value, and what a span of that kind is.
macro_rules! kinds {
    ($($kind:ident = $text:literal, $what:literal;)*) => {
        /// What a span is, in [OpenInference](https://arize-ai.github.io/openinference/spec/): the values of
        /// [`SPAN_KIND`](super::openinference::SPAN_KIND).
        ///
        /// Source: `OpenInferenceSpanKindValues` of the package `openinference-semantic-conventions`.
        ///
        /// ```
        /// use a2a_otel::semconv::SpanKind;
        ///
        /// assert_eq!(SpanKind::Llm.as_str(), "LLM");
        /// assert_eq!(SpanKind::parse("TOOL"), Some(SpanKind::Tool));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum SpanKind {
            $(
                #[doc = concat!("`", $text, "`: ", $what, ".")]
                $kind,
            )*
        }

        impl SpanKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The value of the attribute.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $text,)*
                }
            }

            /// The kind with this value. `None` for any other text.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$kind),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    Agent = "AGENT", "an agent at work";
    Chain = "CHAIN", "a step, a workflow, or anything without a kind of its own";
    Tool = "TOOL", "a call of a tool";
    Llm = "LLM", "a call of a language model";
    Embedding = "EMBEDDING", "a call of a model that turns texts into vectors";
    Retriever = "RETRIEVER", "a search for documents";
    Reranker = "RERANKER", "an ordering of documents by relevance";
    Guardrail = "GUARDRAIL", "a check of an input or an output";
    Evaluator = "EVALUATOR", "an evaluation of an output";
    Prompt = "PROMPT", "a prompt made from a template";
}

impl From<SpanKind> for Value {
    fn from(kind: SpanKind) -> Self {
        kind.as_str().into()
    }
}

#[cfg(test)]
mod tests {
    use super::SpanKind;

    #[test]
    fn each_kind_is_parsed_from_its_value() {
        for kind in SpanKind::ALL {
            assert_eq!(SpanKind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(SpanKind::parse("llm"), None);
        assert_eq!(SpanKind::parse(""), None);
    }
}
