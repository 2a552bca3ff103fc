//! Spans over OTLP, and annotations beside them: encoded once, sent in batches, and sent again until the receiver has
//! them.

mod annotations;
mod answer;
mod backoff;
mod batch;
mod encode;
#[cfg(feature = "otlp-grpc")]
mod grpc;
mod http;
mod keeper;
mod sender;
mod tls;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use self::annotations::annotator;
#[cfg(feature = "otlp-grpc")]
pub(crate) use self::grpc::Grpc;
pub(crate) use self::http::{Http, agent, header_map};
pub(crate) use self::keeper::Keeper;
pub(crate) use self::sender::{Packer, Sender, Storage, Transport};
pub(crate) use self::tls::Credentials;
