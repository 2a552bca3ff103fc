//! What can be seen of a receiver with one request, for people who look for a fault.

use std::time::SystemTime;

/// The advice if a name is not known.
pub(super) const CHECK_NAME: &str = "check the endpoint";

/// The advice if the receiver does not answer with TLS.
pub(super) const NO_TLS: &str =
    "the receiver does not use TLS there; check the endpoint, which begins with https";

/// The advice if what answers without TLS makes no sense as HTTP, or closes the connection.
pub(super) const MAYBE_OTHER: &str = "if that is a port for gRPC, such as 4317, set OTEL_EXPORTER_OTLP_PROTOCOL=grpc; if \
                                      the receiver uses TLS, the endpoint has to begin with https";

/// The advice if what answers without TLS makes no sense as gRPC.
#[cfg(feature = "otlp-grpc")]
pub(super) const MAYBE_TLS: &str = "if the receiver uses TLS, the endpoint has to begin with https";

/// The advice if a secured connection is closed: a receiver without TLS may do so at the first message.
pub(super) const MAYBE_NO_TLS: &str =
    "if the receiver does not use TLS, the endpoint has to begin with http://";

/// Whether an error of the system says that a name is not known. It has no kind of its own.
pub(super) fn is_unresolved(error: &str) -> bool {
    error.contains("failed to lookup address information")
}

/// Whether an error of TLS says that the other side has sent something else. It has no kind of its own everywhere.
pub(super) fn is_no_tls(error: &str) -> bool {
    ["InvalidContentType", "InvalidMessage", "corrupt message"].iter().any(|text| error.contains(text))
}

/// What is wrong with a receiver, or with the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TroubleKind {
    /// No connection could be made, or it was closed.
    NoConnection,
    /// The connection could not be secured, or the files of the certificates cannot be used.
    Tls,
    /// There was no answer in time.
    Timeout,
    /// The credentials are missing, wrong, or not sufficient.
    Unauthorised,
    /// The receiver does not know the path or the method.
    UnknownPath,
    /// The receiver sends the client to another address.
    Redirect,
    /// What answers does not speak OTLP in this form.
    OtherProtocol,
    /// The receiver is overloaded, or not ready.
    Unavailable,
    /// The receiver cannot read the request.
    Unacceptable,
    /// The receiver has failed.
    ServerError,
    /// The receiver refuses for another reason.
    Refused,
}

/// What was seen of a receiver.
#[derive(Debug)]
pub(crate) struct Sight {
    /// What is wrong, and the cause.
    pub(crate) trouble: Option<(TroubleKind, String)>,
    /// The receiver's clock.
    pub(crate) date: Option<SystemTime>,
    /// Where the receiver sends the client.
    pub(crate) location: Option<String>,
}

impl Sight {
    pub(crate) fn failed(kind: TroubleKind, cause: String) -> Self {
        Sight { trouble: Some((kind, cause)), date: None, location: None }
    }
}
