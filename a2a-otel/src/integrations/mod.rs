//! The integrations with the protocols' SDKs. They are on top, and nothing imports them.

#[cfg(feature = "a2a")]
pub mod a2a;
#[cfg(any(feature = "a2a", feature = "mcp"))]
mod asked;
#[cfg(feature = "http")]
mod health;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "mcp")]
pub mod mcp;
#[cfg(any(feature = "a2a", feature = "mcp"))]
mod requests;
#[cfg(all(feature = "http", feature = "metrics"))]
mod scrape;
