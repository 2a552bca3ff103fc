//! What a span can hold beyond what an attribute sees: messages, tokens, costs, documents, vectors, tools, prompts,
//! evaluations, in OpenInference's terms.
//!
//! Each is made with setters and handed to [`Current::record`](crate::Current::record). `#[llm_call]` reads requests and
//! responses of the usual providers by itself (see `docs/llm.md`); these serve what does not fit.
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

/// Something that a span can hold. Implement it to have a type of your own recorded as OpenInference wants it.
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
    /// Adds what the span will hold. It is only called where somebody will see it.
    fn record(&self, attributes: &mut Attributes);
}

/// The attributes that are made of a [`Record`].
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

    /// NaN and infinities are left out, for Phoenix drops them.
    fn number(&mut self, key: &'static str, number: f64) {
        if number.is_finite() {
            self.push(key, number);
        }
    }

    fn count(&mut self, key: &'static str, count: u64) {
        self.push(key, i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A value that is text already is taken for JSON. What does not serialise is left out.
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

/// One setter of a record, by what it takes.
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

/// The table: a record, its setters, what each takes, and the attribute that holds it.
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
            /// Nothing yet.
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
    /// What a model was asked.
    Request {
        /// The model that is asked.
        model: text => names::LLM_MODEL_NAME;
        /// Who is asked, as OpenInference names providers: `openai`, `anthropic`.
        provider: text => names::LLM_PROVIDER;
        /// Whose kind of model it is: `openai`, `anthropic`.
        system: text => names::LLM_SYSTEM;
        /// The conversation so far.
        messages: list of Message => names::LLM_INPUT_MESSAGES;
        /// The tools that the model may call.
        tools: list of ToolSchema => names::LLM_TOOLS;
        /// Temperature and the like.
        parameters: json => names::LLM_INVOCATION_PARAMETERS;
        /// What is to be gone on with, where there are no messages.
        prompts: texts at (prompt::TEXT) => names::LLM_PROMPTS;
    }

    /// What a model answered.
    Response {
        /// The model that answered, where the request did not name it.
        model: text => names::LLM_MODEL_NAME;
        /// The model that was asked for, where another one answered.
        request_model: text => names::LLM_REQUEST_MODEL_NAME;
        /// The model that answered, where another one was asked for.
        response_model: text => names::LLM_RESPONSE_MODEL_NAME;
        /// The answers.
        messages: list of Message => names::LLM_OUTPUT_MESSAGES;
        /// What prompts were gone on with.
        choices: texts at (completion::TEXT) => names::LLM_CHOICES;
        /// Why the model stopped: `stop`, `length`, `tool_calls`.
        finish_reason: text => names::LLM_FINISH_REASON;
        /// The function that the model wants called, as it was before there were tools.
        function_call: json => names::LLM_FUNCTION_CALL;
    }

    /// One message of a conversation.
    Message {
        /// Whose it is: `user`, `assistant`, `system`, `tool`.
        role: text => message::ROLE;
        /// The message, where it is nothing but text.
        content: text => message::CONTENT;
        /// The parts of a message that is more than text.
        parts: list of Part => message::CONTENTS;
        /// The name of the one who speaks, or of the tool that answers.
        name: text => message::NAME;
        /// The tool call that the message is the result of.
        tool_call_id: text => message::TOOL_CALL_ID;
        /// The calls of tools that the model asks for.
        tool_calls: list of ToolCall => message::TOOL_CALLS;
        /// The one call that a message could ask for before there were tools.
        function_call_name: text => message::FUNCTION_CALL_NAME;
        /// Its arguments.
        function_call_arguments: json => message::FUNCTION_CALL_ARGUMENTS;
    }

    /// A part of a message.
    Part {
        /// `text`, `image`, `audio`, `video`, `document`, `reasoning` or `tool_use`.
        kind: text => message_content::TYPE;
        /// What it says.
        text: text => message_content::TEXT;
        /// Where the image is, or a `data:` URL.
        image_url: text => names::PART_IMAGE_URL;
        /// Where the sound is, or a `data:` URL.
        audio_url: text => names::PART_AUDIO_URL;
        /// What kind of sound it is.
        audio_mime_type: text => names::PART_AUDIO_MIME_TYPE;
        /// What is said in it.
        audio_transcript: text => names::PART_AUDIO_TRANSCRIPT;
        /// Where the video is.
        video_url: text => names::PART_VIDEO_URL;
        /// Where the document is.
        document_url: text => names::PART_DOCUMENT_URL;
        /// What kind of document it is.
        document_mime_type: text => names::PART_DOCUMENT_MIME_TYPE;
        /// What the document is called.
        document_name: text => names::PART_DOCUMENT_NAME;
        /// What the provider knows it by.
        id: text => message_content::ID;
        /// The provider's signature of a thought.
        signature: text => message_content::SIGNATURE;
        /// A thought that the provider keeps to itself.
        data: text => message_content::DATA;
        /// The same, encrypted.
        encrypted_content: text => message_content::ENCRYPTED_CONTENT;
    }

    /// A call of a tool that a model asks for.
    ToolCall {
        /// What the result will refer to.
        id: text => tool_call::ID;
        /// The tool's name.
        name: text => tool_call::FUNCTION_NAME;
        /// The arguments; a text is taken for JSON.
        arguments: json => tool_call::FUNCTION_ARGUMENTS;
        /// The provider's signature of the thought behind the call.
        reasoning_signature: text => tool_call::REASONING_SIGNATURE;
    }

    /// A tool that a model may call.
    ToolSchema {
        /// Its definition as the provider takes it.
        json_schema: json => tool::JSON_SCHEMA;
    }

    /// How many tokens a call took. Those in the details are counted in the sums as well, those of caches too.
    Usage {
        /// What was read.
        prompt: count => names::LLM_TOKEN_COUNT_PROMPT;
        /// What was written.
        completion: count => names::LLM_TOKEN_COUNT_COMPLETION;
        /// Both.
        total: count => names::LLM_TOKEN_COUNT_TOTAL;
        /// Of the prompt: what came out of a cache.
        cache_read: count => names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ;
        /// Of the prompt: what went into a cache.
        cache_write: count => names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE;
        /// Of the prompt: what a cache held, where reading and writing are not told apart.
        cache_input: count => names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_INPUT;
        /// Of the prompt: sound.
        prompt_audio: count => names::LLM_TOKEN_COUNT_PROMPT_DETAILS_AUDIO;
        /// Of the completion: sound.
        completion_audio: count => names::LLM_TOKEN_COUNT_COMPLETION_DETAILS_AUDIO;
        /// Of the completion: thoughts.
        reasoning: count => names::LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING;
    }

    /// What a call cost, in US dollars. Phoenix computes costs of its own from model and tokens.
    Cost {
        /// What was read.
        prompt: number => names::LLM_COST_PROMPT;
        /// What was written.
        completion: number => names::LLM_COST_COMPLETION;
        /// Both.
        total: number => names::LLM_COST_TOTAL;
        /// Of the prompt: what no cache held.
        input: number => names::LLM_COST_PROMPT_DETAILS_INPUT;
        /// Of the prompt: what came out of a cache.
        cache_read: number => names::LLM_COST_PROMPT_DETAILS_CACHE_READ;
        /// Of the prompt: what went into a cache.
        cache_write: number => names::LLM_COST_PROMPT_DETAILS_CACHE_WRITE;
        /// Of the prompt: what a cache held, where reading and writing are not told apart.
        cache_input: number => names::LLM_COST_PROMPT_DETAILS_CACHE_INPUT;
        /// Of the prompt: sound.
        prompt_audio: number => names::LLM_COST_PROMPT_DETAILS_AUDIO;
        /// Of the completion: what is neither thought nor sound.
        output: number => names::LLM_COST_COMPLETION_DETAILS_OUTPUT;
        /// Of the completion: thoughts.
        reasoning: number => names::LLM_COST_COMPLETION_DETAILS_REASONING;
        /// Of the completion: sound.
        completion_audio: number => names::LLM_COST_COMPLETION_DETAILS_AUDIO;
    }

    /// Texts that became vectors.
    Embeddings {
        /// The model that made the vectors.
        model: text => names::EMBEDDING_MODEL_NAME;
        /// Dimensions and the like.
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

    /// What a retriever found.
    Retrieval {
        /// The documents, the best first.
        documents: list of Document => names::RETRIEVAL_DOCUMENTS;
    }

    /// What a reranker put in order.
    Reranking {
        /// What the documents should fit.
        query: text => names::reranker::QUERY;
        /// The model that compares.
        model: text => names::reranker::MODEL_NAME;
        /// How many documents are wanted.
        top_k: count => names::reranker::TOP_K;
        /// The documents as they came.
        input: list of Document => names::reranker::INPUT_DOCUMENTS;
        /// The documents as they go, the best first.
        output: list of Document => names::reranker::OUTPUT_DOCUMENTS;
    }

    /// A document.
    Document {
        /// What the store knows it by.
        id: text => document::ID;
        /// What it says.
        content: text => document::CONTENT;
        /// How well it fits, the higher the better.
        score: number => document::SCORE;
        /// What else is known of it.
        metadata: json => document::METADATA;
        /// Where it is.
        url: text => document::URL;
        /// What kind of file it is.
        mime_type: text => document::MIME_TYPE;
        /// What it is called.
        name: text => document::NAME;
    }

    /// What goes in and comes out beside text.
    Media {
        /// Images that went in.
        input_images: list of Image => names::INPUT_IMAGES;
        /// Images that came out.
        output_images: list of Image => names::OUTPUT_IMAGES;
        /// Documents that went in.
        input_documents: list of Document => names::INPUT_DOCUMENTS;
        /// Documents that came out.
        output_documents: list of Document => names::OUTPUT_DOCUMENTS;
    }

    /// An image.
    Image {
        /// Where it is, or a `data:` URL.
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
        /// The tool call that it answers.
        id: text => names::TOOL_ID;
    }

    /// A prompt, before its variables are filled in.
    Prompt {
        /// The text with the variables' names.
        template: text => names::LLM_PROMPT_TEMPLATE;
        /// The variables' values, by name.
        variables: json => names::LLM_PROMPT_TEMPLATE_VARIABLES;
        /// Which version it is.
        version: text => names::LLM_PROMPT_TEMPLATE_VERSION;
        /// Who keeps it.
        vendor: text => names::PROMPT_VENDOR;
        /// What that one knows it by.
        id: text => names::PROMPT_ID;
        /// Where it is.
        url: text => names::PROMPT_URL;
    }

    /// An agent's place among others.
    Node {
        /// The agent's name.
        agent: text => names::AGENT_NAME;
        /// The node of the graph.
        id: text => names::GRAPH_NODE_ID;
        /// What the graph shows it as.
        name: text => names::GRAPH_NODE_NAME;
        /// The node that this one was reached from; a root has none.
        parent: text => names::GRAPH_NODE_PARENT_ID;
    }

    /// What was found of the span, its trace or its session by those who judge.
    ///
    /// Phoenix keeps these as attributes; what it shows as annotations comes to it by its own interface.
    Evaluations {
        /// Of the span.
        span: list of Evaluation => names::EVALUATIONS;
        /// Of the trace.
        trace: list of Evaluation => names::TRACE_EVALUATIONS;
        /// Of the session.
        session: list of Evaluation => names::SESSION_EVALUATIONS;
    }

    /// One verdict. It needs a name, and one of score, label and explanation.
    Evaluation {
        /// What is judged.
        name: text => evaluation::NAME;
        /// How good it is.
        score: number => evaluation::SCORE;
        /// The same in a word.
        label: text => evaluation::LABEL;
        /// Why.
        explanation: text => evaluation::EXPLANATION;
        /// Who judges: `HUMAN`, `LLM` or `CODE`.
        annotator_kind: text => evaluation::ANNOTATOR_KIND;
        /// Tells verdicts of one name apart.
        identifier: text => evaluation::IDENTIFIER;
        /// What else is known of it.
        metadata: json => evaluation::METADATA;
    }
}

impl Message {
    /// A message of this role: `user`, `assistant`, `system`, `tool`.
    pub fn of(role: impl Into<String>) -> Self {
        Self::new().role(role)
    }
}
