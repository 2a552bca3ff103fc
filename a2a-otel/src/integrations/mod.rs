//! The protocols' SDKs. They sit on top of everything else, and nothing imports them.

#[cfg(feature = "http")]
pub mod http;
