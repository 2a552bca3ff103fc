//! A conversation of two turns: the session, the user and the tags are set once, where a request arrives, and every span below
//! has them, those of other tasks too.
//!
//! ```sh
//! cargo run -p a2a-otel --example session
//! ```

use a2a_otel::{agent_span, tool_span, with_session};

#[tool_span]
async fn remember(question: String) -> usize {
    question.len()
}

#[agent_span]
async fn answer(question: String) -> String {
    // `tokio::spawn` would start a trace of its own.
    let length = a2a_otel::spawn(remember(question.clone())).await;
    format!("{question} has {} letters", length.unwrap_or_default())
}

#[tokio::main]
async fn main() {
    let _telemetry = a2a_otel::init();
    for question in ["A lamp?", "A green one?"] {
        let turn =
            with_session("conversation-42").user("ada").tags(["beta"]).wrap(answer(question.to_owned()));
        println!("{}", turn.await);
    }
}
