//! What is found in sources, and what is said about those that cannot be read.

mod support;

use std::fs;

use proptest::prelude::*;
use support::{Said, generate, project};
use tempfile::TempDir;

/// Generates from a made project, and returns what was said and the list of metrics.
fn metrics(files: &[(&str, &str)]) -> (Said, String) {
    let (project, out) = (project(files), TempDir::new().expect("a folder"));
    let said = generate(project.path(), out.path(), &[]);
    (said, fs::read_to_string(out.path().join("metrics.md")).unwrap_or_default())
}

/// A function with a counter of this name.
fn counter(name: &str) -> String {
    format!("#[business_metric(counter = \"{name}\")]\nfn f() {{}}\n")
}

/// The root of a crate with what occurs in sources.
const ODD: &str = r#"
        #![cfg_attr(docsrs, feature(doc_cfg))]
        use a2a_otel::business_metric as measured;

        mod plain;
        #[path = "elsewhere/odd name.rs"]
        mod by_path;
        #[cfg(test)]
        mod only_tests;
        #[cfg(feature = "extra")]
        mod extra;
        mod broken;
        mod absent;

        mod inline {
            mod deep;
            fn outer() {
                #[otel::business_metric(counter = "inside.of.a.function")]
                fn inner() {}
            }
        }

        macro_rules! hidden {
            () => {
                #[business_metric(counter = "hidden.in.macro")]
                fn in_a_macro() {}
            };
        }

        #[cfg(test)]
        mod tests {
            #[business_metric(counter = "in.tests")]
            fn f() {}
        }

        struct S;
        impl S {
            #[measured(histogram = "by.alias", on = always, outcome)]
            fn method(&self) {}
        }

        trait T {
            #[cfg_attr(feature = "telemetry", a2a_otel::business_metric(gauge = "by.cfg_attr", unit = "1", value = 1.0))]
            fn by_default(&self) {}
            #[cfg_attr(test, business_metric(counter = "by.test_attr"))]
            fn another(&self) {}
        }

        #[business_metric(counter = "1st wrong name")]
        fn wrong_name() {}
        #[business_metric(counter = name())]
        fn no_literal() {}
        #[business_metric(counter = )]
        fn malformed() {}
"#;

#[test]
fn odd_code_is_read_and_what_cannot_be_read_is_reported() {
    let files = [
        ("Cargo.toml", "[package]\nname = \"odd\"\n[[bin]]\nname = \"else\"\npath = \"else/where.rs\"\n"),
        ("else/where.rs", &counter("of.a.target")),
        ("else/template.rs", &counter("of.no.target")),
        ("tests/member/Cargo.toml", "[package]\nname = \"inner\"\n"),
        ("tests/member/src/lib.rs", &counter("of.an.inner.member")),
        ("src/lib.rs", ODD),
        ("src/plain.rs", &counter("in.a.module")),
        ("src/elsewhere/odd name.rs", &counter("by.path")),
        ("src/only_tests.rs", &counter("only.tests")),
        ("src/extra.rs", &counter("by.feature")),
        ("src/inline/deep.rs", &counter("deep")),
        ("src/broken.rs", "fn f( {\n"),
        ("src/bin/tool.rs", &format!("mod beside;\n{}", counter("of.a.binary"))),
        ("src/bin/beside.rs", &counter("beside.a.binary")),
        ("tests/integration.rs", &counter("integration")),
        ("benches/speed.rs", &counter("benchmark")),
        ("examples/show.rs", &counter("of.an.example")),
        ("target/debug/build/out.rs", &counter("built")),
        (".hidden/file.rs", &counter("hidden.folder")),
        ("member/Cargo.toml", "[package]\nname = \"member\"\n"),
        ("member/src/main.rs", &counter("of.a.member")),
    ];
    let (said, metrics) = metrics(&files);
    assert_eq!(said.code, 0, "{said:?}");
    for found in [
        "in.a.module",
        "by.path",
        "by.feature",
        "deep",
        "inside.of.a.function",
        "by.alias",
        "by.cfg_attr",
        "of.a.binary",
        "beside.a.binary",
        "of.an.example",
        "of.a.member",
        "of.a.target",
        "of.an.inner.member",
    ] {
        assert!(metrics.contains(&format!("| `{found}` |")), "{found} is missing: {metrics}");
    }
    for left_out in [
        "in.tests",
        "by.test_attr",
        "only.tests",
        "integration",
        "benchmark",
        "built",
        "hidden.folder",
        "of.no.target",
        "hidden.in.macro",
        "wrong name",
    ] {
        assert!(!metrics.contains(left_out), "{left_out} does not count: {metrics}");
    }
    let warnings: Vec<_> = said.stderr.lines().collect();
    let expected = [
        ("src/broken.rs:1: this file is left out, because it does not parse", "warning: "),
        ("src/lib.rs:13: the module `absent` is left out, because its file was not found", "warning: "),
        (
            "src/lib.rs:25: `#[business_metric]` inside of a macro is left out, because macros are not expanded",
            "warning: ",
        ),
        (
            "src/lib.rs:49: the metric \"1st wrong name\" is left out: a metric's name begins with a letter",
            "warning: ",
        ),
        (
            "src/lib.rs:51: `#[business_metric]` is left out, because it names no metric: `counter = \"name\"`",
            "warning: ",
        ),
        ("src/lib.rs:53: `#[business_metric]` is left out: ", "warning: "),
    ];
    assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
    for (warning, (text, prefix)) in warnings.iter().zip(expected) {
        assert!(warning.starts_with(&format!("{prefix}{text}")), "{warning} is not {text}");
    }
}

#[test]
fn a_file_that_is_no_text_costs_only_itself() {
    let project = project(&[("src/lib.rs", &counter("shop.orders"))]);
    fs::write(project.path().join("src/bytes.rs"), [0xff, 0xfe]).expect("a file");
    let out = TempDir::new().expect("a folder");
    let said = generate(project.path(), out.path(), &[]);
    assert_eq!(said.code, 0);
    let warning = "warning: src/bytes.rs:1: this file is left out, because it cannot be read: ";
    assert!(said.stderr.starts_with(warning), "{said:?}");
    assert!(fs::read_to_string(out.path().join("metrics.md")).expect("a list").contains("`shop.orders`"));
}

#[test]
fn metrics_in_conflict_are_an_error_with_both_places() {
    let lib = "#[business_metric(counter = \"shop.orders\")]\nfn a() {}\n\
               #[business_metric(histogram = \"shop.orders\")]\nfn b() {}\n\
               #[business_metric(counter = \"Shop.Orders\", unit = \"{order}\")]\nfn c() {}\n\
               #[business_metric(counter = \"shop_orders\")]\nfn d() {}\n\
               #[business_metric(counter = \"gen_ai.client.token_usage\", unit = \"{token}\")]\nfn e() {}\n\
               #[business_metric(histogram = \"gen_ai.client.token_usage.x\", value = 1)]\nfn f() {}\n\
               #[business_metric(counter = \"a2a.client.retries\")]\nfn g() {}\n";
    let project = project(&[("src/lib.rs", lib)]);
    let out = TempDir::new().expect("a folder");
    let said = generate(project.path(), &out.path().join("new"), &[]);
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(
        said.stderr.lines().collect::<Vec<_>>(),
        [
            "error: src/lib.rs:3: the instrument of \"shop.orders\" is histogram here and counter at src/lib.rs:1; \
             use one, or rename one of the metrics",
            "error: src/lib.rs:5: the unit of \"Shop.Orders\" is \"{order}\" here and \"\" at src/lib.rs:1; use one, or \
             rename one of the metrics",
            "error: src/lib.rs:7: \"shop_orders\" and \"shop.orders\" (src/lib.rs:1) are one name in Prometheus, \
             `shop_orders_total`; rename one",
            "error: src/lib.rs:13: \"a2a.client.retries\" is in Prometheus the metric `a2a_client_retries_total`, which \
             a2a-otel records by itself; rename it",
        ]
    );
    assert!(!out.path().join("new").exists(), "nothing is written");
}

#[test]
fn functions_that_measure_one_metric_have_its_labels_together() {
    let lib = "#[business_metric(counter = \"shop.orders\", attributes(kind = \"lamp\"))]\nfn a() {}\n\
               #[business_metric(counter = \"shop.orders\", description = \"Orders\", attributes(kind = \"chair\", \
               \"paid.by\" = how))]\nfn b() {}\n\
               #[business_metric(histogram = \"shop.value\", value = 1.0, buckets = [1, 2.5])]\nfn c() {}\n\
               #[business_metric(histogram = \"shop.value\", value = 1.0, buckets = [1, 3])]\nfn d() {}\n";
    let (said, metrics) = metrics(&[("src/lib.rs", lib)]);
    assert!(metrics.contains("| `kind` (chair, lamp), `paid.by` | Orders. (src/lib.rs) |"), "{metrics}");
    assert_eq!(
        said.stderr.trim_end(),
        "warning: src/lib.rs:7: the buckets of \"shop.value\" differ from those at src/lib.rs:5; whichever is measured \
         first defines them"
    );
}

#[test]
fn names_of_agents_tools_and_models_are_listed() {
    let lib = "#[agent_span(name = \"sales-agent\")]\nfn a() {}\n#[a2a_otel::mcp_tool]\nfn look_up() {}\n\
               #[llm_call(model = \"small\")]\nfn c() {}\n#[agent_span(name = format!(\"x\"))]\nfn d() {}\n\
               #[a2a_call(peer = \"inventory\")]\nfn e() {}\n";
    let (_, metrics) = metrics(&[("src/lib.rs", lib)]);
    let names = metrics.split("## Names in the sources").nth(1).expect("names");
    assert_eq!(names.trim(), "- Agents: `inventory`, `sales-agent`\n- Tools: `look_up`\n- Models: `small`");
}

#[test]
fn a_ratio_needs_metrics_that_exist() {
    let manifest = "[package]\nname = \"shop\"\n\n[[package.metadata.a2a-otel.ratio]]\ntitle = \"Conversion\"\n\
                    of = \"shop.orders\"\nper = \"shop.visits\"\nunit = \"1\"\n";
    let (said, _) = metrics(&[("Cargo.toml", manifest), ("src/lib.rs", &counter("shop.orders"))]);
    assert_eq!(
        said.stderr.trim_end(),
        "warning: Cargo.toml:5: the ratio \"Conversion\" is left out, because no metric has the name `shop.visits`"
    );
    let (said, _) = metrics(&[("Cargo.toml", &manifest.replace("per =", "by =")), ("src/lib.rs", "")]);
    assert!(said.stderr.contains("Cargo.toml:1: [package.metadata.a2a-otel] is left out: "), "{said:?}");
    assert!(said.stderr.contains("has `title`, `of` and `per`"), "{said:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_arguments_stop_the_reading(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..8)) {
        let lib = format!("#[business_metric({})]\nfn f() {{}}\n{}", pieces.join(" "), counter("shop.orders"));
        let project = project(&[("src/lib.rs", &lib)]);
        let found = a2a_otel_cli::sources::read(project.path()).expect("sources");
        // Unbalanced arguments cost the whole file, and others only themselves.
        let is_found = found.metrics.iter().any(|metric| metric.name == "shop.orders");
        prop_assert!(is_found || !found.warnings.is_empty(), "{lib}");
        prop_assert!(found.warnings.iter().all(|warning| warning.place.line <= 12), "{:?}", found.warnings);
    }
}

/// What arguments are made of.
const PIECES: &[&str] = &[
    "counter",
    "histogram",
    "=",
    ",",
    "\"a.b\"",
    "\"\"",
    "\"ü\"",
    "value",
    "output",
    "1.5",
    "-",
    "[",
    "]",
    "(",
    ")",
    "attributes(a = 1)",
    "attributes(",
    "\"x.y\" = z",
    "on = err",
    "outcome",
    "crate = ::a",
    "buckets = [1, 2]",
    "unit",
    "\n",
];
