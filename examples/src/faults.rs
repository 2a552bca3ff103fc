//! What goes wrong on purpose, so that operators can see what dashboards and alerts make of it.
//!
//! `MARKETPLACE_FAULTS` names a JSON file, which each part reads again for each call. Nothing goes wrong without the variable
//! or without the file:
//!
//! ```json
//! { "failing_tools": ["search_products"], "model_delay": 6.0, "blocked": ["catalogue"] }
//! ```

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use serde::Deserialize;
use tokio::runtime::Handle;
use tracing::warn;

/// The variable with the path of the file.
const VARIABLE: &str = "MARKETPLACE_FAULTS";

/// How long a runtime is blocked, and how long it then works.
const BLOCKED: Duration = Duration::from_millis(1500);
const AT_WORK: Duration = Duration::from_secs(2);

static FILE: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os(VARIABLE).map(PathBuf::from));

/// What goes wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// The tools of the catalogue that fail.
    pub failing_tools: Vec<String>,
    /// How many seconds longer the built-in model takes to begin an answer.
    pub model_delay: f64,
    /// The parts whose runtimes are blocked again and again, by name.
    pub blocked: Vec<String>,
}

impl Faults {
    /// The faults at this moment.
    #[must_use]
    pub fn now() -> Self {
        FILE.as_ref().map(Self::read).unwrap_or_default()
    }

    fn read(path: &PathBuf) -> Self {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Self::default(),
            Err(error) => {
                warn!(%error, file = %path.display(), "the faults cannot be read, so nothing goes wrong");
                return Self::default();
            }
        };
        serde_json::from_str(&text).unwrap_or_else(|error| {
            warn!(%error, file = %path.display(), "the faults are not valid, so nothing goes wrong");
            Self::default()
        })
    }

    /// Whether a tool of the catalogue fails.
    #[must_use]
    pub fn has_failing(&self, tool: &str) -> bool {
        self.failing_tools.iter().any(|failing| failing == tool)
    }

    /// How much longer the built-in model takes.
    #[must_use]
    pub fn model_delay(&self) -> Duration {
        Duration::try_from_secs_f64(self.model_delay).unwrap_or_default()
    }
}

/// Blocks every worker of the current runtime again and again, as long as the faults name this part.
pub async fn block(part: &str) {
    while FILE.is_some() {
        tokio::time::sleep(AT_WORK).await;
        if Faults::now().blocked.iter().any(|blocked| blocked == part) {
            for _ in 0..Handle::current().metrics().num_workers() {
                // This is what code does that waits without `.await`.
                tokio::spawn(async { std::thread::sleep(BLOCKED) });
            }
        }
    }
}
