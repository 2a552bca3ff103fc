//! Tests the crates `rig-core` and `rig-agent`.

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::capture;
use a2a_otel::{agent_span, chain_span};
use rig_agent::prelude::AgentBuilder;
use rig_core::completion::CompletionRequest;
use rig_core::providers::gemini::GeminiConfig;
use rig_core::providers::openai::OpenAIConfig;
use rig_core::tool::PortableTool;
use serde_json::{Value, json};

use crate::{assert_call, assert_conversation, bridged, completion, provider, provider_of};

fn openai(url: &str) -> rig_core::providers::openai::OpenAI {
    OpenAIConfig { base_url: format!("{url}/v1"), ..OpenAIConfig::new("none") }.client()
}

#[agent_span(skip_all)]
async fn answer(url: &str) {
    let request = CompletionRequest::new("How many lamps?").preamble("Be brief.").temperature(0.5);
    openai(url).chat("gpt-4o-mini").call(request).await.expect("an answer");
}

#[tokio::test]
async fn a_completion_is_a_call_of_a_model() {
    bridged();
    let url = provider(completion()).await;
    let capturing = capture();
    answer(&url).await;
    assert_eq!(capturing.tree(), "AGENT answer\n  LLM chat\n");
    assert_call(&capturing.named("chat"));
}

struct Count;

impl PortableTool for Count {
    const NAME: &'static str = "count";
    type Args = Value;
    type Output = Value;
    type Error = std::io::Error;

    fn description(&self) -> String {
        "Counts what is in stock.".to_owned()
    }

    fn parameters(&self) -> Value {
        json!({"type": "object", "properties": {"of": {"type": "string"}}, "required": ["of"]})
    }

    async fn call(&self, arguments: Value) -> Result<Value, std::io::Error> {
        look_up();
        if arguments["of"] == "tables" {
            return Err(std::io::Error::other("no tables"));
        }
        Ok(json!({"pieces": 2}))
    }
}

#[chain_span]
fn look_up() {}

#[agent_span(skip_all)]
async fn ask_agent(url: &str) -> String {
    prompt(url).await
}

async fn prompt(url: &str) -> String {
    let agent = AgentBuilder::new(openai(url).chat("gpt-4o-mini"))
        .preamble("Be brief.")
        .tool(Count)
        .record_content_telemetry(true)
        .build();
    agent.prompt("How many lamps?").max_turns(3).await.expect("an answer").to_string()
}

/// An answer that calls the tool.
fn calling(arguments: &Value) -> Value {
    let mut calling = completion();
    calling["choices"][0]["message"]["content"] = Value::Null;
    calling["choices"][0]["message"]["tool_calls"] = json!([
        {"id": "call_1", "type": "function", "function": {"name": "count", "arguments": arguments.to_string()}},
    ]);
    calling["choices"][0]["finish_reason"] = json!("tool_calls");
    calling
}

/// rig takes the current span of `tracing` for its agent's, and with a bridge that is ours.
#[tokio::test]
async fn our_agent_is_its_agent() {
    bridged();
    let url = provider_of([calling(&json!({"of": "lamps"})), completion()]).await;
    let capturing = capture();
    ask_agent(&url).await;
    let expected = "\
AGENT ask_agent
  LLM chat
  TOOL execute_tool
    CHAIN look_up
  LLM chat
";
    assert_eq!(capturing.tree(), expected);
}

#[tokio::test]
async fn an_agent_of_its_own_is_one_too() {
    bridged();
    let url = provider_of([calling(&json!({"of": "lamps"})), completion()]).await;
    let capturing = capture();
    prompt(&url).await;
    let expected = "\
AGENT invoke_agent
  LLM chat
  TOOL execute_tool
    CHAIN look_up
  LLM chat
";
    assert_eq!(capturing.tree(), expected);
    let agent = capturing.named("invoke_agent");
    assert_eq!(agent.text("input.value"), Some("How many lamps?"), "{agent:?}");
    assert_eq!(agent.text("output.value"), Some("Two lamps."), "{agent:?}");
    let tool = capturing.named("execute_tool");
    assert_eq!(tool.text("tool.name"), Some("count"), "{tool:?}");
    assert_eq!(tool.text("tool.id"), Some("call_1"), "{tool:?}");
    assert!(tool.text("input.value").is_some_and(|input| input.contains("lamps")), "{tool:?}");
    assert!(tool.text("output.value").is_some_and(|output| output.contains("pieces")), "{tool:?}");
    let spans = capturing.spans();
    let [asked, answered] = [0, 1].map(|index| {
        spans.iter().filter(|span| span.kind == "LLM").nth(index).expect("two calls of the model")
    });
    assert_call(asked);
    let called = "llm.output_messages.0.message.tool_calls.0.tool_call.function.name";
    assert_eq!(asked.text(called), Some("count"), "{asked:?}");
    assert_call(answered);
    assert_conversation(answered);
}

#[tokio::test]
async fn a_tool_that_fails_is_an_error() {
    bridged();
    let url = provider_of([calling(&json!({"of": "tables"})), completion()]).await;
    let capturing = capture();
    ask_agent(&url).await;
    let tool = capturing.named("execute_tool");
    assert_eq!(tool.text("gen_ai.tool.call.outcome"), Some("error"), "{tool:?}");
    assert!(matches!(tool.status, Status::Error { .. }), "{tool:?}");
    assert_eq!(tool.text("error.type"), tool.text("gen_ai.tool.error.type"), "{tool:?}");
    assert!(tool.text("error.type").is_some(), "{tool:?}");
}

/// What a provider's own tools add to the prompt is a part of it.
#[tokio::test]
async fn tokens_of_a_providers_tools_are_a_part_of_the_prompt() {
    bridged();
    let answer = json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Two lamps."}]}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 8,
            "toolUsePromptTokenCount": 4,
            "candidatesTokenCount": 2,
            "thoughtsTokenCount": 1,
            "totalTokenCount": 15,
        },
        "modelVersion": "gemini-2.5-flash-001",
    });
    let url = provider(answer).await;
    let capturing = capture();
    let gemini = GeminiConfig { base_url: url, ..GeminiConfig::new("none") }.client();
    gemini
        .completion("gemini-2.5-flash")
        .call(CompletionRequest::new("How many lamps?"))
        .await
        .expect("an answer");
    let span = capturing.named("generate_content");
    let counts = ["prompt", "prompt_details.tool_use", "completion", "completion_details.reasoning", "total"];
    let counts = counts.map(|count| span.number(&format!("llm.token_count.{count}")));
    assert_eq!(counts, [Some(12), Some(4), Some(3), Some(1), Some(15)], "{span:?}");
}

#[tokio::test]
async fn an_embedding_names_its_model() {
    bridged();
    let answer = json!({
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    });
    let url = provider(answer).await;
    let capturing = capture();
    let model = openai(&url).embedding("text-embedding-3-small", Some(2));
    model.embed_text("lamp").await.expect("a vector");
    let span = capturing.named("embeddings");
    assert_eq!(span.kind, "EMBEDDING", "{span:?}");
    assert_eq!(span.text("embedding.model_name"), Some("text-embedding-3-small"), "{span:?}");
    assert_eq!(span.text("llm.provider"), Some("openai"), "{span:?}");
}
