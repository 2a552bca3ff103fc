//! A real Alertmanager from Debian, and a webhook that keeps what it is told.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use ureq::Agent;

use crate::debian::unpacked;
use crate::services::{Service, local_agent, on_free_ports, unique, workshop};

/// The version that these tests run against, and the suite of Debian that has it.
pub const VERSION: &str = "0.28.1";
const SUITE: &str = "trixie";

/// The time limit for a start.
const START: Duration = Duration::from_secs(60);

/// Where Debian's Alertmanager looks for its templates.
const TEMPLATES: &str = "/usr/share/prometheus/alertmanager";

/// Runs a program in a file system of its own, in which `/usr/share` also has the files of a folder: the package is unpacked
/// and not installed.
const WITH_TEMPLATES: &str =
    r#"mount -t overlay overlay -o "lowerdir=$1:/usr/share" /usr/share && shift && exec "$@""#;

/// A running Alertmanager. It ends when this is dropped, or when the process ends.
#[derive(Debug)]
pub struct Alertmanager {
    service: Service,
    agent: Agent,
    address: SocketAddr,
    folder: PathBuf,
}

impl Alertmanager {
    /// An instance with this configuration.
    ///
    /// # Errors
    ///
    /// If it is not available on this machine; see [`require`](crate::services::require).
    pub fn start(configuration: &str) -> Result<Self, String> {
        on_free_ports(|[port]| Self::launch(configuration, port))
    }

    fn launch(configuration: &str, port: u16) -> Result<Self, String> {
        let folder = workshop()?.join(unique("alertmanager-work"));
        let described = |error| format!("{}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(described)?;
        let file = folder.join("alertmanager.yaml");
        fs::write(&file, configuration).map_err(described)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = program()?;
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            // Alone, and not in a cluster.
            .arg("--cluster.listen-address=");
        let mut service = Service::start("alertmanager", &command)?;
        let agent = local_agent(Duration::from_secs(30));
        service.wait_until(START, || {
            agent.get(format!("http://{address}/-/ready")).call().is_ok_and(|answer| answer.status() == 200)
        })?;
        Ok(Self { service, agent, address, folder })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The alerts that it knows, with their states.
    ///
    /// # Panics
    ///
    /// If it does not answer.
    #[must_use]
    #[track_caller]
    pub fn alerts(&self) -> Vec<Value> {
        let answer = self.agent.get(format!("http://{}/api/v2/alerts", self.address)).call();
        let mut answer = answer.unwrap_or_else(|error| panic!("{error}\n{}", self.service.last_words()));
        answer.body_mut().read_json().expect("a list of alerts")
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The program, with its templates where it looks for them.
fn program() -> Result<Command, String> {
    let folder = folder()?;
    let program = folder.join("usr/bin/prometheus-alertmanager");
    if Path::new(TEMPLATES).exists() {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", WITH_TEMPLATES, "sh"]);
    command.arg(folder.join("usr/share")).arg(program);
    Ok(command)
}

/// The folder into which its package is unpacked.
pub(crate) fn folder() -> Result<PathBuf, String> {
    let package = format!("prometheus-alertmanager={VERSION}*");
    unpacked(&format!("prometheus-alertmanager-{VERSION}"), SUITE, &[&package])
}

/// An alert, as a webhook gets it.
#[derive(Clone, Debug, Deserialize)]
pub struct Alert {
    /// `firing` or `resolved`.
    pub status: String,
    /// Its labels.
    pub labels: Value,
    /// Its annotations.
    pub annotations: Value,
}

impl Alert {
    /// Whether it has these labels.
    #[must_use]
    pub fn has(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(label, value)| self.labels[label] == *value)
    }
}

#[derive(Deserialize)]
struct Message {
    alerts: Vec<Alert>,
}

type Received = Arc<Mutex<Vec<Alert>>>;

/// A receiver that keeps the alerts it is told about. It listens until the process ends.
#[derive(Clone, Debug)]
pub struct Webhook {
    url: String,
    received: Received,
}

impl Webhook {
    /// Listens on a free port.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/alerts", listener.local_addr().expect("an address"));
        let received = Received::default();
        let router = Router::new().route("/alerts", post(receive)).with_state(Arc::clone(&received));
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                listener.set_nonblocking(true).expect("a socket");
                let listener = TcpListener::from_std(listener).expect("a socket");
                axum::serve(listener, router).await.expect("a server");
            });
        });
        Self { url, received }
    }

    /// Where Alertmanager sends alerts.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every alert so far, in the order in which they came.
    #[must_use]
    pub fn received(&self) -> Vec<Alert> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn receive(State(received): State<Received>, Json(message): Json<Message>) {
    received.lock().unwrap_or_else(PoisonError::into_inner).extend(message.alerts);
}
