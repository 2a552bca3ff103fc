//! Checks the marketplace's traces: those of single requests, and those of a whole run.

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, Capturing, capture, replay};
use a2a_otel_examples::customers;
use a2a_otel_examples::market::{Market, PARTS, Part};
use a2a_otel_examples::peer::Peer;

/// Opens a new marketplace with the built-in model.
async fn open() -> (Market, Peer) {
    let market = Market::of(&PARTS).await.expect("a marketplace");
    let coordinator = Peer::connect(market.coordinator()).await.expect("a coordinator");
    (market, coordinator)
}

/// Serves one request in a new marketplace.
async fn serve(wish: &str) -> (Capturing, String) {
    let (market, coordinator) = open().await;
    let capturing = capture();
    let answer = coordinator.ask("customer-01", wish).await;
    market.close().await;
    (capturing, answer.unwrap_or_else(|error| error.to_string()))
}

#[tokio::test]
async fn a_sale_is_one_trace_through_three_agents_and_the_catalogue() {
    let (spans, answer) = serve("Buy 2 of P-0012.").await;
    assert!(answer.contains("Sold 2 of P-0012"), "{answer}");
    let expected = "\
CHAIN SendStreamingMessage coordinator
  CHAIN SendStreamingMessage
    AGENT coordinator
      CHAIN step 1
        LLM chat gpt-4o-mini
        CHAIN SendMessage inventory-agent
          CHAIN SendMessage
            AGENT inventory-agent
              CHAIN step 1
                LLM chat gpt-4o-mini
                TOOL reserve_stock
                  TOOL tools/call reserve_stock
              CHAIN step 2
                LLM chat gpt-4o-mini
      CHAIN step 2
        LLM chat gpt-4o-mini
        CHAIN SendStreamingMessage sales-agent
          CHAIN SendStreamingMessage
            AGENT sales-agent
              CHAIN step 1
                LLM chat gpt-4o-mini
                TOOL record_sale
                  TOOL tools/call record_sale
              CHAIN step 2
                LLM chat gpt-4o-mini
      CHAIN step 3
        LLM chat gpt-4o-mini
";
    assert_eq!(spans.tree(), expected);
}

#[tokio::test]
async fn every_agent_shares_the_session_and_every_answer_its_tokens() {
    let (spans, _) = serve("Find me a lamp under 60 euros.").await;
    let spans = spans.spans();
    let agents = spans.iter().filter(|span| span.kind == "AGENT");
    assert!(agents.clone().count() == 2);
    assert!(agents.clone().all(|agent| agent.text("session.id") == Some("customer-01")));
    for call in spans.iter().filter(|span| span.kind == "LLM") {
        assert_eq!(call.text("llm.model_name"), Some("gpt-4o-mini-2024-07-18"));
        assert!(call.number("llm.token_count.total").is_some_and(|tokens| tokens > 100));
    }
}

#[tokio::test]
async fn a_refused_order_fails_on_every_level() {
    let (spans, answer) = serve("Sell me reservation 12-BANANA.").await;
    assert!(answer.contains("`12-BANANA` is not a reservation"), "{answer}");
    let failed =
        spans.spans().into_iter().filter(|span| error(span).is_some_and(|text| text.contains("BANANA")));
    let names: Vec<_> = failed.map(|span| span.name).collect();
    let expected = [
        "SendStreamingMessage coordinator",
        "SendStreamingMessage",
        "coordinator",
        "step 1",
        "SendStreamingMessage sales-agent",
        "SendStreamingMessage",
        "sales-agent",
    ];
    assert_eq!(names, expected);
}

/// Requests of customers. The last one's model refuses a call at first.
const WISHES: [&str; 5] = [
    "Buy 2 of P-0012.",
    "Find me a lamp under 60 euros.",
    "Sell me reservation 12-BANANA.",
    "Buy 1 of P-0017 and P-0012.",
    "It is rush hour. Buy 1 of P-0012.",
];

/// The answers to those, or the errors.
async fn answers(coordinator: &Peer) -> Vec<Result<String, String>> {
    let mut answers = Vec::new();
    for wish in WISHES {
        let answer = coordinator.ask("customer-01", wish).await;
        answers.push(answer.map_err(|error| error.to_string()));
    }
    answers
}

#[tokio::test]
async fn a_recorded_run_is_repeated_without_its_model() {
    let (market, coordinator) = open().await;
    let capturing = capture();
    let expected = answers(&coordinator).await;
    market.close().await;
    let recorded = capturing.trace();
    drop(capturing);

    let (mut market, coordinator) = open().await;
    market.stop(Part::Llm).await;
    let capturing = capture();
    let replaying = replay(&recorded);
    let repeated = answers(&coordinator).await;
    market.close().await;
    assert_eq!(replaying.missing(), Vec::<String>::new());
    assert_eq!(repeated, expected);
    assert_eq!(capturing.tree(), recorded.tree());
    assert!(replaying.unused().iter().all(|span| span.kind != "LLM"));
    assert!(llm_errors(&capturing.spans(), "") > 0, "a refusal is replayed too: {capturing:?}");
}

#[tokio::test]
async fn a_run_shows_its_dozen_customers() {
    let market = Market::of(&PARTS).await.expect("a marketplace");
    let capturing = capture();
    assert!(
        customers::serve_all(market.coordinator(), &customers::new_run()).await.expect("a coordinator"),
        "{capturing:?}"
    );
    market.close().await;
    let spans = capturing.spans();
    let roots: Vec<_> = spans.iter().filter(|span| span.parent_id.is_none()).collect();
    assert!(roots.iter().all(|root| root.name == "customer request"), "{capturing:?}");
    assert_eq!(roots.len(), 12);
    assert_eq!(llm_errors(&spans, "429"), 1, "{capturing:?}");
    assert_eq!(llm_errors(&spans, "cancelled"), 1, "{capturing:?}");
    assert!(
        spans
            .iter()
            .any(|span| span.kind == "TOOL" && error(span).is_some_and(|text| text.contains("P-9999")))
    );
}

fn llm_errors(spans: &[Captured], part: &str) -> usize {
    let errors = spans.iter().filter(|span| span.kind == "LLM").filter_map(error);
    errors.filter(|text| text.contains(part)).count()
}

fn error(span: &Captured) -> Option<&str> {
    match &span.status {
        Status::Error { description } => Some(description),
        Status::Ok | Status::Unset => None,
    }
}
