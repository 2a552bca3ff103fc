//! Every query of the dashboards against a real Prometheus, which scrapes made series of every metric of the model.

mod support;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use a2a_otel::metrics::InstrumentKind;
use a2a_otel_cli::model::Metric;
use serde_json::{Value, json};
use support::services::{prometheus, promtool, require};
use support::{marketplace, workspace};
use tempfile::TempDir;

/// How long Prometheus may take to start and to scrape often enough.
const PATIENCE: Duration = Duration::from_secs(120);

/// What Grafana replaces in queries. Intervals are short, so that little has to be scraped.
const VARIABLES: [(&str, &str); 4] =
    [("$__rate_interval", "10s"), ("$__range", "20s"), ("$service", ".*"), ("$agent", ".*")];

/// Values that some labels have; queries select some of them. Others have any value.
const VALUES: &[(&str, [&str; 2])] = &[
    ("a2a_task_state", ["TASK_STATE_COMPLETED", "TASK_STATE_FAILED"]),
    // A label without a value is no label.
    ("error_type", ["", "timeout"]),
];

const OF_PHOENIX: [&str; 3] = [
    "phoenix_span_queue_size",
    "phoenix_span_queue_rejections_total",
    "phoenix_bulk_loader_span_exceptions_total",
];

#[test]
fn every_query_answers_with_numbers() {
    let Some(promtool) = require("promtool", promtool()) else { return };
    let Some(program) = require("Prometheus", prometheus()) else { return };
    let folder = TempDir::new().expect("a folder");
    let metrics = marketplace().metrics().to_vec();
    let agent = serve(move |scrape| exposition(&metrics, scrape));
    let server = Server::start(&program, folder.path(), agent);
    let ask = |query: &str| ask(&promtool, &server.url, query);

    let deadline = Instant::now() + PATIENCE;
    // A rate needs two values, and the rules are evaluated every second.
    while ask("min(count_over_time(up{job=\"agents\"}[30s])) > 10 and on () ALERTS")
        .is_none_or(|it| it.is_empty())
    {
        assert!(Instant::now() < deadline, "Prometheus has not scraped: {}", server.log());
        thread::sleep(Duration::from_millis(500));
    }
    // The check can fail.
    assert_eq!((ask("rate(up)"), ask("of_nobody")), (None, Some(Vec::new())));
    let queries = queries();
    assert!(queries.len() > 60, "only {} queries", queries.len());
    let faults: Vec<_> = queries
        .into_iter()
        .filter_map(|(place, query)| {
            let fault = match ask(&query) {
                None => "fails",
                Some(answer) if answer.is_empty() => "is empty",
                Some(answer) if answer.iter().all(|value| value == "NaN") => "is not a number",
                Some(_) => return None,
            };
            Some(format!("{place}: {fault}: {query}"))
        })
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Every query of every dashboard, with its place.
fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for name in ["agent-performance", "a2a-communication", "business", "errors"] {
        let path = workspace().join(format!("deploy/grafana/{name}.json"));
        let dashboard: Value =
            serde_json::from_str(&fs::read_to_string(path).expect("a dashboard")).expect("JSON");
        for panel in dashboard["panels"].as_array().expect("panels") {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let query = target["expr"].as_str().expect("a query").to_owned();
                let filled = VARIABLES.iter().fold(query, |query, (name, value)| query.replace(name, value));
                queries.push((format!("{name}, {}", panel["title"]), filled));
            }
        }
    }
    queries
}

/// The values that a query has, or `None` if it fails.
fn ask(promtool: &Path, url: &str, query: &str) -> Option<Vec<String>> {
    let mut command = Command::new(promtool);
    command.args(["query", "instant", "--format=json", url, query]);
    for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"] {
        command.env_remove(proxy);
    }
    let output = command.output().expect("promtool runs");
    let answer: Value = serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success())?;
    let series = answer.as_array()?.iter();
    Some(series.map(|one| one["value"][1].as_str().unwrap_or_default().to_owned()).collect())
}

/// All metrics after so many scrapes: two services, and two values of each label.
fn exposition(metrics: &[Metric], scrape: u64) -> String {
    let mut text = String::new();
    for metric in metrics {
        for (service, choice) in [("sales", 0), ("sales", 1), ("stock", 0), ("stock", 1)] {
            let labels = labels(metric, service, choice);
            let name = &metric.prometheus;
            if metric.kind == InstrumentKind::Histogram {
                for (le, part) in [("0.1", 0), ("1", 1), ("10", 2), ("+Inf", 2)] {
                    let _ = writeln!(text, "{name}_bucket{{le=\"{le}\",{labels}}} {}", scrape * part);
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
    text
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
fn serve(metrics: impl Fn(u64) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for (scrape, stream) in (1..).zip(listener.incoming().filter_map(Result::ok)) {
            // A client that goes away is no fault of the metrics.
            let _ = answer(stream, &metrics(scrape));
        }
    });
    address
}

fn answer(mut stream: TcpStream, body: &str) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

/// Waits until standard input is closed, which happens in any case when the test ends, and then ends the program.
const WATCHER: &str =
    r#""$@" </dev/null & program=$!; while read -r _; do :; done; kill "$program"; wait "$program""#;

/// A Prometheus that ends with the test.
struct Server {
    url: String,
    log: PathBuf,
    watcher: Child,
}

impl Server {
    fn start(program: &Path, folder: &Path, agent: SocketAddr) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let configuration = folder.join("prometheus.yml");
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
        fs::write(&configuration, configured.to_string()).expect("a file");
        let log = folder.join("log");
        let output = fs::File::create(&log).expect("a file");
        let mut command = Command::new("bash");
        command.args(["-c", WATCHER, "watcher"]).arg(program);
        command.arg(format!("--config.file={}", configuration.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.stdin(Stdio::piped()).stdout(output.try_clone().expect("a file")).stderr(output);
        let watcher = command.spawn().expect("bash runs");
        Self { url: format!("http://127.0.0.1:{port}"), log, watcher }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}
