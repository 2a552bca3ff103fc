//! The protocols' SDKs. They sit on top of everything else, and nothing imports them.

#[cfg(feature = "a2a")]
pub mod a2a;
#[cfg(feature = "http")]
mod health;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "mcp")]
pub mod mcp;
