//! The program's pages, as a browser gets them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use ureq::Agent;

use super::workspace;

/// The running program.
pub(crate) struct Pages {
    pub(crate) url: String,
    child: Child,
}

/// What it has answered.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Pages {
    /// Serves the dashboards of the repository, or those in the arguments.
    pub(crate) fn start(prometheus: &str, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_a2a-otel"));
        command.args(["dashboards", "--prometheus", prometheus, "--listen", "127.0.0.1:0"]).args(more);
        command.current_dir(workspace()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        output.read_line(&mut line).expect("a line");
        let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) else {
            let mut errors = String::new();
            let _ = child.stderr.take().expect("its errors").read_to_string(&mut errors);
            panic!("it does not serve: {line}{errors}");
        };
        Self { url: url.trim_end_matches('/').to_owned(), child }
    }

    /// Gets a page.
    pub(crate) fn get(&self, path: &str) -> Page {
        self.get_as(path, None)
    }

    /// Gets a page by another name of the host.
    pub(crate) fn get_as(&self, path: &str, host: Option<&str>) -> Page {
        let agent: Agent = Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let mut request = agent.get(format!("{}{path}", self.url));
        if let Some(host) = host {
            request = request.header("Host", host);
        }
        let mut answer = request.call().expect("an answer");
        let headers = answer.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().expect("ASCII").to_owned()));
        Page {
            status: answer.status().as_u16(),
            headers: headers.collect(),
            text: answer.body_mut().read_to_string().expect("a text"),
        }
    }
}

impl Pages {
    /// Asks it to end, as Ctrl+C does, and returns its exit code.
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        let signal = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(signal.expect("kill runs").success());
        self.child.wait().expect("it has ended").code()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
