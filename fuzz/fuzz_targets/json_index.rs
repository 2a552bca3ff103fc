//! Any JSON in a request: what is read in place is what `serde_json` reads.

#![no_main]

use a2a_otel_fuzz::of_whole;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

/// The deepest nesting that is read is 128, of which the request takes some.
const DEEPEST: usize = 120;

fuzz_target!(|text: &str| {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    if text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > DEEPEST {
        return;
    }
    let content = value.as_str().unwrap_or_default();
    let request = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":{text}}}],"tools":[{text}],"stop":{text}}}"#
    );
    let span = of_whole(&request, "");
    assert_eq!(span.text("llm.input_messages.0.message.content").unwrap_or_default(), content);

    // A tool is an object.
    if value.is_object() {
        let tool = span.text("llm.tools.0.tool.json_schema").expect("a tool");
        assert_eq!(serde_json::from_str::<Value>(tool).expect("JSON"), value);
    }
    // Parameters keep values; what a list or an object may contain depends on the parameter.
    if value.is_string() || value.is_number() || value.is_boolean() {
        let parameters = span.text("llm.invocation_parameters").expect("parameters");
        let parameters: Map<String, Value> = serde_json::from_str(parameters).expect("JSON");
        assert_eq!(parameters.get("stop"), Some(&value));
    }
});
