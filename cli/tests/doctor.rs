//! Runs `a2a-otel doctor` as a process with an environment of its own, against real services and against faults.

mod support;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};
use std::thread;

use a2a_otel::testing::{Behaviour, Receiver};
use a2a_otel_tests::phoenix::Phoenix;
use a2a_otel_tests::services::{free_ports, require};
use a2a_otel_tests::victoria_metrics::VictoriaMetrics;
use serde_json::{Value, json};
use support::Said;

/// A secret that no output may show.
const CANARY: &str = "canary-7f3a91";

type Variables<'a> = &'a [(&'a str, &'a str)];

/// What a run found, as JSON.
#[derive(Debug)]
struct Found {
    code: i32,
    report: Value,
}

impl Found {
    #[track_caller]
    fn check(&self, id: &str) -> &Value {
        let found = self.checks().find(|check| check["id"] == id);
        found.unwrap_or_else(|| panic!("no check {id} in {:#}", self.report["sections"]))
    }

    fn checks(&self) -> impl Iterator<Item = &Value> {
        let sections = self.report["sections"].as_array().expect("sections").iter();
        sections.flat_map(|section| section["checks"].as_array().expect("checks"))
    }

    #[track_caller]
    fn setting(&self, name: &str) -> &Value {
        let settings = self.report["settings"].as_array().expect("settings");
        settings.iter().find(|setting| setting["name"] == name).expect("a setting")
    }

    /// Asserts how a check is, and what its reason and advice contain.
    #[track_caller]
    fn assert(&self, id: &str, status: &str, reason: &str, what_to_do: &str) {
        let check = self.check(id);
        assert_eq!(check["status"], status, "{check:#}");
        let contains = |field: &str, part: &str| check[field].as_str().unwrap_or_default().contains(part);
        assert!(contains("reason", reason), "{reason:?} in {check:#}");
        assert!(contains("what_to_do", what_to_do), "{what_to_do:?} in {check:#}");
    }

    #[track_caller]
    fn assert_all_ok(&self) {
        let bad: Vec<_> = self.checks().filter(|check| check["status"] != "ok").collect();
        assert!(bad.is_empty() && self.code == 0, "{bad:#?}");
    }
}

/// Runs the program with these variables and no others.
fn run(variables: Variables<'_>, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_a2a-otel"));
    command.env_clear().envs(variables.iter().copied()).arg("doctor").args(arguments);
    let Output { status, stdout, stderr } = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let said =
        Said { code: status.code().expect("an exit code"), stdout: text(stdout), stderr: text(stderr) };
    assert!(!format!("{}{}", said.stdout, said.stderr).contains(CANARY), "a secret in {said:?}");
    said
}

/// Runs the program twice, with both forms of output, which have to agree.
#[track_caller]
fn doctor(variables: Variables<'_>) -> Found {
    let text = run(variables, &["--timeout", "20"]);
    doctor_within(variables, "20", &text)
}

/// Like [`doctor`], for what does not answer.
#[track_caller]
fn impatient_doctor(variables: Variables<'_>) -> Found {
    let text = run(variables, &["--timeout", "0.5"]);
    doctor_within(variables, "0.5", &text)
}

#[track_caller]
fn doctor_within(variables: Variables<'_>, seconds: &str, text: &Said) -> Found {
    let json = run(variables, &["--json", "--timeout", seconds]);
    assert!(text.stderr.is_empty() && json.stderr.is_empty(), "{}{}", text.stderr, json.stderr);
    let report = serde_json::from_str(&json.stdout).expect("JSON");
    let found = Found { code: json.code, report };
    // `cargo test -- --nocapture` shows how the output looks.
    println!("{}", text.stdout);
    assert_eq!(text.code, found.code);
    assert_eq!(verdicts(&text.stdout), in_json(&found), "{}", text.stdout);
    for check in found.checks().filter(|check| check["status"] != "ok") {
        assert!(check["what_to_do"].is_string(), "{check:#}");
    }
    found
}

/// The checks in the text: the last part of their id, with their status.
fn verdicts(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
    let words = lines.map(|line| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>());
    let is_check = |words: &Vec<String>| {
        matches!(words.first().map(String::as_str), Some("ok" | "warning" | "failed" | "skipped"))
    };
    words.filter(is_check).map(|words| (words[1].clone(), words[0].clone())).collect()
}

fn in_json(found: &Found) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let title = |check: &Value| text(&check["id"]).rsplit('.').next().expect("an id").to_owned();
    found.checks().map(|check| (title(check), text(&check["status"]))).collect()
}

/// A server that answers each request with these bytes, in which `{request}` is what it was sent.
fn server(answer: &str) -> SocketAddr {
    let answer = answer.to_owned();
    server_by(move |request| answer.replace("{request}", &request.replace("\r\n", " ")))
}

/// A server that answers each request with what this makes of it.
fn server_by(answer: impl Fn(&str) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let mut buffer = vec![0; 65536];
            let length = connection.read(&mut buffer).unwrap_or_default();
            let request = String::from_utf8_lossy(&buffer[..length]);
            let _ = connection.write_all(answer(&request).as_bytes());
        }
    });
    address
}

#[test]
fn everything_reaches_phoenix_over_http() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let project = phoenix.project("doctor");
    let found = doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", phoenix.url()), ("PHOENIX_PROJECT", project.name())]);
    found.assert_all_ok();
    assert_eq!(found.report["verdict"], "ok");
    assert_eq!(found.report["project"], project.name());
    found.assert("phoenix.version", "ok", "20.26.1", "");
    found.assert("phoenix.span", "ok", project.name(), "");
    found.assert("phoenix.annotation", "ok", "a2a-otel doctor", "");
    found.assert("spans.clock", "ok", "agree", "");
    let spans = project.wait_for_spans(|spans| spans.len() == 2);
    assert!(spans.iter().all(|span| span.name == "a2a-otel doctor"), "{spans:?}");
}

#[test]
fn a_name_that_rest_does_not_accept_is_found() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let project = format!("{}/lamps & more", phoenix.project("doctor").name());
    let found = doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", phoenix.url()), ("PHOENIX_PROJECT", &project)]);
    found.assert_all_ok();
}

#[test]
fn a_header_that_selects_another_project_is_found_out() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let (ours, other) = (phoenix.project("doctor"), phoenix.project("other"));
    let headers = format!("x-project-name={}", other.name());
    let variables = [
        ("PHOENIX_COLLECTOR_ENDPOINT", phoenix.url()),
        ("PHOENIX_PROJECT", ours.name()),
        ("PHOENIX_CLIENT_HEADERS", &headers),
    ];
    let found = impatient_doctor(&variables);
    found.assert("spans.delivery", "ok", "", "");
    found.assert("phoenix.span", "failed", ours.name(), "x-project-name selects another project");
}

#[test]
fn spans_reach_phoenix_over_grpc() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let project = phoenix.project("doctor");
    let variables = [
        ("PHOENIX_COLLECTOR_ENDPOINT", phoenix.grpc_url()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("PHOENIX_PROJECT", project.name()),
    ];
    let found = doctor(&variables);
    found.assert("spans.delivery", "ok", "accepted", "");
    found.assert("phoenix.version", "skipped", "over gRPC", "send over HTTP");
    assert_eq!((found.code, &found.report["features"]), (0, &json!(["otlp", "otlp-grpc"])));
    project.wait_for_spans(|spans| spans.len() == 2);
}

#[test]
fn the_wrong_protocol_is_found_out() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let over_http = doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", phoenix.grpc_url())]);
    over_http.assert("spans.answer", "failed", "", "OTLP receiver (Phoenix 6006, collector 4318)");
    let over_grpc =
        doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", phoenix.url()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    over_grpc.assert("spans.answer", "failed", "", "OTLP receiver (Phoenix 4317, collector 4317)");
}

#[test]
fn a_phoenix_that_wants_a_key() {
    let secret = "0123456789abcdefghijklmnopqrstuvwxyz";
    let admin = "admin-0123456789abcdefghijklmnopqrstuvwxyz";
    let variables =
        [("PHOENIX_ENABLE_AUTH", "true"), ("PHOENIX_SECRET", secret), ("PHOENIX_ADMIN_SECRET", admin)];
    let Some(phoenix) = require("Phoenix", Phoenix::start_with(&variables)) else { return };
    let made = phoenix.post("/v1/system/api_keys", &json!({"data": {"name": "doctor"}}));
    let key = made.body["data"]["key"].as_str().expect("a key").to_owned();
    let http = ("PHOENIX_COLLECTOR_ENDPOINT", phoenix.url());
    let grpc = [("PHOENIX_COLLECTOR_ENDPOINT", phoenix.grpc_url()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];

    let right = doctor(&[http, ("PHOENIX_API_KEY", &key)]);
    right.assert_all_ok();
    assert!(!right.report.to_string().contains(&key), "{right:?}");
    doctor(&[grpc[0], grpc[1], ("PHOENIX_API_KEY", &key)]).assert("spans.delivery", "ok", "accepted", "");
    for variables in [&[http][..], &grpc] {
        let none = doctor(variables);
        none.assert("spans.answer", "failed", "nauth", "set PHOENIX_API_KEY to a key of Phoenix");
        none.assert("spans.delivery", "skipped", "", "");
        let wrong = doctor(&[variables, &[("PHOENIX_API_KEY", CANARY)]].concat());
        wrong.assert(
            "spans.answer",
            "failed",
            "nauth",
            "does not accept this key: set PHOENIX_API_KEY to another",
        );
        assert_eq!((none.code, wrong.code), (1, 1));
    }
}

#[test]
fn a_wrong_path() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let endpoint = format!("{}/v1/trace", phoenix.url());
    let found = doctor(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint)]);
    found.assert(
        "spans.answer",
        "failed",
        "405",
        "set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to an OTLP receiver",
    );
}

#[test]
fn nobody_listens() {
    let [port] = free_ports();
    let endpoint = format!("http://127.0.0.1:{port}");
    for protocol in ["http/protobuf", "grpc"] {
        let found =
            doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", &endpoint), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]);
        found.assert(
            "spans.connection",
            "failed",
            &format!("nothing listens at port {port}"),
            "phoenix serve",
        );
        found.assert("spans.delivery", "skipped", "no spans were sent", "run this again");
        assert_eq!((found.code, &found.report["verdict"]), (1, &json!("failed")));
    }
}

#[test]
fn a_port_that_is_silent() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", silent.local_addr().expect("an address"));
    for protocol in ["http/protobuf", "grpc"] {
        let found = impatient_doctor(&[
            ("PHOENIX_COLLECTOR_ENDPOINT", &endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ]);
        found.assert("spans.connection", "ok", "accepts connections", "");
        found.assert("spans.answer", "failed", "", "--timeout waits longer");
    }
    let endpoint = endpoint.replace("http:", "https:");
    let found = impatient_doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", &endpoint)]);
    found.assert("spans.tls", "skipped", "not known", "");
}

#[test]
fn a_host_that_does_not_exist() {
    let found = doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", "http://no-such-host.invalid:6006")]);
    found.assert(
        "spans.name",
        "failed",
        "no-such-host.invalid is not known",
        "check the spelling in PHOENIX_COLLECTOR_ENDPOINT",
    );
}

#[test]
fn servers_that_are_no_receivers() {
    let receiver = Receiver::start();
    let endpoint = receiver.endpoint();
    for (behaviour, reason, what_to_do) in [
        (Behaviour::Status(404), "status 404", "the path ends in /v1/traces"),
        (Behaviour::Status(503), "status 503", "a program would send again"),
        (Behaviour::Status(429), "status 429", "a program would send again"),
        (Behaviour::Status(500), "status 500", "look at the receiver's log"),
        (Behaviour::Status(415), "status 415", "names an OTLP receiver"),
        (Behaviour::Status(403), "status 403", "set PHOENIX_API_KEY"),
        (Behaviour::WebPage, "web page", "a login page"),
        (Behaviour::Reset, "", "names an OTLP receiver"),
    ] {
        receiver.behave(behaviour.clone());
        let found = doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", &endpoint)]);
        found.assert("spans.answer", "failed", reason, what_to_do);
        found.assert("spans.delivery", "skipped", "", "");
        assert_eq!(found.code, 1, "{behaviour:?}");
    }
    assert!(receiver.spans().is_empty());
}

#[test]
fn a_redirect_is_not_followed() {
    let address = server(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://login.example.com/in?next=canary-7f3a91\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let found = doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", &format!("http://{address}"))]);
    found.assert("spans.answer", "failed", "to https://login.example.com/in", "redirects are not followed");
}

#[test]
fn a_receiver_that_repeats_secrets_does_not_reveal_them() {
    let address = server("HTTP/1.1 500 Oh\r\nConnection: close\r\n\r\n{request}");
    let endpoint = format!("http://me:{CANARY}@{address}");
    let headers = format!("x-key={CANARY}");
    let found = doctor(&[
        ("PHOENIX_COLLECTOR_ENDPOINT", &endpoint),
        ("PHOENIX_API_KEY", CANARY),
        ("OTEL_EXPORTER_OTLP_HEADERS", &headers),
    ]);
    found.assert("spans.answer", "failed", "500", "");
    let query = format!("http://{address}/v1/traces?key={CANARY}");
    doctor(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &query)]).assert("spans.answer", "failed", "500", "");
}

/// An empty request has no body, and this server has nothing against it.
#[test]
fn a_receiver_that_repeats_secrets_about_a_span_does_not_reveal_them() {
    let address = server_by(|request| {
        if request.to_ascii_lowercase().contains("content-length: 0\r\n") {
            return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
        }
        let request: String = request.chars().filter(|it| !it.is_control()).collect();
        format!("HTTP/1.1 500 Oh\r\nConnection: close\r\n\r\n{request}")
    });
    let endpoint = format!("http://{address}");
    let found = doctor(&[
        ("PHOENIX_COLLECTOR_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", &format!("aa={CANARY}")),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ]);
    found.assert("spans.delivery", "failed", "aa: ****", "");
}

#[test]
fn a_proxy_is_tried_instead_of_the_receiver() {
    let proxy = server("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let proxy = format!("http://me:{CANARY}@{proxy}");
    let endpoint = ("PHOENIX_COLLECTOR_ENDPOINT", "http://phoenix.invalid:6006");
    let found = doctor(&[endpoint, ("HTTP_PROXY", &proxy)]);
    found.assert("spans.name", "ok", "through the proxy: 127.0.0.1", "");
    found.assert("spans.answer", "failed", "", "");
    let without = doctor(&[endpoint, ("HTTP_PROXY", &proxy), ("NO_PROXY", "phoenix.invalid")]);
    without.assert("spans.name", "failed", "phoenix.invalid is not known", "");
}

#[test]
fn plain_text_is_asked_for_tls() {
    let receiver = Receiver::start();
    let endpoint = receiver.endpoint().replace("http:", "https:");
    for protocol in ["http/protobuf", "grpc"] {
        let found =
            doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", &endpoint), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]);
        found.assert("spans.tls", "failed", "", "begin PHOENIX_COLLECTOR_ENDPOINT with http://");
        found.assert("spans.answer", "skipped", "not secured", "");
    }
}

#[test]
fn certificates_that_cannot_be_used() {
    let receiver = Receiver::start();
    let endpoint = receiver.endpoint().replace("http:", "https:");
    let found = doctor(&[
        ("PHOENIX_COLLECTOR_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/authority.pem"),
    ]);
    found.assert(
        "spans.tls",
        "failed",
        "/no/such/authority.pem cannot be read",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
    );
}

#[test]
fn a_clock_that_is_wrong() {
    for (date, direction) in
        [("Sat, 01 Jan 2000 00:00:00 GMT", "behind"), ("Fri, 01 Jan 2100 00:00:00 GMT", "ahead")]
    {
        let address = server(&format!(
            "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ));
        let found = doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", &format!("http://{address}"))]);
        found.assert("spans.clock", "warning", direction, "NTP");
        found.assert("spans.delivery", "ok", "", "");
        found.assert("phoenix.version", "skipped", "", "");
        assert_eq!(found.code, 1);
    }
}

#[test]
fn a_collector_gets_every_signal() {
    let receiver = Receiver::start();
    let endpoint = receiver.endpoint();
    let found = doctor(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.001"),
    ]);
    for id in ["spans.delivery", "metrics.delivery", "logs.delivery"] {
        found.assert(id, "ok", "accepted", "");
    }
    assert_eq!(found.report["features"], json!(["logs", "metrics", "otlp"]));
    let spans = receiver.spans();
    assert!(spans.len() == 2 && spans.iter().all(|span| span.name == "a2a-otel doctor"), "{spans:?}");
    let runs = |name: &str| receiver.metrics().iter().any(|metric| metric.name == name);
    assert!(runs("a2a_otel.doctor.runs"), "{:?}", receiver.metrics());
    let log = &receiver.logs()[0];
    assert!(format!("{log:?}").contains("a test of the connection"), "{log:?}");
}

#[test]
fn metrics_are_only_offered_to_a_receiver_of_everything() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Phoenix);
    let endpoint = receiver.endpoint();
    let offered = doctor(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    offered.assert("metrics.answer", "warning", "404", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
    let asked = doctor(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), ("OTEL_METRICS_EXPORTER", "otlp")]);
    asked.assert("metrics.answer", "failed", "404", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
    let none = doctor(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), ("OTEL_METRICS_EXPORTER", "none")]);
    assert!(none.checks().all(|check| !check["id"].as_str().is_some_and(|id| id.starts_with("metrics"))));
}

#[test]
fn a_real_receiver_of_metrics_gets_one() {
    let Some(metrics) = require("VictoriaMetrics", VictoriaMetrics::start()) else { return };
    let found = doctor(&[
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &metrics.endpoint()),
    ]);
    found.assert("metrics.delivery", "ok", "a2a_otel.doctor.runs", "");
    found.assert("spans.exporter", "skipped", "printed", "unset OTEL_TRACES_EXPORTER");
    assert!(!metrics.query("a2a_otel_doctor_runs_total").is_empty());
}

#[test]
fn what_is_saved_to_disk_is_left_alone() {
    let receiver = Receiver::start();
    let folder = tempfile::tempdir().expect("a folder");
    let spool = folder.path().join("spool");
    let found = doctor(&[
        ("PHOENIX_COLLECTOR_ENDPOINT", &receiver.endpoint()),
        ("A2A_OTEL_SPOOL_DIR", spool.to_str().expect("UTF-8")),
    ]);
    found.assert("spans.delivery", "ok", "", "");
    assert_eq!(found.setting("spool.folder")["sources"], json!(["A2A_OTEL_SPOOL_DIR"]));
    assert!(!spool.exists());
}

#[test]
fn variables_that_are_malformed_unknown_or_without_effect() {
    let [port] = free_ports();
    let endpoint = format!("http://127.0.0.1:{port}");
    let found = doctor(&[
        ("PHOENIX_COLLECTOR_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere:4318"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_SERVICE_NAMES", "shop"),
        ("OTEL_PROPAGATORS", "b3"),
        ("PHOENIX_SECRET", CANARY),
        ("PHOENIX_CLIENT_HEADERS", CANARY),
        ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
        ("OPENINFERENCE_HIDE_INPUTS", "1"),
        ("PATH", "/bin"),
    ]);
    let findings: BTreeMap<_, _> = found
        .checks()
        .filter_map(|check| Some((check["variable"].as_str()?, (&check["id"], &check["status"]))))
        .map(|(variable, (id, status))| (variable, [id, status].map(|value| value.as_str().expect("text"))))
        .collect();
    let expected = [
        ("OPENINFERENCE_HIDE_INPUTS", ["environment.notice", "warning"]),
        ("OTEL_BLRP_SCHEDULE_DELAY", ["environment.no_effect", "warning"]),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", ["environment.no_effect", "warning"]),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", ["environment.malformed", "failed"]),
        ("OTEL_PROPAGATORS", ["environment.unknown", "warning"]),
        ("OTEL_SERVICE_NAMES", ["environment.unknown", "warning"]),
        ("PHOENIX_CLIENT_HEADERS", ["environment.malformed", "failed"]),
        ("PHOENIX_SECRET", ["environment.unknown", "skipped"]),
    ];
    assert_eq!(findings, BTreeMap::from(expected));
    let advice = |variable: &str| {
        let check = found.checks().find(|check| check["variable"] == variable).expect("a check");
        check["what_to_do"].as_str().expect("advice").to_owned()
    };
    assert!(advice("OTEL_SERVICE_NAMES").contains("if you mean OTEL_SERVICE_NAME,"));
    assert!(advice("OTEL_EXPORTER_OTLP_TIMEOUT").contains("OTEL_EXPORTER_OTLP_TIMEOUT=5000"));
    assert_eq!(found.setting("timeout")["value"], "10s");
    assert_eq!(found.setting("timeout")["sources"], json!([]));
    assert_eq!(found.setting("endpoint")["sources"], json!(["PHOENIX_COLLECTOR_ENDPOINT"]));
}

#[test]
fn an_address_that_cannot_be_used() {
    let address = format!("localhost:6006/{CANARY}?{CANARY}");
    let found = doctor(&[("PHOENIX_COLLECTOR_ENDPOINT", &address.replace(&format!("/{CANARY}"), ""))]);
    found.assert(
        "environment.malformed",
        "failed",
        "PHOENIX_COLLECTOR_ENDPOINT=",
        "https://phoenix.example.com",
    );
    found.assert("spans.exporter", "failed", "discarded", "correct the address");
}

#[test]
fn telemetry_that_is_switched_off() {
    let disabled = doctor(&[("OTEL_SDK_DISABLED", "true")]);
    disabled.assert("environment.disabled", "warning", "nothing is recorded", "unset OTEL_SDK_DISABLED");
    assert_eq!(disabled.report["sections"].as_array().expect("sections").len(), 1);
    let none = doctor(&[("OTEL_TRACES_EXPORTER", "none")]);
    none.assert("spans.exporter", "warning", "discarded", "unset OTEL_TRACES_EXPORTER");
    let console =
        doctor(&[("OTEL_TRACES_EXPORTER", "console"), ("OTEL_METRICS_EXPORTER", "prometheus,console")]);
    console.assert("spans.exporter", "skipped", "standard error", "unset OTEL_TRACES_EXPORTER");
    console.assert("metrics.prometheus", "ok", "http://localhost:9464/metrics", "");
    console.assert("metrics.console", "ok", "standard output", "");
    assert_eq!((disabled.code, none.code, console.code), (1, 1, 0));
}

#[test]
fn a_file_of_prices_that_cannot_be_read_is_reported() {
    let found = doctor(&[("OTEL_TRACES_EXPORTER", "console"), ("A2A_OTEL_PRICES", "/no/such/prices.json")]);
    found.assert("environment.start", "warning", "/no/such/prices.json", "troubleshooting");
}

#[test]
fn all_settings_are_shown_if_asked_for() {
    let variables = [("OTEL_SDK_DISABLED", "true")];
    let (some, all) = (run(&variables, &[]), run(&variables, &["--all"]));
    assert!(!some.stdout.contains("batch.queue_bytes") && some.stdout.contains("--all shows them"));
    assert!(all.stdout.contains("batch.queue_bytes") && !all.stdout.contains("--all shows them"));
    let escape = '\u{1b}';
    assert!(!all.stdout.contains(escape), "a pipe has no colours");
}

#[test]
fn wrong_arguments_are_refused() {
    for arguments in [&["--timeout", "soon"][..], &["--timeout", "0"], &["--json", "--all"], &["--jsno"]] {
        let said = run(&[], arguments);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stdout.is_empty() && said.stderr.contains("error:"), "{said:?}");
    }
}
