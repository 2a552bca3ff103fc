//! Tests of the explanation of settings, and of the table of all settings.

use proptest::prelude::*;

use super::*;

/// Environments that together make the resolver read every variable.
const ENVIRONMENTS: [Pairs; 2] = [
    &[],
    &[
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("A2A_OTEL_SPOOL_DIR", "/spool"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
    ],
];

fn explained(variables: Pairs) -> Explanation {
    Explanation::of("agent", variables.iter().copied())
}

#[test]
fn the_table_has_every_variable_that_is_read() {
    let asked = std::cell::RefCell::new(BTreeSet::new());
    for variables in ENVIRONMENTS {
        let lookup = |name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::resolve(&Overrides::default(), &mut Environment::new(&lookup), "agent");
    }
    let settings = explained(&[]).settings;
    let known: BTreeSet<_> =
        settings.iter().flat_map(|setting| &setting.variables).map(|form| form.name.to_owned()).collect();
    let asked = asked.into_inner();
    let missing: Vec<_> = asked.difference(&known).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
    // Logs are read only with their feature.
    let unread: Vec<_> =
        known.difference(&asked).filter(|name| !name.contains("LOG") && !name.contains("BLRP")).collect();
    assert!(unread.is_empty(), "nothing reads {unread:?}");
}

#[test]
fn every_example_is_accepted() {
    for setting in explained(&[]).settings {
        for form in &setting.variables {
            let findings = Explanation::of("agent", [(form.name, form.example)]).findings;
            let malformed = findings.iter().find(|finding| finding.kind == FindingKind::Malformed);
            let is_off = form.accepted.contains("is off)");
            assert!(malformed.is_none() || is_off, "{malformed:?}");
        }
    }
}

#[test]
fn names_of_settings_are_different() {
    let settings = explained(&[]).settings;
    let names: BTreeSet<_> = settings.iter().map(|setting| setting.name).collect();
    assert_eq!(names.len(), settings.len());
    assert!(settings.iter().all(|setting| setting.sources.is_empty() && setting.value == setting.default));
}

/// Variables; for settings, the value and its sources; the beginnings of the findings.
struct Explained(
    Pairs,
    &'static [(&'static str, &'static str, &'static [&'static str])],
    &'static [&'static str],
);

#[rustfmt::skip]
const EXPLAINED: &[Explained] = &[
    Explained(&[("OTEL_SERVICE_NAME", "shop")], &[("service_name", "shop", &["OTEL_SERVICE_NAME"]), ("project_name", "default", &[])], &[]),
    // The value of the default is a source too.
    Explained(&[("OTEL_BSP_SCHEDULE_DELAY", "1000")], &[("batch.delay", "1s", &["OTEL_BSP_SCHEDULE_DELAY"])], &[]),
    Explained(&[("OTEL_BSP_SCHEDULE_DELAY", "soon")], &[("batch.delay", "1s", &[])], &["OTEL_BSP_SCHEDULE_DELAY=\"soon\" is ignored"]),
    Explained(&[("PHOENIX_PROJECT", "a"), ("PHOENIX_PROJECT_NAME", "b")], &[("project_name", "a", &["PHOENIX_PROJECT"])], &["PHOENIX_PROJECT=\"a\" and PHOENIX_PROJECT_NAME"]),
    Explained(&[("PHOENIX_PROJECT", "a"), ("PHOENIX_PROJECT_NAME", "a")], &[("project_name", "a", &["PHOENIX_PROJECT"])], &["PHOENIX_PROJECT_NAME has no effect: PHOENIX_PROJECT takes precedence"]),
    Explained(&[("PHOENIX_COLLECTOR_ENDPOINT", "http://p"), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t/x")], &[("endpoint", "http://t/x", &["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])], &["PHOENIX_COLLECTOR_ENDPOINT has no effect: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT takes precedence"]),
    Explained(&[("PHOENIX_COLLECTOR_ENDPOINT", "phoenix")], &[("endpoint", "none: no address that can be used is named", &["PHOENIX_COLLECTOR_ENDPOINT"])], &["PHOENIX_COLLECTOR_ENDPOINT=\"phoenix\" is ignored"]),
    Explained(&[("PHOENIX_COLLECTOR_ENDPOINT", "http://me:s3cret@p?key=s3cret")], &[("endpoint", "none: no address that can be used is named", &["PHOENIX_COLLECTOR_ENDPOINT"])], &["PHOENIX_COLLECTOR_ENDPOINT=\"http://****@p\" is ignored"]),
    // Secrets.
    Explained(&[("PHOENIX_API_KEY", "s3cret"), ("PHOENIX_CLIENT_HEADERS", "x=s3cret")], &[("headers", "authorization=****, x=****, x-project-name=****", &["PHOENIX_CLIENT_HEADERS", "PHOENIX_API_KEY"])], &[]),
    Explained(&[("PHOENIX_API_KEY", "s3cret"), ("PHOENIX_CLIENT_HEADERS", "authorization=s3cret")], &[("headers", "authorization=****, x-project-name=****", &["PHOENIX_CLIENT_HEADERS"])], &["PHOENIX_API_KEY has no effect: PHOENIX_CLIENT_HEADERS takes precedence"]),
    // Without a condition that they need.
    Explained(&[("OTEL_TRACES_SAMPLER_ARG", "0.5")], &[("sampling", "parentbased_always_on", &[])], &["OTEL_TRACES_SAMPLER_ARG has no effect: nothing that is configured depends on it"]),
    Explained(&[("OTEL_BLRP_SCHEDULE_DELAY", "5")], &[], &["OTEL_BLRP_SCHEDULE_DELAY has no effect: it counts only if OTEL_LOGS_EXPORTER is otlp"]),
    Explained(&[("A2A_OTEL_SPOOL_BYTES", "5")], &[], &["A2A_OTEL_SPOOL_BYTES has no effect: it counts only if spans are sent over OTLP, and A2A_OTEL_SPOOL_DIR names a folder"]),
    Explained(&[("OTEL_TRACES_EXPORTER", "none"), ("PHOENIX_API_KEY", "s3cret")], &[("exporter", "none", &["OTEL_TRACES_EXPORTER"])], &["PHOENIX_API_KEY has no effect: it counts only if spans are sent over OTLP"]),
    Explained(&[("OTEL_TRACES_EXPORTER", "console"), ("A2A_OTEL_CONSOLE", "summary")], &[("console", "summary", &["A2A_OTEL_CONSOLE"])], &[]),
    Explained(&[("OTEL_TRACES_EXPORTER", "none"), ("A2A_OTEL_CONSOLE", "summary")], &[], &["A2A_OTEL_CONSOLE has no effect: it counts only if traces are printed"]),
    // Names that nothing reads.
    Explained(&[("PHOENIX_PROJCT", "a"), ("PATH", "/bin"), ("OTEL_PROPAGATORS", "  ")], &[], &["PHOENIX_PROJCT is set, and a2a-otel does not read it"]),
    Explained(&[("OPENINFERENCE_HIDE_INPUTS", "1")], &[("OPENINFERENCE_HIDE_INPUTS", "true", &["OPENINFERENCE_HIDE_INPUTS"])], &["OPENINFERENCE_HIDE_INPUTS=\"1\" is read as true"]),
];

#[test]
fn settings_are_explained_as_the_table_says() {
    for Explained(variables, values, expected) in EXPLAINED {
        let Explanation { settings, findings, .. } = explained(variables);
        for (name, value, sources) in *values {
            let setting = settings.iter().find(|setting| setting.name == *name).expect("a setting");
            assert_eq!(
                (setting.value.as_deref(), &*setting.sources),
                (Some(*value), *sources),
                "{name} of {variables:?}"
            );
        }
        let texts: Vec<_> = findings.iter().map(|finding| &*finding.text).collect();
        assert_eq!(texts.len(), expected.len(), "{texts:?} of {variables:?}");
        for (text, expected) in texts.iter().zip(*expected) {
            assert!(text.starts_with(expected), "{text} should start with {expected}");
        }
        assert!(!format!("{settings:?} {findings:?}").contains("s3cret"), "{variables:?}");
    }
}

proptest! {
    #[test]
    fn no_secret_is_shown(start in "[ -~]{0,20}", number in 0_usize..4) {
        let settings = explained(&[]).settings;
        let forms = settings.iter().flat_map(|setting| &setting.variables);
        let secrets: BTreeSet<_> = forms.filter(|form| form.is_secret).map(|form| form.name).collect();
        let value = format!("{start}c4n4ry");
        for name in &secrets {
            let Explanation { settings, findings, resolved, .. } = Explanation::of("agent", [(*name, value.as_str())]);
            let shown = format!("{settings:?} {findings:?} {resolved:?}");
            prop_assert!(!shown.contains("c4n4ry"), "{} of {}={}", shown, name, value);
        }
        let address = ["http://{}@host", "http://host?key={}", "host/{}?a", "http://me:{}@host:port"][number]
            .replace("{}", if number == 2 { "path" } else { &value });
        let explanation = Explanation::of("agent", [("PHOENIX_COLLECTOR_ENDPOINT", address.as_str())]);
        let shown = format!("{:?} {:?} {:?}", explanation.settings, explanation.findings, explanation.resolved);
        // A slash ends the part of an address that may be secret.
        prop_assert!(start.contains(['/', '?', '#']) || !shown.contains("c4n4ry"), "{} of {}", shown, address);
    }
}
