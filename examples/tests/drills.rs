//! Lets things go wrong in the marketplace, and awaits the alerts: from the agents' metrics over a real Prometheus and a real
//! Alertmanager to a webhook, and their ends once all is well again.

mod support;

use std::num::NonZeroU32;
use std::time::Duration;

use a2a_otel_cli::model::Model;
use a2a_otel_cli::sources;
use a2a_otel_cli::write::{self, Choices, Pace};
use a2a_otel_tests::alertmanager::{Alert, Alertmanager, Webhook};
use a2a_otel_tests::phoenix::Phoenix;
use a2a_otel_tests::prometheus::Prometheus;
use a2a_otel_tests::relay::Relay;
use a2a_otel_tests::services::{eventually, require, unique};
use serde_json::json;
use support::watch::{self, FaultFile, deployed, workspace};
use support::{Extra, Parts, Special};

/// How many times faster than in production the rules and Alertmanager work: they wait for minutes there.
const PACE: NonZeroU32 = NonZeroU32::new(30).expect("it is not 0");

/// How long it may take until an alert fires, or ends, on a busy machine.
const ALARMED: Duration = Duration::from_secs(180);

type Labels = &'static [(&'static str, &'static str)];

/// An alert that a fault leads to.
struct Drill {
    alert: &'static str,
    category: &'static str,
    labels: Labels,
    /// Parts of its summary.
    says: &'static [&'static str],
}

const DRILLS: &[Drill] = &[
    // A tool fails.
    Drill {
        alert: "ToolCallsFail",
        category: "errors",
        labels: &[("service_name", "product-agent"), ("gen_ai_tool_name", "search_products")],
        says: &["% of the calls of the tool search_products fail"],
    },
    Drill {
        alert: "McpRequestsFail",
        category: "errors",
        labels: &[("service_name", "product-agent"), ("gen_ai_tool_name", "search_products")],
        says: &["% of the MCP requests tools/call search_products fail"],
    },
    // The model takes long.
    Drill {
        alert: "FirstChunkSlow",
        category: "performance",
        labels: &[("gen_ai_provider_name", "openai"), ("gen_ai_request_model", "gpt-4o-mini")],
        says: &["5 of 100 answers of gpt-4o-mini begin after ", "s or later"],
    },
    // An agent is killed.
    Drill {
        alert: "AgentDown",
        category: "communication",
        labels: &[("service_name", "sales-agent"), ("job", "agents")],
        says: &["sales-agent at 127.0.0.1:", " cannot be reached by Prometheus"],
    },
    // The network to an agent is cut.
    Drill {
        alert: "PeerUnreachable",
        category: "communication",
        labels: &[("service_name", "coordinator"), ("gen_ai_agent_name", "inventory-agent")],
        says: &["% of the calls from coordinator to inventory-agent fail"],
    },
    // Something blocks a runtime.
    Drill {
        alert: "RuntimeStalls",
        category: "resources",
        labels: &[("service_name", "toy")],
        says: &["The runtime of toy at 127.0.0.1:", " took no new task for a second or longer, ", " times"],
    },
    // Phoenix is stopped.
    Drill {
        alert: "PhoenixDown",
        category: "telemetry",
        labels: &[("job", "phoenix")],
        says: &["Phoenix at 127.0.0.1:", " cannot be reached by Prometheus"],
    },
];

/// Alerts that fire too, and that nobody is told about, because they follow from others.
const INHIBITED: &[(&str, Labels)] = &[
    ("PeerUnreachable", &[("service_name", "coordinator"), ("gen_ai_agent_name", "sales-agent")]),
    ("ExportStalled", &[("service_name", "coordinator")]),
];

/// The variables of a Phoenix that serves its own metrics.
const OF_PHOENIX: [(&str, &str); 1] = [("PHOENIX_ENABLE_PROMETHEUS", "true")];

#[test]
fn every_fault_raises_its_alert_and_the_alert_ends() {
    let webhook = Webhook::start();
    let (rules, configuration) = hurried(webhook.url());
    let Some(alertmanager) = require("Alertmanager", Alertmanager::start(&configuration)) else { return };
    let Some(phoenix) = require("Phoenix", Phoenix::start_with(&OF_PHOENIX)) else { return };
    let (project, url) = (unique("drills"), phoenix.url().to_owned());
    let (faults, faults_of_toy) = (FaultFile::new("faults"), FaultFile::new("faults-of-toy"));
    let shared = [("PHOENIX_COLLECTOR_ENDPOINT", url.as_str()), ("PHOENIX_PROJECT", project.as_str())];
    let environment = [&shared[..], &[("MARKETPLACE_FAULTS", faults.path())]].concat();
    let (relay, relay_of_phoenix) = (Relay::start(), Relay::start());
    relay_of_phoenix.connect(phoenix.metrics_address());
    let relayed = Special { public: Some(("inventory", &relay.url())), ..Special::default() };
    let mut parts = Parts::start_behind(&environment, &relayed, |address| relay.connect(address));
    let customers = Extra::customers(parts.coordinator(), &environment);
    let of_toy = [("OTEL_SERVICE_NAME", "toy"), ("MARKETPLACE_FAULTS", faults_of_toy.path())];
    let toy = Extra::idle(&[&shared[..], &of_toy].concat());
    let mut agents = watch::agents(&parts);
    agents.extend([("customers", customers.address()), ("toy", toy.address())]);
    let started = watch::prometheus(rules, &agents, relay_of_phoenix.address(), Some(alertmanager.address()));
    let Some(prometheus) = require("Prometheus", started) else { return };
    let world = World { webhook, alertmanager, prometheus };

    world.await_query(r#"sum(marketplace_customer_requests_total{outcome="ok"}) > 10"#);
    world.assert_quiet();

    faults.set(&json!({ "failing_tools": ["search_products"], "model_delay": 6.0 }));
    faults_of_toy.set(&json!({ "blocked": ["llm"] }));
    parts.kill("sales");
    relay.cut();
    relay_of_phoenix.cut();
    let phoenix = phoenix.stop();
    for drill in DRILLS {
        world.await_firing(drill);
    }
    for (alert, labels) in INHIBITED {
        world.await_inhibited(alert, labels);
    }

    faults.clear();
    faults_of_toy.clear();
    parts.restart("sales");
    relay.connect(parts.address("inventory"));
    let phoenix = phoenix.start(&OF_PHOENIX).expect("Phoenix comes back");
    // Its metrics are there for seconds before it takes spans, which are minutes in a hurry.
    relay_of_phoenix.connect(phoenix.metrics_address());
    for drill in DRILLS {
        world.await_end(drill);
    }
    for (alert, labels) in INHIBITED {
        let told = world.webhook.received().into_iter().find(|told| is(told, alert, labels));
        assert!(told.is_none(), "{alert} follows from another alert: {told:?}");
    }
}

/// The committed rules and Alertmanager's committed configuration, with each duration divided by [`PACE`], and with the
/// webhook of the test.
fn hurried(webhook: &str) -> (String, String) {
    let found = sources::read(&workspace().join("examples")).expect("sources");
    let model = Model::new(found, &mut Vec::new()).expect("no conflicts");
    let generated = |pace, path| {
        let (grafana, runbooks) = ("http://localhost:3000".to_owned(), "docs/runbooks".to_owned());
        let choices = Choices { objective: 0.99, grafana, runbooks, pace };
        let files = write::all(&model, &choices).expect("files");
        files.into_iter().find(|file| file.path == path).expect("a file").content
    };
    let [rules, configuration] = ["prometheus/rules.yaml", "alertmanager/alertmanager.yaml"].map(|path| {
        assert_eq!(generated(Pace::WRITTEN, path), deployed(path), "{path} is stale");
        generated(Pace::times(PACE), path)
    });
    let written = "http://localhost:9095/alerts";
    assert!(configuration.contains(written), "{configuration}");
    (rules, configuration.replace(written, webhook))
}

fn is(alert: &Alert, name: &str, labels: Labels) -> bool {
    alert.has(&[("alertname", name)]) && alert.has(labels)
}

struct World {
    webhook: Webhook,
    alertmanager: Alertmanager,
    prometheus: Prometheus,
}

impl World {
    #[track_caller]
    fn await_query(&self, query: &str) {
        let found = eventually(ALARMED, || (!self.prometheus.query(query).is_empty()).then_some(()));
        assert!(found.is_some(), "{query} has no result; {}", self.prometheus.last_words());
    }

    /// No drilled alert is there before its fault.
    #[track_caller]
    fn assert_quiet(&self) {
        for told in self.webhook.received() {
            assert!(!DRILLS.iter().any(|drill| is(&told, drill.alert, drill.labels)), "too early: {told:?}");
        }
    }

    /// The last that the webhook was told of an alert.
    fn told(&self, drill: &Drill) -> Option<Alert> {
        self.webhook.received().into_iter().rev().find(|told| is(told, drill.alert, drill.labels))
    }

    #[track_caller]
    fn await_told(&self, drill: &Drill, status: &str) -> Alert {
        let told = eventually(ALARMED, || self.told(drill).filter(|told| told.status == status));
        told.unwrap_or_else(|| {
            let alerts = self.prometheus.query("ALERTS");
            panic!("{} is not {status}: {:?}; alerts: {alerts:#?}", drill.alert, self.told(drill))
        })
    }

    #[track_caller]
    fn await_firing(&self, drill: &Drill) {
        let told = self.await_told(drill, "firing");
        let Drill { alert, category, says, .. } = drill;
        assert_eq!(told.labels["category"], *category, "{told:?}");
        assert!(["critical", "warning"].iter().any(|it| told.labels["severity"] == *it), "{told:?}");
        let text = |annotation: &str| told.annotations[annotation].as_str().unwrap_or_default().to_owned();
        assert!(says.iter().all(|part| text("summary").contains(part)), "{told:?}");
        assert!(text("dashboard").starts_with("http://localhost:3000/d/a2a-otel-"), "{told:?}");
        assert_eq!(text("runbook_url"), format!("docs/runbooks/{alert}.md"));
        assert!(workspace().join(text("runbook_url")).is_file(), "{told:?}");
        println!("fires: {}", text("summary"));
    }

    #[track_caller]
    fn await_end(&self, drill: &Drill) {
        self.await_told(drill, "resolved");
        println!("ends: {}", drill.alert);
    }

    /// Waits until an alert fires that Alertmanager holds back.
    #[track_caller]
    fn await_inhibited(&self, name: &str, labels: Labels) {
        let is_it = |alert: &serde_json::Value| {
            alert["labels"]["alertname"] == name
                && labels.iter().all(|(label, value)| alert["labels"][label] == *value)
                && alert["status"]["state"] == "suppressed"
        };
        let held = eventually(ALARMED, || self.alertmanager.alerts().iter().any(is_it).then_some(()));
        assert!(held.is_some(), "{name} is not held back: {:#?}", self.alertmanager.alerts());
        println!("is held back: {name}");
    }
}
