//! Tests how Phoenix shows a trace of four processes: a Rust agent, a Python server, a Python client and a Rust server.

use std::process::Stdio;

use a2a_otel_tests::phoenix::Phoenix;
use a2a_otel_tests::services::{require, unique};

use crate::processes::shop;
use crate::python::{client_script, python};

#[test]
fn a_visit_of_a_python_client_reads_well_in_phoenix() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let Some(python) = python() else { return };
    let project = phoenix.project("mcp");
    let session = unique("visit");
    let shop = shop();
    let mut client = client_script(&python);
    client
        .args(["--", shop.get_program().to_str().expect("a path")])
        .envs([("MCP_MODE", "legacy"), ("SESSION", &session), ("RUST_LOG", "off")])
        // Both of them read these.
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", phoenix.url())
        .env("OTEL_RESOURCE_ATTRIBUTES", format!("openinference.project.name={}", project.name()))
        .stdin(Stdio::null());
    let output = client.output().expect("a Python that runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    // Each of 7 requests and the handshake has two spans, and 4 look something up.
    let tree = project.wait_for_tree(1 + 2 * 8 + 4);
    assert_eq!(tree.root().name, "visit");
    tree.assert_path(&["* visit", "* MCP send initialize", "CHAIN initialize"]);
    tree.assert_path(&["* visit", "* MCP send tools/list", "CHAIN tools/list"]);
    tree.assert_path(&["* visit", "* MCP send tools/call bare", "TOOL tools/call bare", "CHAIN look_up"]);
    tree.assert_path(&["* visit", "* MCP send resources/read", "RETRIEVER resources/read", "CHAIN look_up"]);
    tree.assert_path(&["* visit", "* MCP send prompts/get describe", "PROMPT prompts/get describe"]);
    let served = tree.find("TOOL tools/call check_stock");
    assert_eq!(served.attribute("session.id"), session.as_str());
    assert_eq!(served.attribute("input.value"), "21");
    assert_eq!(served.attribute("output.value"), "42");
    assert_eq!(served.attribute("tool.name"), "check_stock");
    assert_eq!(served.attribute("tool.description"), "Says how many pieces are in stock.");
    let refused = tree.find("TOOL tools/call refuse");
    assert_eq!((refused.status_code.as_str(), refused.status_message.as_str()), ("ERROR", "sold out"));
    assert_eq!(refused.event("exception").expect("an exception").attributes["exception.message"], "sold out");
    let read = tree.find("RETRIEVER resources/read");
    assert_eq!(read.attribute("retrieval.documents.0.document.content"), "lamp, table, chair");
}
