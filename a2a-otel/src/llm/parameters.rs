//! The parameters of a request: what `llm.invocation_parameters` may hold, by the interface.
//!
//! No text of a conversation may get there, under whatever name, because the attribute is recorded where messages are
//! hidden. So a request's field is recorded only if it is in the table of its interface, or if its value is a number or a
//! boolean, which cannot be text. Everything else is in `input.value` alone. What is not in a table on purpose: what
//! people, models and documents say (`prediction`, `suffix`, `system`, `template`, `documents`), metadata, which is free
//! text of the application, ids of stored conversations, the users' places, and credentials.
//!
//! Sources: the API references of OpenAI, Anthropic, Google (Gemini and Vertex AI), Ollama, vLLM (its server's protocol),
//! OpenRouter, Groq, DeepSeek, Mistral, xAI, Together, Fireworks, Perplexity, Alibaba (Qwen), Azure OpenAI, Amazon Bedrock,
//! Cohere, Jina and Voyage, and the documentation of the crate `genai`.

use self::Form::{Fields, Schema, Value};
use crate::json::Node;

/// The parameters of an interface. Their names are as in its JSON.
pub(crate) struct Parameters(&'static [&'static [Parameter]]);

/// The name of a parameter, and what of its value is recorded.
type Parameter = (&'static str, Form);

/// What of a parameter's value is recorded. Numbers and booleans always are.
enum Form {
    /// A text, which the interface defines, or a list of texts or numbers.
    Value,
    /// Everything: the application's definition of the answer's form.
    Schema,
    /// Of an object or each object of a list, these fields. A text instead of the object is recorded.
    Fields(&'static [Parameter]),
}

pub(crate) static OPENAI_CHAT: Parameters = Parameters(&[OPENAI, COMPATIBLE]);
pub(crate) static OPENAI_COMPLETIONS: Parameters = Parameters(&[OPENAI, COMPATIBLE]);
pub(crate) static OPENAI_RESPONSES: Parameters = Parameters(&[OPENAI, COMPATIBLE, RESPONSES]);
pub(crate) static EMBEDDINGS: Parameters = Parameters(&[EMBEDDING]);
pub(crate) static ANTHROPIC: Parameters = Parameters(&[MESSAGES]);
pub(crate) static GEMINI: Parameters = Parameters(&[GENERATE_CONTENT]);
pub(crate) static OLLAMA: Parameters = Parameters(&[LOCAL]);
/// The crate `genai` passes its options separately from the request.
pub(crate) static GENAI_CRATE: Parameters = Parameters(&[]);

/// OpenAI's parameters of chats and completions. The recorded traces have `user`.
const OPENAI: &[Parameter] = &[
    ("model", Value),
    ("audio", Fields(&[("format", Value), ("voice", Value)])),
    ("function_call", Fields(&[("name", Value)])),
    ("logit_bias", Fields(&[])),
    ("modalities", Value),
    ("reasoning_effort", Value),
    ("response_format", RESPONSE_FORMAT),
    ("service_tier", Value),
    ("stop", Value),
    ("stream_options", Fields(&[])),
    ("tool_choice", TOOL_CHOICE),
    ("user", Value),
    ("verbosity", Value),
    ("web_search_options", Fields(&[("search_context_size", Value)])),
];

/// Together's and Fireworks' formats are a grammar or a pattern.
const RESPONSE_FORMAT: Form = Fields(&[
    ("type", Value),
    ("json_schema", Schema),
    ("schema", Schema),
    ("grammar", Value),
    ("pattern", Value),
    ("name", Value),
]);

/// A choice names tools; their definitions are elsewhere.
const TOOL_CHOICE: Form = Fields(&[
    ("type", Value),
    ("name", Value),
    ("mode", Value),
    ("function", NAMED),
    ("custom", NAMED),
    ("server_label", Value),
    ("allowed_tools", Fields(&[("mode", Value), ("tools", ALLOWED_TOOLS)])),
    ("tools", ALLOWED_TOOLS),
]);
const NAMED: Form = Fields(&[("name", Value)]);
const ALLOWED_TOOLS: Form = Fields(&[
    ("type", Value),
    ("name", Value),
    ("server_label", Value),
    ("function", NAMED),
    ("custom", NAMED),
]);

/// What other providers with OpenAI's interface add.
const COMPATIBLE: &[Parameter] = &[
    // vLLM.
    ("allowed_token_ids", Value),
    ("bad_words", Value),
    ("chat_template_kwargs", Fields(&[("reasoning_effort", Value)])),
    ("guided_choice", Value),
    ("guided_decoding_backend", Value),
    ("guided_grammar", Value),
    ("guided_json", Schema),
    ("guided_regex", Value),
    ("logprob_token_ids", Value),
    ("mm_processor_kwargs", Fields(&[])),
    ("repetition_detection", Fields(&[])),
    ("stop_token_ids", Value),
    ("structured_outputs", Schema),
    ("truncation_side", Value),
    // OpenRouter.
    ("models", Value),
    ("plugins", Fields(&[("id", Value), ("engine", Value)])),
    ("provider", PROVIDER),
    ("reasoning", Fields(&[("effort", Value), ("summary", Value), ("generate_summary", Value)])),
    ("route", Value),
    ("transforms", Value),
    ("usage", Fields(&[])),
    // Groq.
    ("citation_options", Value),
    ("exclude_domains", Value),
    ("include_domains", Value),
    ("reasoning_format", Value),
    ("search_settings", Fields(&[("exclude_domains", Value), ("include_domains", Value)])),
    // DeepSeek, Z.ai, Fireworks.
    ("thinking", Fields(&[("type", Value)])),
    ("reasoning_history", Value),
    // Fireworks and Together.
    ("context_length_exceeded_behavior", Value),
    ("safety_model", Value),
    // Mistral.
    ("prompt_mode", Value),
    // xAI.
    ("search_parameters", SEARCH),
    // Perplexity.
    ("search_domain_filter", Value),
    ("search_mode", Value),
    ("search_recency_filter", Value),
    // Qwen.
    ("search_options", Fields(&[("search_strategy", Value)])),
    // Cohere.
    ("safety_mode", Value),
];

const PROVIDER: Form = Fields(&[
    ("allow", Value),
    ("data_collection", Value),
    ("ignore", Value),
    ("max_price", Fields(&[])),
    ("only", Value),
    ("order", Value),
    ("quantizations", Value),
    ("sort", Value),
]);

const SEARCH: Form = Fields(&[
    ("from_date", Value),
    ("mode", Value),
    ("sources", Fields(&[("allowed_websites", Value), ("excluded_websites", Value), ("type", Value)])),
    ("to_date", Value),
]);

/// OpenAI's parameters that only responses have.
const RESPONSES: &[Parameter] = &[
    ("context_management", Fields(&[("type", Value)])),
    ("include", Value),
    ("text", Fields(&[("format", TEXT_FORMAT), ("verbosity", Value)])),
    ("truncation", Value),
];

const TEXT_FORMAT: Form = Fields(&[
    ("type", Value),
    ("name", Value),
    ("description", Value),
    ("schema", Schema),
    ("syntax", Value),
]);

/// The parameters of embeddings: OpenAI's, and what Voyage, Cohere, Jina, Mistral, NVIDIA and Ollama add.
const EMBEDDING: &[Parameter] = &[
    ("model", Value),
    ("embedding_type", Value),
    ("embedding_types", Value),
    ("encoding_format", Value),
    ("input_type", Value),
    ("keep_alive", Value),
    ("options", Fields(&[("stop", Value)])),
    ("output_dtype", Value),
    ("task", Value),
    ("task_type", Value),
    ("truncate", Value),
    ("user", Value),
];

/// Anthropic's parameters, and those that Bedrock and Vertex AI need. The model has an attribute of its own.
const MESSAGES: &[Parameter] = &[
    ("anthropic_beta", Value),
    ("anthropic_version", Value),
    ("betas", Value),
    ("cache_control", Fields(&[("ttl", Value), ("type", Value)])),
    ("context_management", Fields(&[("edits", CONTEXT_EDIT)])),
    ("inference_geo", Value),
    (
        "output_config",
        Fields(&[("effort", Value), ("format", Fields(&[("type", Value), ("schema", Schema)]))]),
    ),
    ("service_tier", Value),
    ("speed", Value),
    ("stop_sequences", Value),
    ("thinking", Fields(&[("display", Value), ("type", Value)])),
    ("tool_choice", TOOL_CHOICE),
];

/// An edit of the context may hold instructions, which are a prompt.
const CONTEXT_EDIT: Form = Fields(&[
    ("clear_at_least", KIND),
    ("exclude_tools", Value),
    ("keep", KIND),
    ("trigger", KIND),
    ("type", Value),
]);
const KIND: Form = Fields(&[("type", Value)]);

/// Gemini's parameters, in both spellings that Google accepts.
const GENERATE_CONTENT: &[Parameter] = &[
    ("generationConfig", GENERATION),
    ("generation_config", GENERATION),
    ("safetySettings", SAFETY),
    ("safety_settings", SAFETY),
    ("serviceTier", Value),
    ("service_tier", Value),
    ("toolConfig", TOOL_CONFIG),
    ("tool_config", TOOL_CONFIG),
];

const GENERATION: Form = Fields(&[
    ("imageConfig", IMAGE),
    ("image_config", IMAGE),
    ("mediaResolution", Value),
    ("media_resolution", Value),
    ("responseFormat", Schema),
    ("response_format", Schema),
    ("responseJsonSchema", Schema),
    ("response_json_schema", Schema),
    ("responseMimeType", Value),
    ("response_mime_type", Value),
    ("responseModalities", Value),
    ("response_modalities", Value),
    ("responseSchema", Schema),
    ("response_schema", Schema),
    ("speechConfig", SPEECH),
    ("speech_config", SPEECH),
    ("stopSequences", Value),
    ("stop_sequences", Value),
    ("thinkingConfig", THINKING),
    ("thinking_config", THINKING),
]);
const IMAGE: Form =
    Fields(&[("aspectRatio", Value), ("aspect_ratio", Value), ("imageSize", Value), ("image_size", Value)]);
const SPEECH: Form = Fields(&[
    ("languageCode", Value),
    ("language_code", Value),
    ("voiceConfig", VOICE),
    ("voice_config", VOICE),
]);
const VOICE: Form = Fields(&[("prebuiltVoiceConfig", VOICE_NAME), ("prebuilt_voice_config", VOICE_NAME)]);
const VOICE_NAME: Form = Fields(&[("voiceName", Value), ("voice_name", Value)]);
const THINKING: Form = Fields(&[("thinkingLevel", Value), ("thinking_level", Value)]);
const SAFETY: Form = Fields(&[("category", Value), ("method", Value), ("threshold", Value)]);
/// Not the place of the user, which Google's tool for retrieval takes.
const TOOL_CONFIG: Form = Fields(&[("functionCallingConfig", CALLING), ("function_calling_config", CALLING)]);
const CALLING: Form =
    Fields(&[("allowedFunctionNames", Value), ("allowed_function_names", Value), ("mode", Value)]);

/// Ollama's parameters. The model has an attribute of its own. A template, a system prompt and the tokens of the context
/// are texts of the conversation.
const LOCAL: &[Parameter] =
    &[("format", Schema), ("keep_alive", Value), ("options", Fields(&[("stop", Value)])), ("think", Value)];

impl Parameters {
    /// The parameters among the fields of a request, as one JSON object.
    pub(crate) fn of(&self, request: Node<'_>) -> String {
        let mut json = String::new();
        push_fields(&mut json, request, &|name| find(self.0.iter().copied().flatten(), name));
        json
    }
}

fn find<'a>(mut parameters: impl Iterator<Item = &'a Parameter>, name: &str) -> Option<&'a Form> {
    parameters.find(|(known, _)| *known == name).map(|(_, form)| form)
}

fn push_fields<'a>(json: &mut String, object: Node<'_>, form_of: &dyn Fn(&str) -> Option<&'a Form>) {
    json.push('{');
    let start = json.len();
    for (name, value) in object.entries() {
        let before = json.len();
        if before > start {
            json.push(',');
        }
        json.extend(["\"", name, "\":"]);
        if !push_value(json, value, &|| form_of(name)) {
            json.truncate(before);
        }
    }
    json.push('}');
}

/// Appends what is recorded of a value, and returns whether that is anything. Most values need no look at the table.
fn push_value<'a>(json: &mut String, value: Node<'_>, form: &dyn Fn() -> Option<&'a Form>) -> bool {
    if value.is_null() {
        return false;
    }
    if is_number_or_boolean(value) {
        json.push_str(value.raw());
        return true;
    }
    match form() {
        Some(Fields(fields)) if value.is_object() => return push_object(json, value, fields),
        Some(Fields(fields)) if value.is_list() && !is_flat(value) => {
            return push_objects(json, value, fields);
        }
        Some(Value) if value.is_object() || !is_flat(value) => return false,
        Some(_) => json.push_str(value.raw()),
        None => return false,
    }
    true
}

fn is_number_or_boolean(value: Node<'_>) -> bool {
    !value.is_text() && !value.is_object() && !value.is_list()
}

/// Whether a value holds no objects and lists. Of a text, that is always true.
fn is_flat(value: Node<'_>) -> bool {
    value.items().all(|item| !item.is_object() && !item.is_list())
}

/// An object of which nothing is a parameter is left out, unless it is empty.
fn push_object(json: &mut String, value: Node<'_>, fields: &[Parameter]) -> bool {
    let before = json.len();
    push_fields(json, value, &|name| find(fields.iter(), name));
    json.len() - before > "{}".len() || value.entries().next().is_none()
}

fn push_objects(json: &mut String, value: Node<'_>, fields: &[Parameter]) -> bool {
    json.push('[');
    let start = json.len();
    for item in value.items().filter(|item| item.is_object()) {
        let before = json.len();
        if before > start {
            json.push(',');
        }
        if !push_object(json, item, fields) {
            json.truncate(before);
        }
    }
    json.push(']');
    json.len() > start + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::json::Json as Indexed;

    const ALL: [(&str, &Parameters); 8] = [
        ("chat", &OPENAI_CHAT),
        ("completions", &OPENAI_COMPLETIONS),
        ("responses", &OPENAI_RESPONSES),
        ("embeddings", &EMBEDDINGS),
        ("messages", &ANTHROPIC),
        ("generateContent", &GEMINI),
        ("ollama", &OLLAMA),
        ("genai", &GENAI_CRATE),
    ];

    fn of(parameters: &Parameters, request: &Json) -> Json {
        let text = request.to_string();
        let json = Indexed::index(&text).expect("it is JSON");
        serde_json::from_str(&parameters.of(json.root())).expect("parameters are JSON")
    }

    #[test]
    fn parameters_are_kept_with_their_values() {
        let kept = json!({
            "model": "m", "temperature": 0.5, "stop": ["a", "b"], "stream": true, "logit_bias": {"5": -1}, "bad_words": [],
            "response_format": {"type": "json_schema", "json_schema": {"schema": {"enum": ["a"]}}}, "usage": {},
            "tool_choice": "auto", "unknown": 5, "provider": {"order": ["x"], "sort": "price"},
        });
        let mut request = kept.clone();
        let left_out = json!({
            "messages": [], "unknown_text": "a", "unknown_list": [1, 2], "unknown_object": {"a": 1}, "prediction": {"content": "a"},
            "seed": null, "web_search_options": {"user_location": {"city": "Oslo"}}, "stop_token_ids": [[1], "a"],
        });
        request.as_object_mut().unwrap().extend(left_out.as_object().unwrap().clone());
        assert_eq!(of(&OPENAI_CHAT, &request), kept);
    }

    #[test]
    fn fields_inside_of_parameters_follow_the_same_rule() {
        let config = json!({
            "stopSequences": ["a"], "temperature": 1, "systemInstruction": "x", "thinkingConfig": {"thinkingLevel": "LOW", "note": "x"},
        });
        let request = json!({"generationConfig": config, "safetySettings": [{"category": "C", "note": "x"}, {"note": "x"}]});
        let expected = json!({
            "generationConfig": {"stopSequences": ["a"], "temperature": 1, "thinkingConfig": {"thinkingLevel": "LOW"}},
            "safetySettings": [{"category": "C"}],
        });
        assert_eq!(of(&GEMINI, &request), expected);
        assert_eq!(of(&GEMINI, &json!({"safetySettings": [{"note": "x"}]})), json!({}));
        // A list without objects has nothing to leave out.
        let empty = json!({"safetySettings": [], "generationConfig": {}});
        assert_eq!(of(&GEMINI, &empty), empty);
        assert_eq!(of(&OPENAI_CHAT, &json!({"tool_choice": ["auto"]})), json!({"tool_choice": ["auto"]}));
    }

    /// Text, however deep it is.
    fn any_value() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(json!("a secret")),
            Just(json!(1)),
            Just(json!(true)),
            Just(json!(null)),
            Just(json!([]))
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::hash_map(any_name(), inner, 0..4)
                    .prop_map(|fields| Json::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// Names of fields that hold what people say, and other names that no table has.
    fn any_name() -> impl Strategy<Value = String> {
        let known = [
            "prediction",
            "suffix",
            "system",
            "prompt",
            "instructions",
            "context",
            "messages",
            "contents",
            "input",
            "template",
            "metadata",
            "documents",
            "systemInstruction",
            "cachedContent",
            "mcp_servers",
            "output_format",
            "user_location",
            "functions",
            "extra_body",
            "images",
            "text_of_mine",
            "content",
            "parts",
            "search_prompt",
        ];
        prop_oneof![prop::sample::select(known.to_vec()).prop_map(str::to_owned), "x_[a-z]{1,5}"]
    }

    proptest! {
        #[test]
        fn no_text_under_another_name_is_kept(fields in prop::collection::hash_map(any_name(), any_value(), 0..8)) {
            let request = Json::Object(fields.into_iter().collect());
            for (interface, parameters) in ALL {
                let kept = of(parameters, &request).to_string();
                prop_assert!(!kept.contains("secret"), "{interface}: {kept}");
            }
        }
    }
}
