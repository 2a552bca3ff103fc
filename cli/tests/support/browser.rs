//! Headless Chromium, which is steered over its standard input and output.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Chromium reads commands from file descriptor 3 and writes to 4.
const WITH_PIPES: &str = r#"exec "$@" 3<&0 4>&1 >/dev/null 2>&1 </dev/null"#;

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    commands: u64,
    session: String,
    /// What the page has reported: errors, warnings of the console, and pages that it opened.
    pub(crate) reports: Vec<String>,
    pub(crate) opened: Vec<String>,
    loaded: bool,
    _profile: TempDir,
}

impl Browser {
    /// Starts it.
    pub(crate) fn start() -> Result<Self, String> {
        let program = BROWSERS.into_iter().find(|it| runs(it)).ok_or("no Chromium on the PATH")?;
        let profile = TempDir::new().map_err(|error| error.to_string())?;
        let mut command = Command::new("bash");
        command.args(["-c", WITH_PIPES, "browser", program]);
        // Without the sandbox, which root in a container may not use; the page is our own.
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-proxy-server",
            "--hide-scrollbars",
        ]);
        command.args(["--no-first-run", "--disable-background-networking", "--disable-component-update"]);
        command.args(["--disable-sync", "--disable-popup-blocking", "--remote-debugging-pipe"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|it| it.to_string())?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut browser = Self {
            child,
            input,
            output,
            commands: 0,
            session: String::new(),
            reports: Vec::new(),
            opened: Vec::new(),
            loaded: false,
            _profile: profile,
        };
        browser.attach();
        Ok(browser)
    }

    fn attach(&mut self) {
        let target = self.send("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached =
            self.send("Target.attachToTarget", &json!({ "targetId": target["targetId"], "flatten": true }));
        attached["sessionId"].as_str().expect("a session").clone_into(&mut self.session);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            self.send(domain, &json!({}));
        }
        self.resize(1400, 1000);
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) fn open(&mut self, url: &str) {
        self.loaded = false;
        self.send("Page.navigate", &json!({ "url": url }));
        self.wait_for_load();
    }

    /// The value of an expression of JavaScript on the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.send("Runtime.evaluate", &parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer:#}");
        answer["result"]["value"].clone()
    }

    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.send("Emulation.setDeviceMetricsOverride", &size);
    }

    pub(crate) fn scheme(&mut self, scheme: &str) {
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.send("Emulation.setEmulatedMedia", &json!({ "features": feature }));
    }

    /// Whether scripts of the page may run.
    pub(crate) fn scripts(&mut self, may_run: bool) {
        self.send("Emulation.setScriptExecutionDisabled", &json!({ "value": !may_run }));
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: &str, code: u32) {
        let text = if key == "Enter" { "\r" } else { "" };
        let key = json!({ "type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
        self.send("Input.dispatchKeyEvent", &key);
    }

    /// Clicks at a place of the window.
    pub(crate) fn click(&mut self, x: f64, y: f64) {
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.send("Input.dispatchMouseEvent", &event);
        }
    }

    /// Clicks, and waits until the page to which that leads is loaded.
    pub(crate) fn click_and_load(&mut self, x: f64, y: f64) {
        self.loaded = false;
        self.click(x, y);
        self.wait_for_load();
    }

    /// Waits until a page is loaded once more.
    pub(crate) fn wait_for_load(&mut self) {
        while !self.loaded {
            self.receive();
        }
        self.loaded = false;
    }

    fn send(&mut self, method: &str, parameters: &Value) -> Value {
        self.commands += 1;
        let id = self.commands;
        let mut command = json!({ "id": id, "method": method, "params": parameters });
        if !self.session.is_empty() {
            command["sessionId"] = json!(self.session);
        }
        let input = self.input.as_mut().expect("not ended");
        write!(input, "{command}\0").and_then(|()| input.flush()).expect("Chromium reads");
        loop {
            let message = self.receive();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn receive(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.output.read_until(0, &mut bytes).expect("Chromium writes");
        assert!(bytes.pop().is_some(), "Chromium has ended");
        let message: Value = serde_json::from_slice(&bytes).expect("JSON");
        match message["method"].as_str().unwrap_or_default() {
            "Page.loadEventFired" => self.loaded = true,
            "Page.windowOpen" => {
                self.opened.push(message["params"]["url"].as_str().unwrap_or_default().to_owned());
            }
            "Log.entryAdded"
            | "Runtime.exceptionThrown"
            | "Runtime.consoleAPICalled"
            | "Page.javascriptDialogOpening" => {
                self.reports.push(message["params"].to_string());
            }
            _ => {}
        }
        message
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends when nobody can steer it any more.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

fn runs(browser: &str) -> bool {
    let mut command = Command::new(Path::new(browser));
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
