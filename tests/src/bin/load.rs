//! An agent for the measurements of docs/scaling.md: it makes traces like those of real agents, as fast as asked, and says what
//! became of them.
//!
//! `load runs=100 per_second=5`; the environment configures telemetry. It ends when nothing waits to be sent, or after
//! `patience=300` seconds. The output is one line of JSON.

use std::collections::HashMap;
use std::env;
use std::thread;
use std::time::{Duration, Instant};

use a2a_otel::{Telemetry, agent_span, chain_span, llm_call, tool_span};
use serde_json::{Value, json};

/// The spans of a run: the agent, and in each of its steps a model and a tool.
const STEPS: u64 = 2;
const SPANS: u64 = 1 + STEPS * 3;

/// Words of which texts are made, so that they compress as prose does.
const WORDS: &str = "the customer asks for a lamp which costs less than sixty euros and agent searches catalogue finds three \
                     of them in stock because delivery is slow this week please answer with names prices only order was \
                     reserved before noon by another warehouse if not try again later from";

/// Texts that differ from one another.
struct Prose(u64);

impl Prose {
    fn text(&mut self, words: usize) -> String {
        let choice: Vec<_> = WORDS.split_whitespace().collect();
        let mut text = String::new();
        for _ in 0..words {
            // A generator of pseudo-random numbers with good high bits.
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = usize::try_from(self.0 >> 33).unwrap_or_default() % choice.len();
            text.push_str(choice[index]);
            text.push(' ');
        }
        text
    }
}

#[agent_span(name = "shopper")]
fn run(wish: &str, prose: &mut Prose) -> String {
    let mut messages = vec![
        json!({ "role": "system", "content": prose.text(150) }),
        json!({ "role": "user", "content": wish }),
    ];
    (0..STEPS).map(|number| step(number, &mut messages, prose)).last().unwrap_or_default()
}

#[chain_span(name = "step", skip_all)]
fn step(number: u64, messages: &mut Vec<Value>, prose: &mut Prose) -> String {
    let request = json!({ "model": "gpt-4o-mini", "temperature": 0.2, "messages": messages });
    let said = prose.text(80);
    let answer = json!({
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{ "message": { "role": "assistant", "content": said }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 400, "completion_tokens": 100, "total_tokens": 500 },
    });
    messages.push(ask(&request, answer)["choices"][0]["message"].take());
    let found = search(&prose.text(8), prose.text(60));
    messages.push(json!({ "role": "user", "content": found, "name": format!("result-{number}") }));
    said
}

#[llm_call(request = request)]
fn ask(request: &Value, answer: Value) -> Value {
    answer
}

#[tool_span(skip(found))]
fn search(query: &str, found: String) -> String {
    if query.is_empty() { String::new() } else { found }
}

fn main() {
    let arguments: HashMap<String, u64> = env::args()
        .skip(1)
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.parse().expect("an argument should be a whole number")))
        })
        .collect();
    let number = |name: &str, otherwise| arguments.get(name).copied().unwrap_or(otherwise);
    let telemetry = Telemetry::builder().start();
    let runs = number("runs", 100);
    make(runs, arguments.get("per_second").copied());
    let delivery = telemetry.shutdown(Duration::from_secs(number("patience", 300)));
    let dropped: u64 = delivery.dropped.values().sum();
    println!(
        "{}",
        json!({
            "made": runs * SPANS,
            "generated": delivery.generated,
            "delivered": delivery.delivered,
            "spooled": delivery.spooled,
            "dropped": dropped,
        })
    );
}

fn make(runs: u64, per_second: Option<u64>) {
    let mut prose = Prose(u64::from(std::process::id()));
    let start = Instant::now();
    for number in 0..runs {
        if let Some(pace) = per_second {
            let due = start + Duration::from_secs(number) / u32::try_from(pace).expect("a pace is small");
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let wish = prose.text(40);
        run(&wish, &mut prose);
    }
}
