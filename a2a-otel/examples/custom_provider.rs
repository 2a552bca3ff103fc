//! A model whose requests and answers are in no known form: the function records what they mean.
//!
//! ```sh
//! cargo run -p a2a-otel --example custom_provider
//! ```

use a2a_otel::llm_call;
use a2a_otel::record::{Message, Request, Response, Usage};

/// The answer of a model in this process.
struct Inference {
    text: String,
    read: u64,
    written: u64,
}

fn infer(question: &str) -> Inference {
    Inference { text: format!("{question} Two lamps."), read: 12, written: 3 }
}

#[llm_call(system = "our-runtime")]
fn ask(question: &str) -> String {
    let span = a2a_otel::current();
    span.record(&Request::new().model("our-model-7b").messages([Message::of("user").content(question)]));
    let Inference { text, read, written } = infer(question);
    span.record(&Response::new().messages([Message::of("assistant").content(&text)]));
    span.record(&Usage::new().prompt(read).completion(written));
    text
}

fn main() {
    let _telemetry = a2a_otel::init();
    println!("{}", ask("Which lamps do you have?"));
}
