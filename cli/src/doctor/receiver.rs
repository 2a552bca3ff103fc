//! Checks of a receiver, step by step: its name, the connection, TLS, its answer, its clock.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use a2a_otel::pipeline::{Data, Probe, Target, Trouble, TroubleKind};
use a2a_otel::settings::Explanation;

use super::advice::{Asked, Secrets, advice};
use super::check::{Check, Section, Status};

/// A difference that disturbs the order of spans of different machines, in seconds. The header says whole seconds.
const CLOCK_DIFFERENCE: f64 = 5.0;

/// The names of checks of one receiver.
#[derive(Debug)]
pub(super) struct Ids {
    section: &'static str,
    /// What is sent, in the plural.
    pub(super) items: &'static str,
    name: &'static str,
    connection: &'static str,
    tls: &'static str,
    answer: &'static str,
    clock: &'static str,
    pub(super) delivery: &'static str,
}

macro_rules! ids {
    ($section:literal, $items:literal) => {
        Ids {
            section: $section,
            items: $items,
            name: concat!($section, ".name"),
            connection: concat!($section, ".connection"),
            tls: concat!($section, ".tls"),
            answer: concat!($section, ".answer"),
            clock: concat!($section, ".clock"),
            delivery: concat!($section, ".delivery"),
        }
    };
}

static SPANS: Ids = ids!("spans", "spans");
static METRICS: Ids = ids!("metrics", "metrics");
static LOGS: Ids = ids!("logs", "log records");

/// A receiver that was examined.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) data: Data,
    pub(super) ids: &'static Ids,
    pub(super) section: Section,
    secrets: Secrets,
}

impl Reached {
    /// Returns a text of the receiver without the secrets that it may repeat.
    pub(super) fn masked(&self, text: &str) -> String {
        self.secrets.masked(text)
    }

    /// Whether it answers as it should, so that something can be sent.
    pub(super) fn is_well(&self) -> bool {
        let is_answer = |check: &&Check| check.id == self.ids.answer;
        self.section.checks.iter().find(is_answer).is_some_and(|check| check.status == Status::Ok)
    }
}

/// Examines a receiver.
pub(super) fn examine(
    target: &Target,
    explanation: &Explanation,
    is_asked_for: bool,
    timeout: Duration,
) -> Reached {
    let ids = match target.data() {
        Data::Metrics => &METRICS,
        Data::Logs => &LOGS,
        _ => &SPANS,
    };
    let asked = Asked::new(target, explanation);
    let examination = Examination { target, ids, asked, is_asked_for, timeout };
    let title =
        format!("{} to {}, {}", capitalised(ids.items), target.endpoint(), examination.asked.protocol());
    let section = Section { id: ids.section, title, checks: examination.checks() };
    Reached { data: target.data(), ids, section, secrets: examination.asked.secrets }
}

struct Examination<'a> {
    target: &'a Target,
    ids: &'static Ids,
    asked: Asked<'a>,
    is_asked_for: bool,
    timeout: Duration,
}

impl Examination<'_> {
    fn checks(&self) -> Vec<Check> {
        let (host, port) = self.peer();
        let addresses = match resolve(&host, port, self.timeout) {
            Ok(addresses) => addresses,
            Err(error) => return vec![self.unresolved(&host, &error)],
        };
        let mut checks = vec![self.resolved(&host, &addresses)];
        match connect(&addresses, self.timeout) {
            Ok((address, elapsed)) => checks.push(Check::ok(
                self.ids.connection,
                format!("{address} accepts connections ({})", rounded(elapsed)),
            )),
            Err(error) => {
                checks.push(self.unconnected(&host, port, &error));
                return checks;
            }
        }
        let probe = self.target.probe(self.timeout);
        checks.extend(self.tls(&probe));
        checks.push(self.answer(&probe));
        checks.extend(self.clock(&probe));
        checks
    }

    /// Where the connection goes: to the proxy, if there is one.
    fn peer(&self) -> (String, u16) {
        let endpoint = self.target.endpoint();
        let host = endpoint.host_name().trim_matches(['[', ']']);
        self.target.proxy().unwrap_or_else(|| (host.to_owned(), endpoint.port()))
    }

    fn resolved(&self, host: &str, addresses: &[SocketAddr]) -> Check {
        let mut found: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        found.dedup();
        let what = if found == [host] {
            format!("{host} is an address")
        } else {
            format!("{host} is {}", found.join(", "))
        };
        let through = if self.target.proxy().is_some() { "through the proxy: " } else { "" };
        Check::ok(self.ids.name, format!("{through}{what}"))
    }

    fn unresolved(&self, host: &str, error: &io::Error) -> Check {
        Check::failed(
            self.ids.name,
            format!("the host {host} is not known: {error}"),
            self.asked.about_the_name(),
        )
    }

    fn unconnected(&self, host: &str, port: u16, error: &io::Error) -> Check {
        let reason = match error.kind() {
            io::ErrorKind::ConnectionRefused => format!("nothing listens at port {port} of {host}"),
            io::ErrorKind::TimedOut => {
                format!("{host} does not answer at port {port} within {}", rounded(self.timeout))
            }
            _ => format!("no connection to port {port} of {host}: {error}"),
        };
        Check::failed(self.ids.connection, reason, self.asked.about_the_connection(error.kind()))
    }

    fn tls(&self, probe: &Probe) -> Option<Check> {
        if !self.target.endpoint().is_tls() {
            return None;
        }
        Some(match &probe.trouble {
            Some(Trouble { kind: TroubleKind::Tls, cause, .. }) => {
                Check::failed(self.ids.tls, self.asked.masked(cause), self.asked.about_tls(cause))
            }
            // The connection was accepted, so it ended while it was being secured.
            Some(Trouble { kind: TroubleKind::NoConnection, cause, .. }) => Check::failed(
                self.ids.tls,
                format!("the receiver does not secure the connection: {}", self.asked.masked(cause)),
                self.asked.about_no_tls(),
            ),
            Some(Trouble { kind: TroubleKind::Timeout, .. }) => Check::skipped(
                self.ids.tls,
                "not known, because there is no answer",
                "correct what failed, and run this again",
            ),
            _ => Check::ok(self.ids.tls, "the connection is secured, and the certificate is trusted"),
        })
    }

    /// Whether TLS is the trouble, which is a check of its own.
    fn is_insecure(&self, trouble: &Trouble) -> bool {
        let is_tls = self.target.endpoint().is_tls();
        trouble.kind == TroubleKind::Tls || (is_tls && trouble.kind == TroubleKind::NoConnection)
    }

    fn answer(&self, probe: &Probe) -> Check {
        let id = self.ids.answer;
        let took = rounded(probe.elapsed);
        let trouble = match &probe.trouble {
            None => return Check::ok(id, format!("it accepts {} ({took})", self.ids.items)),
            // An empty request has nothing that it could find wrong, so it reads requests of this form.
            Some(Trouble { kind: TroubleKind::Unacceptable, .. }) => {
                return Check::ok(id, format!("it reads requests, and refuses an empty one ({took})"));
            }
            Some(trouble) if self.is_insecure(trouble) => {
                return Check::skipped(
                    id,
                    "not tried, because the connection is not secured",
                    "correct what failed, and run this again",
                );
            }
            Some(trouble) => trouble,
        };
        let mut reason = match trouble.kind {
            TroubleKind::Timeout => format!("there is no answer within {}", rounded(self.timeout)),
            _ => self.asked.masked(&trouble.cause),
        };
        if let Some(target) = &probe.redirected_to {
            reason = format!("{reason}, to {}", self.asked.masked(target));
        }
        let todo = advice(trouble.kind, &self.asked);
        // Metrics are offered to a receiver that was named for everything, and need not be accepted.
        let is_only_offered = !self.is_asked_for && trouble.kind == TroubleKind::UnknownPath;
        if is_only_offered { Check::warning(id, reason, todo) } else { Check::failed(id, reason, todo) }
    }

    fn clock(&self, probe: &Probe) -> Option<Check> {
        let id = self.ids.clock;
        let Some(ahead) = probe.clock_ahead else {
            let is_answered = probe.trouble.is_none();
            return is_answered.then(|| {
                Check::skipped(
                    id,
                    "its answer does not say what time it has",
                    "nothing, if both clocks are right",
                )
            });
        };
        // How long the answer took is a part of what is not known.
        let is_different = ahead.abs() > CLOCK_DIFFERENCE + probe.elapsed.as_secs_f64();
        if !is_different {
            return Some(Check::ok(id, "its clock and this one agree, within seconds"));
        }
        let direction = if ahead > 0.0 { "ahead of" } else { "behind" };
        Some(Check::warning(
            id,
            format!("its clock is {} {direction} this one", spoken(ahead.abs())),
            "let NTP set both clocks: spans of different machines would be in the wrong order, and outside of the time \
             that Phoenix shows",
        ))
    }
}

/// Looks a name up. The system's function has no time limit, so another thread calls it.
fn resolve(host: &str, port: u16, timeout: Duration) -> io::Result<Vec<SocketAddr>> {
    let (found, wait) = mpsc::channel();
    let name = host.to_owned();
    thread::spawn(move || found.send((name.as_str(), port).to_socket_addrs().map(Iterator::collect)));
    let too_late =
        |_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {}", rounded(timeout)));
    let addresses: Vec<SocketAddr> = wait.recv_timeout(timeout).map_err(too_late)??;
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it has no addresses"));
    }
    Ok(addresses)
}

/// Connects to the first address that accepts it.
fn connect(addresses: &[SocketAddr], timeout: Duration) -> io::Result<(SocketAddr, Duration)> {
    let start = Instant::now();
    let mut outcome = Err(io::Error::from(io::ErrorKind::TimedOut));
    for address in addresses {
        let left = timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, left) {
            Ok(_) => return Ok((*address, start.elapsed())),
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A time as people say it.
pub(super) fn rounded(time: Duration) -> String {
    match time.as_millis() {
        0 => "< 1 ms".to_owned(),
        millis @ ..1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

fn spoken(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        seconds if seconds < 172_800.0 => format!("{:.1} h", seconds / 3600.0),
        seconds => format!("{:.0} days", seconds / 86_400.0),
    }
}
