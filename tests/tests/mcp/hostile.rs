//! Tests hostile values in `_meta`: the tool answers, and the spans stay intact.

use a2a_otel::mcp::TracedServer;
use a2a_otel::testing::capture;
use a2a_otel_tests::shop::Shop;
use proptest::prelude::*;
use rmcp::ServiceExt as _;
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::runtime::{Builder, Runtime};

/// The longest baggage that every implementation must pass on, in bytes.
const LONGEST_BAGGAGE: usize = 8192;

/// A client that can send anything.
struct Stranger {
    runtime: Runtime,
    answers: Lines<BufReader<ReadHalf<DuplexStream>>>,
    requests: WriteHalf<DuplexStream>,
    last: u32,
}

impl Stranger {
    fn connected() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (theirs, ours) = tokio::io::duplex(1 << 23);
        runtime.spawn(async {
            let running = TracedServer::new(Shop::new()).serve(theirs).await.expect("a connection");
            running.waiting().await
        });
        let (answers, requests) = tokio::io::split(ours);
        let mut stranger = Self { runtime, answers: BufReader::new(answers).lines(), requests, last: 0 };
        let hello = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "stranger", "version": "0" },
        });
        stranger.ask("initialize", &hello);
        stranger.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        stranger
    }

    fn say(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.runtime.block_on(self.requests.write_all(line.as_bytes())).expect("a server that reads");
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        self.say(&json!({ "jsonrpc": "2.0", "id": self.last, "method": method, "params": params }));
        let answer = self.runtime.block_on(self.answers.next_line()).expect("an answer");
        serde_json::from_str(&answer.expect("a server that lives")).expect("JSON")
    }

    /// Calls a tool with this in `_meta`.
    fn call(&mut self, meta: &Value) -> Value {
        self.ask("tools/call", &json!({ "name": "bare", "arguments": { "product": 4 }, "_meta": meta }))
    }
}

/// The resulting tree, which is the server's own if nothing of `meta` was accepted.
fn assert_answered(stranger: &mut Stranger, meta: &Value) -> String {
    let capturing = capture();
    let answer = stranger.call(meta);
    assert_eq!(answer["result"]["content"][0]["text"], "8", "{answer}");
    for span in capturing.spans() {
        for key in ["session.id", "user.id"] {
            let length = span.text(key).map_or(0, str::len);
            assert!(length <= LONGEST_BAGGAGE, "{key} has {length} bytes");
        }
        assert!(span.duplicates.is_empty(), "{span:?}");
    }
    capturing.tree()
}

const OWN: &str = "TOOL tools/call bare\n  CHAIN look_up\n";

#[test]
fn wrong_types_are_ignored() {
    let mut stranger = Stranger::connected();
    for wrong in [json!(null), json!(5), json!(true), json!([]), json!({ "a": 1 }), json!(""), json!("00")] {
        let meta = json!({ "traceparent": wrong, "tracestate": wrong, "baggage": wrong });
        assert_eq!(assert_answered(&mut stranger, &meta), OWN, "{wrong}");
    }
}

#[test]
fn what_is_too_long_does_not_grow() {
    let mut stranger = Stranger::connected();
    let long = "x".repeat(1 << 20);
    let many = (0..10_000).map(|number| format!("k{number}={number}")).collect::<Vec<_>>().join(",");
    for baggage in [format!("session.id={long}"), format!("{long}=1"), many, long.clone()] {
        assert_answered(
            &mut stranger,
            &json!({ "traceparent": long, "tracestate": long, "baggage": baggage }),
        );
    }
}

/// If `_meta` is not an object, rmcp refuses the request, and the connection continues.
#[test]
fn a_meta_that_is_no_object_harms_nobody_else() {
    let mut stranger = Stranger::connected();
    for meta in [json!(5), json!("x"), json!([1])] {
        stranger.last += 1;
        let params = json!({ "name": "bare", "arguments": { "product": 4 }, "_meta": meta });
        stranger
            .say(&json!({ "jsonrpc": "2.0", "id": stranger.last, "method": "tools/call", "params": params }));
        let answer = stranger.runtime.block_on(stranger.answers.next_line()).expect("an answer");
        assert!(answer.expect("a server that lives").contains("error"));
        assert_eq!(assert_answered(&mut stranger, &json!({})), OWN);
    }
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}".prop_map(Value::from),
        "(session.id|user.id|metadata|tag.tags)=[ -~]{0,40}(;[ -~]{0,10})?".prop_map(Value::from),
        "([a-z]{1,3}=[ -~]{0,9},?){0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z]{1,4}", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

#[test]
fn nothing_in_meta_keeps_a_tool_from_answering() {
    let stranger = std::cell::RefCell::new(Stranger::connected());
    proptest!(ProptestConfig::with_cases(256), |(parent in anything(), state in anything(), baggage in anything())| {
        let meta = json!({ "traceparent": parent, "tracestate": state, "baggage": baggage });
        assert_answered(&mut stranger.borrow_mut(), &meta);
    });
}
