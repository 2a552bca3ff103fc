//! Tests hostile headers: whatever they contain, the agent answers, and keeps no more of them than necessary.

use std::collections::HashMap;
use std::sync::LazyLock;

use a2a_otel::opentelemetry::baggage::BaggageExt as _;
use a2a_otel::opentelemetry::trace::TraceContextExt as _;
use a2a_otel::propagation::{self, InboundPolicy, MetaRef, ServiceParamsRef};
use a2a_otel::testing::capture;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::json;
use tokio::runtime::Runtime;

use a2a_otel_tests::parrot::{BINDINGS, Binding, Client, Parrot, connect, observed, request, serve};

const POLICIES: [InboundPolicy; 3] = [InboundPolicy::Continue, InboundPolicy::Restart, InboundPolicy::Drop];

/// The most that may be kept of incoming headers, in bytes: the longest baggage, decoded, and its names.
const MOST: usize = 3 * 8192;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Arbitrary HTTP header values, made of meaningful words that are broken in many ways.
fn header() -> impl Strategy<Value = String> {
    let words = vec![
        PARENT,
        "00-00000000000000000000000000000000-0000000000000000-00",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
        "session.id=",
        "user.id=ada",
        "metadata={}",
        "tag.tags=[\"",
        "=",
        ",",
        ";",
        "-",
        "%",
        "%00",
        "%ff%fe",
        "%F0%9F%A6%9C",
        "vendor@tenant=1",
        "rojo=00f067aa0ba902b7",
        "\t",
        " ",
        "\u{fc}",
    ];
    let word = prop_oneof![4 => proptest::sample::select(words).prop_map(str::to_owned), 1 => "[ -~]{0,40}"];
    let text = vec(word, 0..12).prop_map(|words| words.concat());
    prop_oneof![
        4 => text.clone(),
        1 => (text, 1_usize..2000).prop_map(|(text, times)| text.repeat(times)),
    ]
}

/// A `traceparent` that is valid, nearly valid, or invalid.
fn parent() -> impl Strategy<Value = String> {
    let ids = "0?0-[+0]?[0-9a-f]{1,32}-[+0]?[0-9a-f]{1,16}-[0-9a-f]{1,2}";
    prop_oneof![4 => Just(PARENT.to_owned()), 2 => ids, 2 => header()]
}

/// A list that is well formed, of any length.
fn list() -> impl Strategy<Value = String> {
    vec("[a-z]{1,9}=[a-z0-9]{0,200}", 0..60).prop_map(|members| members.join(","))
}

fn headers() -> impl Strategy<Value = [String; 3]> {
    let state = prop_oneof![list(), header()];
    let baggage = prop_oneof![list(), header()];
    (parent(), state, baggage).prop_map(|(parent, state, baggage)| [parent, state, baggage])
}

const NAMES: [&str; 3] = ["traceparent", "tracestate", "baggage"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_context_is_made_of_what_is_well_formed_and_short(values in headers()) {
        let _capturing = capture();
        let params: HashMap<_, _> =
            NAMES.iter().zip(&values).map(|(name, value)| ((*name).to_owned(), vec![value.clone()])).collect();
        for policy in POLICIES {
            let context = policy.extract(&ServiceParamsRef(&params));
            let span = context.span().span_context().clone();
            prop_assert_eq!(span.is_valid() && policy != InboundPolicy::Continue, false);
            if span.is_valid() {
                // Exactly as in the header, and not padded from fewer digits.
                let ids = format!("{}-{}", span.trace_id(), span.span_id());
                prop_assert!(values[0].contains(&ids), "{}", ids);
            }
            prop_assert!(span.trace_state().header().len() <= 512);
            let baggage: usize = context.baggage().iter().map(|(key, (value, _))| key.as_str().len() + value.as_str().len()).sum();
            prop_assert!(baggage <= 8192);

            // What is sent to the next agent is not longer, and is read there in the same way.
            let _entered = context.attach();
            let mut sent = HashMap::new();
            propagation::inject(&mut propagation::ServiceParams(&mut sent));
            let length: usize = sent.values().flatten().map(String::len).sum();
            prop_assert!(length <= 8192 + 512 + 55, "{} bytes: {:?}", length, sent);
        }
    }
}

/// An agent that serves all cases.
struct Agent {
    runtime: Runtime,
    url: String,
    http: reqwest::Client,
}

static AGENT: LazyLock<Agent> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let card = runtime.block_on(serve(Binding::JsonRpc, observed(Parrot::default())));
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    Agent { runtime, url: card.supported_interfaces[0].url.clone(), http }
});

impl Agent {
    async fn answers(&self, values: &[String; 3]) -> Result<(), TestCaseError> {
        let message = json!({ "messageId": "m-1", "role": "ROLE_USER", "parts": [{ "text": "hello" }] });
        let call =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": { "message": message } });
        let mut request = self.http.post(&self.url).header("a2a-version", "1.0").json(&call);
        for (name, value) in NAMES.iter().zip(values) {
            request = request.header(*name, value.as_bytes());
        }
        let answer = match request.send().await {
            Ok(answer) if answer.status() == 431 => return Ok(()),
            answer => answer.expect("an answer").text().await.expect("a text"),
        };
        prop_assert!(answer.contains("HELLO"), "{}", answer);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn the_agent_answers(values in headers()) {
        let capturing = capture();
        AGENT.runtime.block_on(AGENT.answers(&values))?;
        for span in capturing.spans() {
            let size: usize = span.attributes.iter().map(|(key, value)| key.len() + value.as_str().len()).sum();
            prop_assert!(size <= MOST, "{} bytes on {:?}", size, span);
        }
    }
}

/// Any text: words of headers, any characters, and those of control, as JSON can carry them.
fn text() -> impl Strategy<Value = String> {
    let control = proptest::char::ranges(vec!['\0'..='\u{1f}', '\u{7f}'..='\u{a0}'].into());
    let encoded = (0..=u8::MAX).prop_map(|byte| format!("%{byte:02x}"));
    let word = prop_oneof![
        4 => header(),
        2 => control.prop_map(String::from),
        2 => encoded,
        1 => any::<char>().prop_map(String::from),
    ];
    vec(word, 0..6).prop_map(|words| words.concat())
}

/// A member that has to arrive, somewhere in a list of any text.
fn around(member: &'static str) -> impl Strategy<Value = String> {
    (text(), text()).prop_map(move |(before, after)| format!("{before},{member},{after}"))
}

/// A list whose members have the form that a trace state demands, with any text as their values.
fn state() -> impl Strategy<Value = String> {
    let value = text().prop_map(|text| text.replace([',', '='], ""));
    let members = vec(value, 0..4).prop_map(|values| {
        values
            .iter()
            .enumerate()
            .map(|(place, value)| format!("v{place}={value}"))
            .collect::<Vec<_>>()
            .join(",")
    });
    members.prop_map(|members| format!("rojo=1,{members}"))
}

/// The same agent, once for each binding.
struct Agents {
    runtime: Runtime,
    clients: Vec<Client>,
}

static AGENTS: LazyLock<Agents> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clients = runtime.block_on(async {
        let mut clients = Vec::new();
        for binding in BINDINGS {
            clients.push(connect(&serve(binding, observed(Parrot::default())).await).await);
        }
        clients
    });
    Agents { runtime, clients }
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_caller_can_break_the_calls_of_an_agent(state in state(), baggage in around("session.id=s-1;shop=7"), other in text()) {
        let _capturing = capture();
        let meta = json!({"traceparent": PARENT, "tracestate": state, "baggage": baggage, "other": other});
        let context = InboundPolicy::Continue.extract(&MetaRef(meta.as_object().expect("an object")));
        let has_session = context.baggage().get("session.id").is_some_and(|session| session.as_str() == "s-1");
        let has_state = !context.span().span_context().trace_state().header().is_empty();
        let _entered = context.attach();

        let mut params = HashMap::new();
        propagation::inject(&mut propagation::ServiceParams(&mut params));
        let mut headers = axum::http::HeaderMap::new();
        propagation::inject(&mut propagation::Headers(&mut headers));
        let mut sent = serde_json::Map::new();
        propagation::inject(&mut propagation::Meta(&mut sent));
        for (name, values) in &params {
            prop_assert!(axum::http::HeaderValue::from_str(&values[0]).is_ok(), "{}: {:?}", name, values);
            prop_assert!(tonic::metadata::AsciiMetadataValue::try_from(values[0].as_str()).is_ok(), "{}: {:?}", name, values);
            prop_assert_eq!(headers[name].to_str().ok(), Some(values[0].as_str()));
            prop_assert_eq!(&sent[name], &values[0]);
        }
        prop_assert!(params.contains_key("traceparent"));
        if has_state {
            prop_assert!(params["tracestate"][0].starts_with("rojo=1"), "{:?}", params);
        }
        // What is well formed is sent, whatever stands beside it.
        if has_session {
            prop_assert!(params["baggage"][0].contains("session.id=s-1"), "{:?}", params);
        }
        AGENTS.runtime.block_on(async {
            for client in &AGENTS.clients {
                let answer = client.send_message(&request("hello")).await;
                prop_assert!(answer.is_ok(), "{:?} with {:?}", answer, params);
            }
            Ok(())
        })?;
    }
}
