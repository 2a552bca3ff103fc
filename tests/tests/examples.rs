//! Runs the examples of the library, and looks at what they print.

use std::path::PathBuf;
use std::process::Command;

use a2a_otel_tests::package::{run, workspace};

/// An example, a line of its output, and lines of the traces that it prints.
type Row = (&'static str, &'static str, &'static [&'static str]);

const EXAMPLES: &[Row] = &[
    ("a2a_agent", "3 × lamp", &["AGENT sell", "TOOL count"]),
    ("axum_service", "WHY?", &["CHAIN ask", "AGENT answer", "session conversation-42"]),
    ("custom_provider", "Two lamps.", &["LLM ask", "12 + 3 tokens"]),
    ("evaluation", "WHICH LAMPS DO YOU HAVE?", &["AGENT answer", "EVALUATOR brevity"]),
    ("existing_opentelemetry", "the application's exporter has 2 spans", &["AGENT answer"]),
    ("experiment", "2 examples, 6 runs, 0 failed", &[]),
    ("hello", "a lamp", &["AGENT product-agent", "TOOL look_up", "session customer-07"]),
    ("mcp_client", "3 lamps", &["AGENT shop", "TOOL tools/call count_lamps", "(remote parent)"]),
    ("metrics", "revenue: 57 EUR", &["AGENT place_order", "error: nothing was ordered"]),
    (
        "session",
        "A lamp? has 7 letters",
        &["AGENT answer", "TOOL remember", "session conversation-42", "user ada"],
    ),
    ("streaming", "Two lamps are left.", &["AGENT answer", "LLM complete", "12 + 5 tokens"]),
    ("testing", "  TOOL look_up", &[]),
];

#[test]
fn every_example_does_what_it_says() {
    for (example, output, traces) in EXAMPLES {
        let ran = run(Command::new(path(example))
            .current_dir(workspace())
            .env("OTEL_TRACES_EXPORTER", "console")
            .env("A2A_OTEL_CONSOLE", "full")
            .env_remove("OTEL_METRICS_EXPORTER"));
        let (printed, trace) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(printed.contains(output), "{example} prints {output}: {printed}");
        for line in *traces {
            assert!(trace.contains(line), "{example} records {line}: {trace}");
        }
    }
}

/// `mcp_client` starts `mcp_server`.
#[test]
fn every_example_is_in_the_table() {
    let sources = workspace().join("a2a-otel/examples");
    let names = std::fs::read_dir(sources).expect("examples").map(|file| file.expect("an example").path());
    let known = |name: &str| name == "mcp_server" || EXAMPLES.iter().any(|(known, ..)| *known == name);
    for file in names {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(known(&name), "tests/tests/examples.rs does not run {name}");
    }
}

/// `cargo test --workspace` compiles examples before it runs tests.
fn path(example: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the path of this test");
    let folder = own.ancestors().nth(2).expect("the folder of the profile").join("examples");
    let path = folder.join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "compile the examples first: cargo build --workspace --all-features --examples");
    path
}
