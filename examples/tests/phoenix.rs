//! Runs the marketplace as one process and as six, and checks what a real Phoenix shows.

mod support;

use std::thread;
use std::time::Duration;

use a2a_otel_tests::phoenix::{Phoenix, Project, Span};
use a2a_otel_tests::services::{require, unique};
use a2a_otel_tests::tree::{Tree, text};
use support::{Parts, marketplace};

const CUSTOMERS: usize = 12;
/// The name of a customer's root span.
const REQUEST: &str = "customer request";
/// The agents that ask the catalogue for its tools when they start.
const LISTINGS: usize = 3;
const MODEL: &str = "gpt-4o-mini";
/// The model's name in the built-in model's answers, which is dated like the provider's.
const DATED_MODEL: &str = "gpt-4o-mini-2024-07-18";

#[test]
fn a_run_in_one_process_shows_in_phoenix() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let project = phoenix.project("marketplace");
    let printed = marketplace(&[], &environment(phoenix, &project));
    assert!(printed.contains(" 0 dropped"), "{printed}");
    let id = project.id().expect("the project exists");
    assert!(
        printed.contains(&format!("The traces in Phoenix: {}/projects/{id}", phoenix.url())),
        "{printed}"
    );
    check(phoenix, &project);
}

#[test]
fn a_run_in_six_processes_shows_in_phoenix_as_well() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let project = phoenix.project("marketplace-processes");
    // The log level does not affect traces.
    let mut environment = environment(phoenix, &project).to_vec();
    environment.push(("RUST_LOG", "off"));
    let parts = Parts::start(&environment);
    parts.check_health();
    let printed = marketplace(&["--coordinator", parts.coordinator()], &environment);
    assert!(printed.contains(" 0 dropped"), "{printed}");
    parts.terminate();
    check(phoenix, &project);
}

#[test]
fn a_phoenix_that_is_restarted_in_the_middle_has_every_trace_whole() {
    let folder = std::env::temp_dir().join(unique("a2a-otel-restart"));
    std::fs::create_dir_all(&folder).expect("a folder for the database and the spool");
    let database = format!("sqlite:///{}/phoenix.db", folder.display());
    let database = [("PHOENIX_SQL_DATABASE_URL", database.as_str())];
    let Some(phoenix) = require("Phoenix", Phoenix::start_with(&database)) else { return };
    let (name, url, spool) = (unique("restart"), phoenix.url().to_owned(), folder.join("spool"));
    let environment = [
        ("PHOENIX_COLLECTOR_ENDPOINT", url.as_str()),
        ("PHOENIX_PROJECT", name.as_str()),
        ("A2A_OTEL_SPOOL_DIR", spool.to_str().expect("a path that is text")),
    ];
    let parts = Parts::start(&environment);
    let phoenix = thread::scope(|scope| {
        let arguments = ["--coordinator", parts.coordinator()];
        let run = scope.spawn(move || marketplace(&arguments, &environment));
        let _ = phoenix.project_named(&name).wait_for_spans(|spans| !spans.is_empty());
        let phoenix = phoenix.restart(Duration::from_secs(3), &database).expect("Phoenix comes back");
        run.join().expect("the run ends well");
        phoenix
    });
    parts.terminate();
    // Some processes ended before Phoenix came back. The next ones send their spans.
    let later = Parts::start(&environment);
    let spans = phoenix.project_named(&name).wait_for_spans(|spans| {
        let requests = spans.iter().filter(|span| span.name == REQUEST).count();
        requests == CUSTOMERS && is_whole(spans)
    });
    let trees = Tree::forest(&spans);
    // Parts also list the catalogue's tools when they start, outside of any customer's request.
    for tree in trees.iter().filter(|tree| tree.root().name == REQUEST) {
        tree.assert_whole();
        check_session(tree);
    }
    later.terminate();
    std::fs::remove_dir_all(&folder).expect("nobody uses it any longer");
}

fn environment<'a>(phoenix: &'a Phoenix, project: &'a Project<'_>) -> [(&'a str, &'a str); 2] {
    [("PHOENIX_COLLECTOR_ENDPOINT", phoenix.url()), ("PHOENIX_PROJECT", project.name())]
}

/// Checks everything that Phoenix shows of a run, whether in one process or in six.
fn check(phoenix: &Phoenix, project: &Project<'_>) {
    let spans = project.wait_for_spans(is_complete);
    let (listings, trees): (Vec<_>, Vec<_>) =
        Tree::forest(&spans).into_iter().partition(|tree| tree.spans()[0].name == "tools/list");
    assert_eq!((listings.len(), trees.len()), (LISTINGS, CUSTOMERS), "{}{}", text(&listings), text(&trees));
    for listing in listings {
        listing.assert_path(&["CHAIN tools/list", "CHAIN tools/list"]);
    }
    for tree in &trees {
        tree.assert_whole();
        check_session(tree);
    }
    check_sale(phoenix, trees_of(&trees, "Buy 2 of P-0012."));
    check_tool_error(trees_of(&trees, "Is P-9999 in stock?"));
    check_failing_agent(trees_of(&trees, "Sell me reservation 12-BANANA."));
    check_cancellation(trees_of(&trees, "No hurry: find me the rarest mug of all."));
    check_models(&spans);
    check_filters(project, &spans);
}

/// Whether all roots are there, and no parent is missing.
fn is_complete(spans: &[Span]) -> bool {
    let roots = spans.iter().filter(|span| span.parent_id.is_none()).count();
    roots == LISTINGS + CUSTOMERS && is_whole(spans)
}

/// Whether the parents of all spans are there.
fn is_whole(spans: &[Span]) -> bool {
    let is_known = |id: &String| spans.iter().any(|span| span.span_id == *id);
    spans.iter().filter_map(|span| span.parent_id.as_ref()).all(is_known)
}

fn trees_of<'a>(trees: &'a [Tree], wish: &str) -> &'a Tree {
    let found = trees.iter().find(|tree| tree.root().attribute("input.value") == wish);
    found.unwrap_or_else(|| panic!("no trace of {wish:?} in\n{}", text(trees)))
}

fn check_session(tree: &Tree) {
    let session = tree.root().attribute("session.id").as_str().expect("a session");
    assert!(session.starts_with("customer-"), "{session}");
    let strays = tree.spans().iter().filter(|span| span.attribute("session.id") != session);
    assert_eq!(strays.count(), 0, "not all spans are of {session}:\n{tree}");
}

/// Checks a complete trace: customer, coordinator, two specialists with their steps, and the catalogue's tools.
fn check_sale(phoenix: &Phoenix, tree: &Tree) {
    let coordinator = [
        "CHAIN customer request",
        "CHAIN SendStreamingMessage coordinator",
        "CHAIN SendStreamingMessage",
        "AGENT coordinator",
    ];
    let ways: [&[&str]; 4] = [
        &["CHAIN step 1", "LLM chat"],
        &[
            "CHAIN step 1",
            "CHAIN SendMessage inventory-agent",
            "CHAIN SendMessage",
            "AGENT inventory-agent",
            "CHAIN step 1",
            "LLM chat",
        ],
        &[
            "CHAIN step 1",
            "CHAIN SendMessage inventory-agent",
            "CHAIN SendMessage",
            "AGENT inventory-agent",
            "CHAIN step 1",
            "TOOL reserve_stock",
            "TOOL tools/call reserve_stock",
        ],
        &[
            "CHAIN step 2",
            "CHAIN SendStreamingMessage sales-agent",
            "CHAIN SendStreamingMessage",
            "AGENT sales-agent",
            "CHAIN step 1",
            "TOOL record_sale",
            "TOOL tools/call record_sale",
        ],
    ];
    for way in ways {
        tree.assert_path(&[&coordinator, way].concat());
    }
    assert_eq!(tree.root().status_code, "OK");
    let answer = tree.root().attribute("output.value").as_str().expect("an answer");
    assert!(answer.contains("Sold 2 of P-0012"), "{answer}");
    let served = tree.all("TOOL tools/call record_sale").last().expect("a tool");
    assert_eq!(served.attribute("tool.description"), "Sells what a reservation has set aside.");
    assert!(served.attribute("input.value").as_str().is_some_and(|input| input.contains("R-")), "{served}");

    let details = phoenix.trace(&tree.trace_id).expect("the trace");
    assert_eq!(Some(details.spans), u64::try_from(tree.spans().len()).ok());
    assert_eq!(details.session.as_deref(), tree.root().attribute("session.id").as_str());
    assert!(details.cost.is_some_and(|cost| cost.total.dollars > 0.0), "{tree}");
}

fn check_tool_error(tree: &Tree) {
    let calls = ["TOOL check_stock", "TOOL tools/call check_stock"].iter().flat_map(|call| tree.all(call));
    let failed: Vec<_> = calls.filter(|span| span.status_code == "ERROR").collect();
    assert_eq!(failed.len(), 2, "where it was called and where it was served:\n{tree}");
    for span in failed {
        assert!(span.status_message.contains("P-9999"), "{span}");
        let exception = span.event("exception").unwrap_or_else(|| panic!("no exception on {span}"));
        assert!(
            exception.attributes["exception.message"].as_str().is_some_and(|text| text.contains("P-9999"))
        );
    }
    assert_eq!(tree.root().status_code, "OK", "the model made something of it:\n{tree}");
}

fn check_failing_agent(tree: &Tree) {
    for pattern in ["CHAIN customer request", "AGENT coordinator", "AGENT sales-agent"] {
        let span = tree.find(pattern);
        assert_eq!(span.status_code, "ERROR", "{tree}");
        assert!(span.status_message.contains("12-BANANA"), "{span}");
    }
}

fn check_cancellation(tree: &Tree) {
    for pattern in ["AGENT coordinator", "AGENT product-agent"] {
        let span = tree.find(pattern);
        assert_eq!(
            (span.status_code.as_str(), span.status_message.as_str()),
            ("ERROR", "cancelled"),
            "{tree}"
        );
        assert!(span.event("cancelled").is_some(), "{span}");
        assert!(!span.attribute("input.value").is_null(), "what was captured stays: {span}");
    }
    assert!(tree.root().status_message.contains("withdrew"), "{tree}");
}

fn check_models(spans: &[Span]) {
    let (failed, answered): (Vec<_>, Vec<_>) =
        spans.iter().filter(|span| span.kind == "LLM").partition(|span| span.status_code == "ERROR");
    for span in &answered {
        assert_eq!(span.attribute("llm.model_name"), DATED_MODEL, "{span}");
        let tokens = |part| span.attribute(&format!("llm.token_count.{part}")).as_u64().unwrap_or_default();
        assert!(tokens("prompt") > 0 && tokens("completion") > 0, "{span}");
        assert_eq!(tokens("prompt") + tokens("completion"), tokens("total"), "{span}");
        assert_eq!(span.attribute("llm.input_messages.0.message.role"), "system", "{span}");
    }
    let refused: Vec<_> = failed.iter().filter(|span| span.status_message.contains("429")).collect();
    let [refused] = refused[..] else { panic!("{} calls were refused, not one", refused.len()) };
    assert_eq!(refused.attribute("llm.model_name"), MODEL, "{refused}");
    let again = answered.iter().any(|span| span.parent_id == refused.parent_id);
    assert!(again, "the refused call was made again below the same step");
}

fn check_filters(project: &Project<'_>, spans: &[Span]) {
    let of_kind = |kind: &str| spans.iter().filter(|span| span.kind == kind).count();
    for kind in ["AGENT", "CHAIN", "LLM", "TOOL"] {
        let counted = project.count(&format!("span_kind == '{kind}'"));
        assert_eq!(usize::try_from(counted), Ok(of_kind(kind)), "{kind}");
    }
    let errors = spans.iter().filter(|span| span.status_code == "ERROR").count();
    assert_eq!(usize::try_from(project.count("status_code == 'ERROR'")), Ok(errors));
    assert!(project.count("tool.name == 'reserve_stock' and latency_ms > 0") > 0);
    assert!(project.cost().is_some_and(|cost| cost.total.dollars > 0.0));
}
