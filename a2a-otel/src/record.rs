//! Typed records for what the attribute macros cannot see: messages, tokens, costs, documents, vectors, tools, prompts
//! and evaluations, in OpenInference's terms.
//!
//! Build a record with its setters and pass it to [`Current::record`](crate::Current::record). `#[llm_call]` reads the
//! requests and responses of the usual providers by itself (see [`docs/llm.md`](crate::guide::llm)); use records for everything else.
//!
//! ```
//! use a2a_otel::record::{Message, Request, Response, ToolCall, Usage};
//!
//! # struct Answer { text: String, read: u64, written: u64 }
//! # fn infer(_: &str) -> Answer { Answer { text: "Two lamps.".into(), read: 12, written: 3 } }
//! #[a2a_otel::llm_call]
//! fn ask(question: &str) -> String {
//!     let span = a2a_otel::current();
//!     span.record(&Request::new().model("our-model").messages([Message::of("user").content(question)]));
//!     let answer = infer(question);
//!     span.record(&Response::new().messages([Message::of("assistant").content(&answer.text)]));
//!     span.record(&Usage::new().prompt(answer.read).completion(answer.written));
//!     answer.text
//! }
//! # ask("Which lamps do you have?");
//! ```

use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use serde::Serialize;

use crate::capture::cut;
use crate::semconv::openinference as names;
use crate::semconv::openinference::{
    completion, document, embedding, evaluation, message, message_content, prompt, tool, tool_call,
};

/// Something that can be recorded on a span. Implement it to record a type of your own in OpenInference's terms.
///
/// ```
/// use a2a_otel::record::{Attributes, Record, Usage};
///
/// struct Bill { tokens: u64, customer: String }
///
/// impl Record for Bill {
///     fn record(&self, attributes: &mut Attributes) {
///         Usage::new().total(self.tokens).record(attributes);
///         attributes.push("shop.customer", self.customer.clone());
///     }
/// }
///
/// a2a_otel::current().record(&Bill { tokens: 20, customer: "ada".into() });
/// ```
pub trait Record {
    /// Adds the attributes to record. It is only called if the span is recorded.
    fn record(&self, attributes: &mut Attributes);
}

/// The attributes of a [`Record`].
#[derive(Clone, Debug, Default)]
pub struct Attributes(Vec<KeyValue>);

impl Attributes {
    /// Adds an attribute.
    pub fn push(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        self.0.push(KeyValue::new(key, value));
    }

    pub(crate) fn of<R: Record + ?Sized>(record: &R) -> Vec<KeyValue> {
        let mut attributes = Self::default();
        record.record(&mut attributes);
        attributes.0
    }

    fn text(&mut self, key: &'static str, text: impl Into<String>) {
        self.push(key, cut(text.into()));
    }

    /// Adds a number. NaN and infinities are left out: Phoenix drops them.
    fn number(&mut self, key: &'static str, number: f64) {
        if number.is_finite() {
            self.push(key, number);
        }
    }

    fn count(&mut self, key: &'static str, count: u64) {
        self.push(key, i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Adds a value as JSON. A text is taken to be JSON already. A value that fails to serialise is left out.
    fn json(&mut self, key: &'static str, value: &(impl Serialize + ?Sized)) {
        let Ok(value) = serde_json::to_value(value) else { return };
        self.text(key, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }

    fn vector(&mut self, key: &'static str, vector: impl IntoIterator<Item = f64>) {
        self.push(key, Value::Array(Array::F64(vector.into_iter().collect())));
    }

    fn item(&mut self, list: &str, index: usize, item: Self) {
        let below = item.0.into_iter();
        self.0.extend(
            below.map(|KeyValue { key, value, .. }| KeyValue::new(format!("{list}.{index}.{key}"), value)),
        );
    }

    fn items<T: Into<Self>>(&mut self, list: &str, items: impl IntoIterator<Item = T>) {
        for (index, item) in items.into_iter().enumerate() {
            self.item(list, index, item.into());
        }
    }

    fn texts(&mut self, list: &str, key: &'static str, texts: impl IntoIterator<Item = impl Into<String>>) {
        let of_text = |text: String| Self(vec![KeyValue::new(key, StringValue::from(cut(text)))]);
        self.items(list, texts.into_iter().map(|text| of_text(text.into())));
    }
}

/// One setter of a record, by the type of its argument.
macro_rules! setter {
    ($(#[$doc:meta])* $name:ident: text => $key:expr) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: impl Into<String>) -> Self {
            self.0.text($key, $name);
            self
        }
    };
    ($(#[$doc:meta])* $name:ident: number => $key:expr) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: f64) -> Self {
            self.0.number($key, $name);
            self
        }
    };
    ($(#[$doc:meta])* $name:ident: count => $key:expr) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: u64) -> Self {
            self.0.count($key, $name);
            self
        }
    };
    ($(#[$doc:meta])* $name:ident: json => $key:expr) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: &(impl Serialize + ?Sized)) -> Self {
            self.0.json($key, $name);
            self
        }
    };
    ($(#[$doc:meta])* $name:ident: vector => $key:expr) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: impl IntoIterator<Item = f64>) -> Self {
            self.0.vector($key, $name);
            self
        }
    };
    ($(#[$doc:meta])* $name:ident: list of $item:ident => $key:expr) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: impl IntoIterator<Item = $item>) -> Self {
            self.0.items($key, $name);
            self
        }
    };
    ($(#[$doc:meta])* $name:ident: texts at $below:expr => $key:expr) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.0.texts($key, $below, $name);
            self
        }
    };
}

/// The table of records: each with its setters, their arguments, and the attributes that hold them.
macro_rules! records {
    ($(
        $(#[$doc:meta])*
        $record:ident {
            $($(#[$setter_doc:meta])* $setter:ident: $form:ident $($word:ident $argument:tt)? => $key:expr;)*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        #[must_use]
        pub struct $record(Attributes);

        impl $record {
            /// An empty record.
            pub fn new() -> Self {
                Self::default()
            }

            $(setter! { $(#[$setter_doc])* $setter: $form $($word $argument)? => $key })*
        }

        impl From<$record> for Attributes {
            fn from(record: $record) -> Self {
                record.0
            }
        }

        impl Record for $record {
            fn record(&self, attributes: &mut Attributes) {
                attributes.0.extend_from_slice(&self.0.0);
            }
        }
    )*};
}

records! {
    /// A request to a model.
    Request {
        /// The requested model.
        model: text => names::LLM_MODEL_NAME;
        /// The provider that serves the model, in OpenInference's values: `openai`, `anthropic`.
        provider: text => names::LLM_PROVIDER;
        /// The vendor or family of the model: `openai`, `anthropic`.
        system: text => names::LLM_SYSTEM;
        /// The conversation so far.
        messages: list of Message => names::LLM_INPUT_MESSAGES;
        /// The tools that the model may call.
        tools: list of ToolSchema => names::LLM_TOOLS;
        /// Parameters such as the temperature.
        parameters: json => names::LLM_INVOCATION_PARAMETERS;
        /// The prompts to complete, if there are no messages.
        prompts: texts at (prompt::TEXT) => names::LLM_PROMPTS;
    }

    /// A response of a model.
    Response {
        /// The model that answered, if the request did not name it.
        model: text => names::LLM_MODEL_NAME;
        /// The requested model, if another one answered.
        request_model: text => names::LLM_REQUEST_MODEL_NAME;
        /// The model that answered, if another one was requested.
        response_model: text => names::LLM_RESPONSE_MODEL_NAME;
        /// The answers.
        messages: list of Message => names::LLM_OUTPUT_MESSAGES;
        /// The completions of the prompts.
        choices: texts at (completion::TEXT) => names::LLM_CHOICES;
        /// Why the model stopped: `stop`, `length`, `tool_calls`.
        finish_reason: text => names::LLM_FINISH_REASON;
        /// The function that the model calls, in the older form without tools.
        function_call: json => names::LLM_FUNCTION_CALL;
    }

    /// One message of a conversation.
    Message {
        /// The role of the author: `user`, `assistant`, `system`, `tool`.
        role: text => message::ROLE;
        /// The message, if it is only text.
        content: text => message::CONTENT;
        /// The parts of a message that is not only text.
        parts: list of Part => message::CONTENTS;
        /// The name of the author, or of the tool that answers.
        name: text => message::NAME;
        /// The tool call whose result the message is.
        tool_call_id: text => message::TOOL_CALL_ID;
        /// The calls of tools that the model requests.
        tool_calls: list of ToolCall => message::TOOL_CALLS;
        /// The function that a message calls, in the older form without tools.
        function_call_name: text => message::FUNCTION_CALL_NAME;
        /// Its arguments.
        function_call_arguments: json => message::FUNCTION_CALL_ARGUMENTS;
    }

    /// A part of a message.
    Part {
        /// `text`, `image`, `audio`, `video`, `document`, `reasoning` or `tool_use`.
        kind: text => message_content::TYPE;
        /// The text.
        text: text => message_content::TEXT;
        /// The URL of the image, or a `data:` URL.
        image_url: text => names::PART_IMAGE_URL;
        /// The URL of the audio, or a `data:` URL.
        audio_url: text => names::PART_AUDIO_URL;
        /// The MIME type of the audio.
        audio_mime_type: text => names::PART_AUDIO_MIME_TYPE;
        /// The transcript of the audio.
        audio_transcript: text => names::PART_AUDIO_TRANSCRIPT;
        /// The URL of the video.
        video_url: text => names::PART_VIDEO_URL;
        /// The URL of the document.
        document_url: text => names::PART_DOCUMENT_URL;
        /// The MIME type of the document.
        document_mime_type: text => names::PART_DOCUMENT_MIME_TYPE;
        /// The name of the document.
        document_name: text => names::PART_DOCUMENT_NAME;
        /// The provider's id of the part.
        id: text => message_content::ID;
        /// The provider's signature of the reasoning.
        signature: text => message_content::SIGNATURE;
        /// Reasoning that the provider redacts.
        data: text => message_content::DATA;
        /// Reasoning that the provider encrypts.
        encrypted_content: text => message_content::ENCRYPTED_CONTENT;
    }

    /// A call of a tool that a model requests.
    ToolCall {
        /// The id that the result refers to.
        id: text => tool_call::ID;
        /// The tool's name.
        name: text => tool_call::FUNCTION_NAME;
        /// The arguments. A text is taken to be JSON already.
        arguments: json => tool_call::FUNCTION_ARGUMENTS;
        /// The provider's signature of the reasoning behind the call.
        reasoning_signature: text => tool_call::REASONING_SIGNATURE;
    }

    /// A tool that a model may call.
    ToolSchema {
        /// The definition in the provider's form.
        json_schema: json => tool::JSON_SCHEMA;
    }

    /// How many tokens a call used. The totals include the details, and also the tokens of caches.
    Usage {
        /// The tokens of the prompt.
        prompt: count => names::LLM_TOKEN_COUNT_PROMPT;
        /// The tokens of the completion.
        completion: count => names::LLM_TOKEN_COUNT_COMPLETION;
        /// The total.
        total: count => names::LLM_TOKEN_COUNT_TOTAL;
        /// Of the prompt: the part read from a cache.
        cache_read: count => names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ;
        /// Of the prompt: the part written to a cache.
        cache_write: count => names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE;
        /// Of the prompt: the cached part, if the provider does not distinguish reads from writes.
        cache_input: count => names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_INPUT;
        /// Of the prompt: audio.
        prompt_audio: count => names::LLM_TOKEN_COUNT_PROMPT_DETAILS_AUDIO;
        /// Of the completion: audio.
        completion_audio: count => names::LLM_TOKEN_COUNT_COMPLETION_DETAILS_AUDIO;
        /// Of the completion: reasoning.
        reasoning: count => names::LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING;
    }

    /// The price of a call, in US dollars. Phoenix computes its own costs from the model and the tokens.
    Cost {
        /// The cost of the prompt.
        prompt: number => names::LLM_COST_PROMPT;
        /// The cost of the completion.
        completion: number => names::LLM_COST_COMPLETION;
        /// The total.
        total: number => names::LLM_COST_TOTAL;
        /// Of the prompt: the part that was not cached.
        input: number => names::LLM_COST_PROMPT_DETAILS_INPUT;
        /// Of the prompt: the part read from a cache.
        cache_read: number => names::LLM_COST_PROMPT_DETAILS_CACHE_READ;
        /// Of the prompt: the part written to a cache.
        cache_write: number => names::LLM_COST_PROMPT_DETAILS_CACHE_WRITE;
        /// Of the prompt: the cached part, if the provider does not distinguish reads from writes.
        cache_input: number => names::LLM_COST_PROMPT_DETAILS_CACHE_INPUT;
        /// Of the prompt: audio.
        prompt_audio: number => names::LLM_COST_PROMPT_DETAILS_AUDIO;
        /// Of the completion: everything except reasoning and audio.
        output: number => names::LLM_COST_COMPLETION_DETAILS_OUTPUT;
        /// Of the completion: reasoning.
        reasoning: number => names::LLM_COST_COMPLETION_DETAILS_REASONING;
        /// Of the completion: audio.
        completion_audio: number => names::LLM_COST_COMPLETION_DETAILS_AUDIO;
    }

    /// Embeddings: texts and their vectors.
    Embeddings {
        /// The embedding model.
        model: text => names::EMBEDDING_MODEL_NAME;
        /// Parameters such as the number of dimensions.
        parameters: json => names::EMBEDDING_INVOCATION_PARAMETERS;
        /// Each text with its vector.
        embeddings: list of Embedding => names::EMBEDDING_EMBEDDINGS;
    }

    /// A text and its vector.
    Embedding {
        /// The text.
        text: text => embedding::TEXT;
        /// The vector.
        vector: vector => embedding::VECTOR;
    }

    /// The result of a retriever.
    Retrieval {
        /// The documents, the best first.
        documents: list of Document => names::RETRIEVAL_DOCUMENTS;
    }

    /// The input and result of a reranker.
    Reranking {
        /// The query that the documents are compared with.
        query: text => names::reranker::QUERY;
        /// The reranker's model.
        model: text => names::reranker::MODEL_NAME;
        /// How many documents are requested.
        top_k: count => names::reranker::TOP_K;
        /// The documents in their original order.
        input: list of Document => names::reranker::INPUT_DOCUMENTS;
        /// The documents in the new order, the best first.
        output: list of Document => names::reranker::OUTPUT_DOCUMENTS;
    }

    /// A document.
    Document {
        /// The document's id in its store.
        id: text => document::ID;
        /// The content.
        content: text => document::CONTENT;
        /// The relevance: the higher the better.
        score: number => document::SCORE;
        /// Any further data.
        metadata: json => document::METADATA;
        /// The URL.
        url: text => document::URL;
        /// The MIME type.
        mime_type: text => document::MIME_TYPE;
        /// The name.
        name: text => document::NAME;
    }

    /// Input and output besides text.
    Media {
        /// The input images.
        input_images: list of Image => names::INPUT_IMAGES;
        /// The output images.
        output_images: list of Image => names::OUTPUT_IMAGES;
        /// The input documents.
        input_documents: list of Document => names::INPUT_DOCUMENTS;
        /// The output documents.
        output_documents: list of Document => names::OUTPUT_DOCUMENTS;
    }

    /// An image.
    Image {
        /// The URL, or a `data:` URL.
        url: text => names::image::URL;
    }

    /// A tool that was called.
    Tool {
        /// Its name.
        name: text => names::TOOL_NAME;
        /// What it is for.
        description: text => names::TOOL_DESCRIPTION;
        /// The JSON schema of its parameters.
        parameters: json => names::TOOL_PARAMETERS;
        /// The id of the model's tool call that this call answers.
        id: text => names::TOOL_ID;
    }

    /// A prompt template, with the values of its variables.
    Prompt {
        /// The text of the template, with the names of variables.
        template: text => names::LLM_PROMPT_TEMPLATE;
        /// The variables' values, by name.
        variables: json => names::LLM_PROMPT_TEMPLATE_VARIABLES;
        /// The version of the template.
        version: text => names::LLM_PROMPT_TEMPLATE_VERSION;
        /// The system that stores the prompt.
        vendor: text => names::PROMPT_VENDOR;
        /// The prompt's id in that system.
        id: text => names::PROMPT_ID;
        /// The prompt's URL.
        url: text => names::PROMPT_URL;
    }

    /// An agent's position in a graph of agents.
    Node {
        /// The agent's name.
        agent: text => names::AGENT_NAME;
        /// The id of the node in the graph.
        id: text => names::GRAPH_NODE_ID;
        /// The name of the node in the graph.
        name: text => names::GRAPH_NODE_NAME;
        /// The id of the parent node. A root has none.
        parent: text => names::GRAPH_NODE_PARENT_ID;
    }

    /// Evaluations of the span, its trace or its session.
    ///
    /// Phoenix stores these as attributes. What it shows as annotations is sent separately; see
    /// [`evaluation`](crate::evaluation).
    Evaluations {
        /// Of the span.
        span: list of Evaluation => names::EVALUATIONS;
        /// Of the trace.
        trace: list of Evaluation => names::TRACE_EVALUATIONS;
        /// Of the session.
        session: list of Evaluation => names::SESSION_EVALUATIONS;
    }

    /// One evaluation. It needs a name, and a score, a label or an explanation.
    Evaluation {
        /// What is evaluated.
        name: text => evaluation::NAME;
        /// The score.
        score: number => evaluation::SCORE;
        /// The result in one word.
        label: text => evaluation::LABEL;
        /// The reason for the result.
        explanation: text => evaluation::EXPLANATION;
        /// What evaluates: `HUMAN`, `LLM` or `CODE`.
        annotator_kind: text => evaluation::ANNOTATOR_KIND;
        /// Distinguishes evaluations with the same name.
        identifier: text => evaluation::IDENTIFIER;
        /// Any further data.
        metadata: json => evaluation::METADATA;
    }
}

impl Message {
    /// A message with this role: `user`, `assistant`, `system`, `tool`.
    pub fn of(role: impl Into<String>) -> Self {
        Self::new().role(role)
    }
}
