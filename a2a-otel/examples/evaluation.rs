//! An answer gets a score, which Phoenix shows as an annotation of the agent's span, and the opinion of its reader later.
//!
//! ```sh
//! cargo run -p a2a-otel --example evaluation --features otlp
//! ```

use a2a_otel::evaluation::{Annotation, AnnotatorKind, annotate_span};
use a2a_otel::{agent_span, current, evaluator_span};

struct Answer {
    text: String,
    /// For opinions that come later.
    span_id: Option<String>,
}

#[evaluator_span(evaluation = "brevity", score = output)]
fn brevity(answer: &str) -> f64 {
    if answer.len() < 100 { 1.0 } else { 0.0 }
}

#[agent_span(output = output.text)]
fn answer(question: &str) -> Answer {
    let text = question.to_uppercase();
    current().score("brevity", brevity(&text), None, "at most 100 letters");
    Answer { text, span_id: current().span_id().map(|id| id.to_string()) }
}

fn main() {
    let _telemetry = a2a_otel::init();
    let answer = answer("Which lamps do you have?");
    println!("{}", answer.text);
    if let Some(span_id) = answer.span_id {
        let opinion = Annotation::new("helpful").annotator_kind(AnnotatorKind::Human).identifier("ada");
        annotate_span(span_id, opinion.label("yes"));
    }
}
