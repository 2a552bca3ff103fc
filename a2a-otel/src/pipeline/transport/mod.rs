//! Sends requests to a receiver, and interprets its answers. A transport knows only bytes, and nothing about signals.

mod answer;
mod backoff;
#[cfg(feature = "otlp-grpc")]
mod grpc;
#[cfg(feature = "otlp")]
mod http;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "otlp")]
mod secrets;
#[cfg(feature = "otlp")]
mod sight;
#[cfg(feature = "otlp")]
mod tls;

pub(crate) use self::answer::Answer;
#[cfg(feature = "otlp")]
pub(crate) use self::answer::Hints;
#[cfg(feature = "otlp")]
pub(crate) use self::answer::PHOENIX;
pub(crate) use self::backoff::Backoff;
#[cfg(feature = "otlp-grpc")]
pub(crate) use self::grpc::Grpc;
#[cfg(all(feature = "evaluation", feature = "otlp"))]
pub(crate) use self::http::unanswered;
#[cfg(feature = "otlp")]
pub(crate) use self::http::{Http, agent, header_map, proxy_of};
#[cfg(all(feature = "evaluation", feature = "otlp"))]
pub(crate) use self::otlp::retry_after;
#[cfg(all(feature = "evaluation", feature = "otlp"))]
pub(crate) use self::secrets::Secrets;
#[cfg(feature = "otlp")]
pub(crate) use self::sight::Sight;
#[cfg(feature = "otlp")]
pub use self::sight::TroubleKind;
#[cfg(feature = "otlp")]
pub(crate) use self::tls::Credentials;
