//! A model that answers piece by piece. The span ends with the stream, and has the whole answer, its tokens, and the time to
//! the first piece.
//!
//! ```sh
//! cargo run -p a2a-otel --example streaming
//! ```

use a2a_otel::{agent_span, llm_call};
use futures::stream::{self, Stream, StreamExt};
use serde_json::{Value, json};

/// Answers as OpenAI's chat API does if `stream` is set.
#[llm_call(request = request, provider = "openai")]
fn complete(request: Value) -> impl Stream<Item = Value> {
    let words = ["Two ", "lamps ", "are left."]
        .map(|word| json!({"choices": [{"index": 0, "delta": {"content": word}}]}));
    let usage =
        json!({"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}});
    stream::iter(words.into_iter().chain([usage]))
}

#[agent_span]
async fn answer(question: &str) -> String {
    let request = json!({
        "model": "gpt-4o-mini",
        "stream": true,
        "messages": [{"role": "user", "content": question}],
    });
    let mut pieces = complete(request);
    let mut answer = String::new();
    while let Some(piece) = pieces.next().await {
        answer += piece["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
    }
    answer
}

#[tokio::main]
async fn main() {
    let _telemetry = a2a_otel::init();
    println!("{}", answer("How many lamps are left?").await);
}
