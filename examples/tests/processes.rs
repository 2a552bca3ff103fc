//! Runs the marketplace without any other service, in one process and in six, and checks the printed traces.

mod support;

use support::{Environment, Parts, marketplace};

const PRINTED: Environment<'_> = &[("OTEL_TRACES_EXPORTER", "console")];

#[test]
fn six_processes_serve_a_run_and_end_cleanly() {
    let parts = Parts::start(PRINTED);
    parts.check_health();
    let text = marketplace(&["--coordinator", parts.coordinator()], PRINTED);
    assert!(text.contains("Sold 2 of P-0012"), "{text}");
    parts.terminate();
}

#[test]
fn one_process_serves_a_run_and_reports_its_business() {
    let text = marketplace(&[], PRINTED);
    let figures = [
        ("customer requests", "12"),
        ("searches", "5"),
        ("stock checks", "3"),
        ("stock-outs", "2"),
        ("orders", "2"),
        ("revenue", "196.70 EUR"),
        ("conversion", "16.7 %"),
        ("lost sales", "1"),
        ("inter-agent calls", "16"),
    ];
    for (label, value) in figures {
        let shows = |line: &str| line.starts_with(label) && line.trim_end().ends_with(value);
        assert!(text.lines().any(shows), "no {label} of {value} in:\n{text}");
    }
    assert!(text.contains(" 0 dropped"), "{text}");
}
