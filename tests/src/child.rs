//! Runs tests that look at what is global in processes of their own.

use std::process::{Command, Output};

/// The variable that tells a process which test it is for.
const CHILD: &str = "A2A_OTEL_TEST_CHILD";

/// What a process has printed.
#[derive(Debug)]
pub struct Printed {
    /// On standard output.
    pub stdout: String,
    /// On standard error.
    pub stderr: String,
}

/// Whether this process is the one of a test.
#[must_use]
pub fn is_child(test: &str) -> bool {
    std::env::var(CHILD).is_ok_and(|child| child == test)
}

/// Runs a test in a process of its own with these variables, and returns what that printed on standard error. `None`
/// means that this is the process.
///
/// # Panics
///
/// If the test fails there.
#[must_use]
#[track_caller]
pub fn in_own_process(test: &str, variables: &[(&str, &str)]) -> Option<String> {
    Some(printed_in_own_process(test, variables)?.stderr)
}

/// Like [`in_own_process`], with both outputs.
///
/// # Panics
///
/// If the test fails there.
#[must_use]
#[track_caller]
pub fn printed_in_own_process(test: &str, variables: &[(&str, &str)]) -> Option<Printed> {
    if is_child(test) {
        return None;
    }
    let mut child = Command::new(std::env::current_exe().expect("a running program has a path"));
    child.args(["--exact", test, "--nocapture"]).env(CHILD, test).envs(variables.iter().copied());
    let Output { status, stdout, stderr } = child.output().expect("a test can run itself");
    let printed = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let Printed { stdout, stderr } = Printed { stdout: printed(stdout), stderr: printed(stderr) };
    assert!(status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
    Some(Printed { stdout, stderr })
}

/// The lines that the library has printed.
#[must_use]
pub fn messages(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.starts_with("a2a-otel: ")).collect()
}
