//! Tests that without the feature `trace`, an attribute macro adds no code: the function runs the same number of
//! instructions with and without it, as counted by callgrind.

use std::process::Command;

use a2a_otel_tests::package::{Package, library, run};
use a2a_otel_tests::services::require;

const ATTRIBUTES: &[&str] = &[
    "#[a2a_otel::agent_span(name = format!(\"{text}!\"), session = text, fields(\"length\" = output))]",
    "#[a2a_otel::tool_span(skip(text), err = debug)]",
    "#[a2a_otel::business_metric(counter = \"calls\", value = *output as u64, attributes(text = text))]",
];

/// The measured program: sync, fallible and async functions, called many times.
const PROGRAM: &str = r"
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};

{0}
#[inline(never)]
fn length(text: &str) -> usize {
    text.chars().filter(|letter| letter.is_alphabetic()).count()
}

{1}
#[inline(never)]
fn number(text: &str) -> Result<u32, std::num::ParseIntError> {
    let number: u32 = text.parse()?;
    Ok(number + 1)
}

{2}
#[inline(never)]
async fn later(text: String) -> usize {
    std::future::ready(text.len()).await + length(&text)
}

#[inline(never)]
fn watched_loop() {
    for round in 0..1_000_u32 {
        let text = round.to_string();
        black_box(length(black_box(&text)));
        let _ = black_box(number(black_box(&text)));
        let mut context = Context::from_waker(Waker::noop());
        let _ = black_box(pin!(later(text)).poll(&mut context));
    }
}

fn main() {
    watched_loop();
}
";

/// A package with two versions of the program, which uses the library without `trace`.
fn generate() -> Package {
    let mut observed = PROGRAM.to_owned();
    let mut plain = PROGRAM.to_owned();
    for (index, attribute) in ATTRIBUTES.iter().enumerate() {
        observed = observed.replace(&format!("{{{index}}}"), attribute);
        plain = plain.replace(&format!("{{{index}}}"), "");
    }
    let package = Package::new(env!("CARGO_TARGET_TMPDIR"), "compiled-out", &[library(&[])]);
    package.write("src/bin/observed.rs", &observed);
    package.write("src/bin/plain.rs", &plain);
    package
}

fn instructions(package: &Package, program: &str) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*watched_loop*"]);
    let report = run(valgrind.arg(package.folder().join("target/release").join(program))).stderr;
    let report = String::from_utf8_lossy(&report);
    let collected = report.lines().find_map(|line| line.split("Collected : ").nth(1));
    collected.and_then(|count| count.trim().parse().ok()).expect("callgrind says what it collected")
}

#[test]
fn without_trace_an_attribute_costs_no_instruction() {
    let version = Command::new("valgrind").arg("--version").output();
    let Some(_) = require("valgrind", version.map_err(|error| format!("valgrind does not run: {error}")))
    else {
        return;
    };
    let package = generate();
    run(&mut package.cargo(&["build", "--release"]));
    let (plain, observed) = (instructions(&package, "plain"), instructions(&package, "observed"));
    assert!(plain > 100_000, "the loop is counted: {plain}");
    assert_eq!(observed, plain);
}
