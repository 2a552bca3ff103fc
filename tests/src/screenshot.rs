//! Takes a screenshot of a page with headless Chromium.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::services::{Service, unique, workshop};

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The time on the page's virtual clock, which runs faster while nothing is loading. It is long enough for all
/// animations.
const PAGE_TIME: Duration = Duration::from_secs(25);

/// The limit in real time.
const PATIENCE: Duration = Duration::from_secs(120);

/// Writes a PNG of the page at `url`.
///
/// # Errors
///
/// If there is no Chromium, or it fails; see [`require`](crate::services::require).
pub fn screenshot(url: &str, png: &Path) -> Result<(), String> {
    let browser = browser()?;
    discard_old(png)?;
    let profile = workshop()?.join(unique("chromium-profile"));
    let taken = Service::start("chromium", &photograph(browser, &profile, url, png))
        .and_then(|chromium| chromium.finish(PATIENCE));
    // Failing to delete the profile is not an error.
    let _ = fs::remove_dir_all(&profile);
    taken?;
    if png.is_file() { Ok(()) } else { Err(format!("{browser} has not written {}", png.display())) }
}

/// Removes the screenshot of an earlier run, so that it is not mistaken for a new one.
fn discard_old(png: &Path) -> Result<(), String> {
    match fs::remove_file(png) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("{}: {error}", png.display())),
        _ => Ok(()),
    }
}

fn browser() -> Result<&'static str, String> {
    BROWSERS.into_iter().find(|browser| runs(browser)).ok_or_else(|| "no Chromium on the PATH".to_owned())
}

fn runs(browser: &str) -> bool {
    let mut command = Command::new(browser);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn photograph(browser: &str, profile: &Path, url: &str, png: &Path) -> Command {
    let mut command = Command::new(browser);
    command
        // Without the sandbox, which root in a container may not use; the page is our own.
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-proxy-server"])
        .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--hide-scrollbars", "--window-size=1500,950"])
        // Otherwise, the screenshot may show a panel that is still sliding in.
        .arg("--force-prefers-reduced-motion")
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--virtual-time-budget={}", PAGE_TIME.as_millis()))
        .arg(format!("--screenshot={}", png.display()))
        .arg(url);
    command
}
