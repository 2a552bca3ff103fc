//! Metrics for Prometheus, which scrapes them: a writer for both of its text formats, and a listener for programs that
//! have no HTTP server.
//!
//! The writer is our own, because the crate `opentelemetry-prometheus` has neither OpenMetrics nor exemplars, and skips
//! exponential histograms.

mod buckets;
mod connections;
mod format;
mod labels;
mod listener;
mod numbers;
mod request;
mod scraper;
mod writer;

pub(crate) use self::listener::{Listener, start_or_report};
#[cfg(feature = "http")]
pub(crate) use self::scraper::Asked;
pub(crate) use self::scraper::{LONGEST_SCRAPE, Scraper, Visit};
