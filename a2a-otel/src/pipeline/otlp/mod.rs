//! Signals in OTLP: items are encoded once, packed into requests, and shortened if a request would be too long.

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
