//! Runs the marketplace without any other service, in one process and in six, and checks the printed traces.

mod support;

use support::{Environment, Parts, marketplace, told, unread};

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
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
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
        assert!(text.contains(&format!("{label} {value}")), "no {label} of {value} in:\n{text}");
    }
    assert!(text.contains(" 0 dropped"), "{text}");
}

#[test]
fn a_run_is_a_story_on_one_screen() {
    let (text, errors) = told(&[], &[("OTEL_TRACES_EXPORTER", "none")]);
    assert_eq!(errors, "", "what nobody asked for");
    assert!((40..=50).contains(&text.lines().count()), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    for number in 1..=12 {
        let start = format!("{number:>3}  ");
        assert_eq!(text.lines().filter(|line| line.starts_with(&start)).count(), 1, "{number} in:\n{text}");
    }
    let told = [
        "Sold 2 of P-0012",
        "no answer: `12-BANANA` is not a reservation",
        "no answer: the customer withdrew the request",
        "All is as expected.",
        "  17 spans  1,383 tokens  $0.000299",
        "TOOL search_products",
        "Recorded: 251 spans, of which ",
        "; 18410 tokens, $0.0038",
        "See the traces in Phoenix: ",
    ];
    for part in told {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    assert_eq!(text.matches("─ CHAIN customer request").count(), 1, "one trace:\n{text}");
}

#[test]
fn all_traces_and_log_lines_are_behind_flags() {
    let (text, errors) = told(&["--traces", "--logs"], &[("OTEL_TRACES_EXPORTER", "none")]);
    assert_eq!(errors.matches("─ CHAIN customer request").count(), 12, "{errors}");
    assert!(errors.contains(" INFO a2a_otel_examples::agent: "), "{errors}");
    assert!(!errors.contains("ERROR"), "the parts stop before those that they call:\n{errors}");
    assert!(text.contains("All is as expected."), "{text}");
}

#[test]
fn each_trace_is_printed_once_in_the_form_that_is_asked_for() {
    for (exporter, form, mark) in [
        ("none", "tree", "─ CHAIN customer request"),
        ("console", "tree", "─ CHAIN customer request"),
        ("none", "summary", "Z  ok  CHAIN customer request  "),
    ] {
        let environment = [("OTEL_TRACES_EXPORTER", exporter), ("A2A_OTEL_CONSOLE", form)];
        let (_, errors) = told(&["--traces"], &environment);
        assert_eq!(errors.matches("  session customer-").count(), 12, "{exporter}, {form}:\n{errors}");
        assert!(errors.contains(mark), "{exporter}, {form}:\n{errors}");
    }
}

#[test]
fn no_trace_is_announced_if_there_is_none() {
    let text = marketplace(&[], &[("OTEL_TRACES_EXPORTER", "none"), ("OTEL_TRACES_SAMPLER", "always_off")]);
    assert!(text.contains("All is as expected.") && !text.contains("The trace of"), "{text}");
}

#[test]
fn a_run_does_not_need_anybody_who_reads_what_it_prints() {
    assert!(unread(&[("OTEL_TRACES_EXPORTER", "none")]).success());
}
