//! Signals in the form of OTLP: encoded once, gathered into requests, and shortened where a request would be too long.

mod encode;
mod request;
mod sanitise;
mod spans;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use self::request::SpanRequest;
#[cfg(feature = "otlp-grpc")]
pub(crate) use self::spans::EXPORT_METHOD;
pub(crate) use self::spans::OtlpSpans;
