//! The customers of a run: what they ask for, and which outcome is expected.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use a2a_otel::{business_metric, chain_span};
use futures::future::{join_all, select_all};
use tracing::info;
use uuid::Uuid;

use crate::peer::{Peer, PeerError};
use crate::story;

/// How many customers are served at the same time.
const AT_A_TIME: usize = 4;

/// The variable with the number of seconds after which a customer comes again, and what it is if it is not set: a dozen
/// customers then make about ten spans a second, which Phoenix can store on a busy machine too.
const PAUSE: &str = "MARKETPLACE_PAUSE";
const DEFAULT_PAUSE: Duration = Duration::from_secs(20);

/// The pause is not a time.
#[derive(Debug, thiserror::Error)]
#[error("{PAUSE} is `{0}`, which is no time; set it to a number of seconds, such as 20")]
pub struct PauseError(String);

/// Why a customer gets no answer.
#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    /// The marketplace failed.
    #[error(transparent)]
    Unserved(#[from] PeerError),
    /// The customer cancelled the request.
    #[error("the customer withdrew the request after {0:?}")]
    Withdrawn(Duration),
}

/// The expected outcome of a visit.
enum Expected {
    /// An answer that contains this text.
    Answer(&'static str),
    /// A failure whose message contains this text.
    Failure(&'static str),
    /// The customer cancels the request after this time.
    Withdrawal(Duration),
}

struct Wish {
    text: &'static str,
    expected: Expected,
}

use Expected::{Answer, Failure, Withdrawal};

/// The requests of a run. Each group of [`AT_A_TIME`] requests is served at the same time.
const WISHES: [Wish; 12] = [
    Wish { text: "Find me a lamp under 60 euros.", expected: Answer("P-") },
    Wish { text: "Buy 1 of P-0101.", expected: Answer("Sold 1") },
    Wish { text: "Compare backpacks and clocks.", expected: Answer("clock") },
    Wish { text: "It is rush hour: find me headphones.", expected: Answer("headphones") },
    Wish { text: "Is P-9999 in stock?", expected: Answer("P-9999") },
    Wish { text: "Buy 2 of P-0012.", expected: Answer("Sold 2") },
    Wish { text: "Find a chair under 150 euros and say whether it is in stock.", expected: Answer("P-") },
    Wish {
        text: "No hurry: find me the rarest mug of all.",
        expected: Withdrawal(Duration::from_millis(2500)),
    },
    Wish { text: "Buy 1 of P-0035.", expected: Answer("P-0035") },
    Wish { text: "Sell me reservation 12-BANANA.", expected: Failure("12-BANANA") },
    Wish { text: "Is P-0007 in stock?", expected: Answer("P-0007") },
    Wish { text: "Send me the sales report.", expected: Answer("orders") },
];

/// Serves every customer of a run, prints a line about each, and returns whether each visit ended as expected.
///
/// # Errors
///
/// When no coordinator answers at `url`.
pub async fn serve_all(url: &str, run: &str) -> Result<bool, PeerError> {
    let coordinator = Peer::connect(url).await?;
    let mut as_expected = true;
    for (group, wishes) in WISHES.chunks(AT_A_TIME).enumerate() {
        let visits = wishes.iter().zip(group * AT_A_TIME + 1..);
        let ends = join_all(visits.map(|(wish, number)| wish.serve(&coordinator, number, run))).await;
        as_expected &= ends.iter().all(End::is_expected);
        for end in ends {
            story::say(&end.in_short(story::width()));
        }
    }
    Ok(as_expected)
}

/// How long each customer waits after a visit, as the environment says.
///
/// # Errors
///
/// When the variable has no number of seconds.
pub(crate) fn pause() -> Result<Duration, PauseError> {
    match std::env::var(PAUSE) {
        Ok(text) if !text.is_empty() => seconds(&text).ok_or(PauseError(text)),
        _ => Ok(DEFAULT_PAUSE),
    }
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// Serves every customer again and again, each independently of the others, whatever comes of it. At first, they come one
/// after another, so that they are spread over the pause.
pub(crate) async fn come(coordinator: Peer, pause: Duration) -> Infallible {
    let apart = pause / u32::try_from(WISHES.len()).unwrap_or(u32::MAX);
    let starts = (0..).map(|before| apart * before);
    let customers = WISHES.iter().zip(1..).zip(starts);
    let visits =
        customers.map(|((wish, number), start)| wish.serve_again(&coordinator, number, start, pause));
    let (never, ..) = select_all(visits.map(Box::pin)).await;
    never
}

/// How a visit ended.
struct End<'a> {
    number: usize,
    session: String,
    wish: &'a Wish,
    result: Result<String, VisitError>,
}

impl End<'_> {
    fn is_expected(&self) -> bool {
        self.wish.expected.matches(&self.result)
    }

    /// One line: who wished for what, and what came of it.
    fn in_short(&self, width: usize) -> String {
        const WISH: usize = 38;
        let mark = if self.is_expected() { "" } else { "UNEXPECTED: " };
        let what = match &self.result {
            Ok(answer) => self.wish.expected.line_of(answer).to_owned(),
            Err(error) => format!("no answer: {}", reason(&error.to_string())),
        };
        let wish = story::cut(self.wish.text, WISH);
        story::cut_line(&format!("{:>3}  {wish:<WISH$}  ", self.number), &format!("{mark}{what}"), width)
    }
}

impl fmt::Display for End<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.is_expected() { "as expected" } else { "UNEXPECTED" };
        writeln!(formatter, "{} [{mark}] {}", self.session, self.wish.text)?;
        match &self.result {
            Ok(answer) => {
                answer.lines().try_for_each(|line| writeln!(formatter, "    {}", story::harmless(line)))
            }
            Err(error) => writeln!(formatter, "    no answer: {}", story::harmless(&error.to_string())),
        }
    }
}

impl Wish {
    async fn serve(&self, coordinator: &Peer, number: usize, run: &str) -> End<'_> {
        let session = session(number, run);
        let result = visit(coordinator, &session, self).await;
        End { number, session, wish: self, result }
    }

    async fn serve_again(
        &self,
        coordinator: &Peer,
        number: usize,
        start: Duration,
        pause: Duration,
    ) -> Infallible {
        tokio::time::sleep(start).await;
        loop {
            story::say(&self.serve(coordinator, number, &new_run()).await);
            tokio::time::sleep(pause).await;
        }
    }

    fn patience(&self) -> Duration {
        match self.expected {
            Withdrawal(patience) => patience,
            Answer(_) | Failure(_) => Duration::MAX,
        }
    }
}

impl Expected {
    /// The line of an answer that was waited for.
    fn line_of<'a>(&self, answer: &'a str) -> &'a str {
        let part = if let Answer(part) = self { part } else { "" };
        answer.lines().find(|line| line.contains(part)).unwrap_or(answer)
    }

    fn matches(&self, end: &Result<String, VisitError>) -> bool {
        match (self, end) {
            (Answer(part), Ok(text)) => text.contains(part),
            (Failure(part), Err(VisitError::Unserved(error))) => error.to_string().contains(part),
            (Withdrawal(_), Err(VisitError::Withdrawn(_))) => true,
            _ => false,
        }
    }
}

/// Why the last agent in the chain failed, without those that pass the error on.
fn reason(error: &str) -> &str {
    error.rsplit(" failed: ").next().unwrap_or(error)
}

/// The session of a customer.
#[must_use]
pub fn session(number: usize, run: &str) -> String {
    format!("customer-{number:02}-{run}")
}

/// Part of the names of sessions, by which runs are told apart.
#[must_use]
pub fn new_run() -> String {
    Uuid::new_v4().simple().to_string()[..8].to_owned()
}

/// One customer's visit. Its span is the root of everything that happens for this customer.
#[chain_span(name = "customer request", session = session, input = wish.text)]
#[business_metric(
    counter = "marketplace.customer.requests",
    unit = "{request}",
    on = always,
    outcome,
    attributes(withdrawn = matches!(output, Err(VisitError::Withdrawn(_))))
)]
#[business_metric(histogram = "marketplace.customer.duration", unit = "s", on = always, outcome)]
async fn visit(coordinator: &Peer, session: &str, wish: &Wish) -> Result<String, VisitError> {
    let result = ask(coordinator, session, wish).await;
    let (score, verdict) =
        if wish.expected.matches(&result) { (1.0, "as expected") } else { (0.0, "unexpected") };
    a2a_otel::current().score("outcome", score, verdict, None);
    result
}

async fn ask(coordinator: &Peer, session: &str, wish: &Wish) -> Result<String, VisitError> {
    let patience = wish.patience();
    match tokio::time::timeout(patience, coordinator.ask(session, wish.text)).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => {
            let stopped = coordinator.cancel(session).await?;
            info!(session, stopped, "the customer went away");
            Err(VisitError::Withdrawn(patience))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_does_not_control_the_terminal() {
        let session = session(1, "run");
        let wish = &WISHES[0];
        for result in [Ok("P-1\u{1b}[2J\nP-2\u{202e}".to_owned()), Err(VisitError::Withdrawn(Duration::ZERO))]
        {
            let end = End { number: 1, session: session.clone(), wish, result };
            for text in [end.to_string(), end.in_short(100)] {
                let text = text.replace('\n', "");
                assert_eq!(text, story::harmless(&text));
            }
        }
        let end = End { number: 1, session, wish, result: Ok("P-1\u{1b}[2J\nP-2\u{202e}".to_owned()) };
        assert!(end.to_string().ends_with("\n    P-1 [2J\n    P-2 \n"), "{end}");
        assert!(end.in_short(100).ends_with("  P-1 [2J"), "{}", end.in_short(100));
    }

    #[test]
    fn a_pause_is_a_number_of_seconds() {
        assert_eq!(seconds(" 0.5 "), Some(Duration::from_millis(500)));
        for text in ["", "often", "20s", "-1", "nan", "inf", "1e300"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
