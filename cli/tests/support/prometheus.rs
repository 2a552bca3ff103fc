//! A real Prometheus, and made series of every metric for it to scrape.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use a2a_otel::metrics::InstrumentKind;
use a2a_otel_cli::model::Metric;
use a2a_otel_tests::prometheus::Prometheus;
use serde_json::{Value, json};
use ureq::Agent;

use super::workspace;

/// How long Prometheus may take to scrape often enough.
const PATIENCE: Duration = Duration::from_secs(120);

/// The trace that every histogram has an exemplar of.
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Values that some labels have; queries select some of them. Others have any value.
const VALUES: &[(&str, [&str; 2])] = &[
    ("a2a_task_state", ["TASK_STATE_COMPLETED", "TASK_STATE_FAILED"]),
    // A label without a value is no label.
    ("error_type", ["", "timeout"]),
];

const OF_PHOENIX: [&str; 6] = [
    "phoenix_span_queue_size",
    "phoenix_span_queue_rejections_total",
    "phoenix_bulk_loader_span_exceptions_total",
    "phoenix_bulk_loader_span_insertion_time_seconds_bucket{le=\"0.5\"}",
    "phoenix_bulk_loader_span_insertion_time_seconds_bucket{le=\"+Inf\"}",
    "phoenix_span_ingestion_last_success_timestamp_seconds",
];

/// All metrics after so many scrapes: two services, and two values of each label.
pub(crate) fn exposition(metrics: &[Metric], scrape: u64) -> String {
    let mut text = String::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
    for metric in metrics {
        for (service, choice) in [("sales", 0), ("sales", 1), ("stock", 0), ("stock", 1)] {
            let labels = labels(metric, service, choice);
            let name = &metric.prometheus;
            if metric.kind == InstrumentKind::Histogram {
                for (le, part) in [("0.1", 0), ("1", 1), ("10", 2), ("+Inf", 2)] {
                    let exemplar = format!(" # {{trace_id=\"{TRACE}\"}} 0.5 {now:.3}");
                    let exemplar = if le == "1" { exemplar } else { String::new() };
                    let _ =
                        writeln!(text, "{name}_bucket{{le=\"{le}\",{labels}}} {}{exemplar}", scrape * part);
                }
                let _ = writeln!(text, "{name}_sum{{{labels}}} {}", scrape * 3);
                let _ = writeln!(text, "{name}_count{{{labels}}} {}", scrape * 2);
            } else {
                let _ = writeln!(text, "{name}{{{labels}}} {scrape}");
            }
        }
    }
    for name in OF_PHOENIX {
        let _ = writeln!(text, "{name} {scrape}");
    }
    text + "# EOF\n"
}

fn labels(metric: &Metric, service: &str, choice: usize) -> String {
    let mut labels = format!("service_name=\"{service}\"");
    for label in &metric.labels {
        let name = label.prometheus();
        let known = VALUES.iter().find(|(known, _)| *known == name);
        let value = known.map_or(["one", "other"][choice], |(_, values)| values[choice]);
        let _ = write!(labels, ",{name}=\"{value}\"");
    }
    // Two series without labels would be one.
    let _ = write!(labels, ",instance_id=\"{choice}\"");
    labels
}

/// Serves metrics, which depend on how often they have been asked for.
pub(crate) fn serve(metrics: impl Fn(u64) -> String + Send + 'static) -> SocketAddr {
    answering(move |scrape| {
        let body = metrics(scrape);
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    })
}

/// Answers every request with these bytes.
pub(crate) fn answering(answer: impl Fn(u64) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for (request, stream) in (1..).zip(listener.incoming().filter_map(Result::ok)) {
            // A client that goes away is no fault of the answers.
            let _ = respond(stream, &answer(request));
        }
    });
    address
}

fn respond(mut stream: TcpStream, answer: &str) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    stream.write_all(answer.as_bytes())
}

/// The values that a query has, or `None` if it fails.
pub(crate) fn ask(url: &str, query: &str) -> Option<Vec<String>> {
    let series = series(url, query)?;
    Some(series.iter().map(|one| one["value"][1].as_str().unwrap_or_default().to_owned()).collect())
}

/// The series that a query has, with their labels, or `None` if it fails.
pub(crate) fn series(url: &str, query: &str) -> Option<Vec<Value>> {
    let agent: Agent = Agent::config_builder().proxy(None).build().into();
    let mut answer = agent.post(format!("{url}/api/v1/query")).send_form([("query", query)]).ok()?;
    let answer: Value = serde_json::from_reader(answer.body_mut().as_reader()).ok()?;
    answer["data"]["result"].as_array().cloned()
}

/// A Prometheus that ends with the test.
pub(crate) struct Server {
    pub(crate) url: String,
    prometheus: Prometheus,
}

impl Server {
    /// Scrapes an agent every second, by the rules of the marketplace.
    pub(crate) fn start(agent: SocketAddr) -> Result<Self, String> {
        // The second agent is down, so that there is an alert.
        let targets = |addresses: Value| json!([{ "targets": addresses }]);
        let configured = json!({
            "global": { "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" },
            "rule_files": [workspace().join("deploy/prometheus/rules.yaml")],
            "scrape_configs": [
                { "job_name": "agents", "honor_labels": true,
                  "static_configs": targets(json!([agent.to_string(), "127.0.0.1:1"])) },
            ],
        });
        // JSON is YAML.
        let prometheus = Prometheus::start_with(&[("prometheus.yaml", configured.to_string())])?;
        Ok(Self { url: prometheus.url().to_owned(), prometheus })
    }

    /// Waits until there are enough values for rates, and the rules were evaluated.
    pub(crate) fn wait_for_values(&self) {
        let enough = "min(count_over_time(up{job=\"agents\"}[30s])) > 10 and on () ALERTS";
        self.wait_for(enough);
    }

    /// Waits until a query answers with something.
    pub(crate) fn wait_for(&self, query: &str) {
        let deadline = Instant::now() + PATIENCE;
        while ask(&self.url, query).is_none_or(|it| it.is_empty()) {
            assert!(
                Instant::now() < deadline,
                "Prometheus has not scraped: {}",
                self.prometheus.last_words()
            );
            thread::sleep(Duration::from_millis(500));
        }
    }
}
