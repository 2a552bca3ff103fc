//! Sends requests over gRPC, on a separate runtime that lives in the thread that sends.

use std::error::Error;
use std::time::{Duration, SystemTime};

use http::uri::PathAndQuery;
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tokio::runtime::Runtime;
use tonic::client::Grpc as Client;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint as Server};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use super::answer::{Answer, Hints};
use super::http::header_map;
use super::otlp::{accepted, beginning};
use super::secrets::Secrets;
use super::sight::{CHECK_NAME, MAYBE_TLS, NO_TLS, Sight, TroubleKind, is_no_tls, is_unresolved};
use super::tls::Credentials;
use crate::settings::{Compression, Endpoint, Settings, Tls};

/// A client for one method of one server.
#[derive(Debug)]
pub(crate) struct Grpc {
    runtime: Runtime,
    endpoint: Endpoint,
    server: Server,
    tls: Tls,
    compression: Compression,
    /// Replaced after each failed connection, so that the next one reads the certificates again.
    client: Option<Client<Channel>>,
    /// The path of the method.
    method: PathAndQuery,
    metadata: MetadataMap,
    secrets: Secrets,
    hints: &'static Hints,
}

impl Grpc {
    /// # Errors
    ///
    /// If the address cannot be used, or no runtime can be started.
    pub(crate) fn new(
        settings: &Settings,
        endpoint: &Endpoint,
        method: &'static str,
        hints: &'static Hints,
    ) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let server = Server::from_shared(endpoint.as_str().to_owned()).map_err(|error| error.to_string())?;
        Ok(Grpc {
            runtime,
            endpoint: endpoint.clone(),
            server,
            tls: settings.tls.clone(),
            compression: settings.compression,
            client: None,
            method: PathAndQuery::from_static(method),
            metadata: MetadataMap::from_headers(header_map(settings)),
            secrets: Secrets::of(settings, endpoint),
            hints,
        })
    }

    /// # Errors
    ///
    /// If the certificates cannot be used.
    fn connect(&self) -> Result<Client<Channel>, String> {
        let mut server = self.server.clone();
        if let Some(credentials) = Credentials::read(&self.endpoint, &self.tls)? {
            server = server.tls_config(credentials.for_grpc()).map_err(|error| reason(&error))?;
        }
        // A lazy channel needs the runtime that it will be used in.
        let _within = self.runtime.enter();
        let client = Client::new(server.connect_lazy());
        Ok(match self.compression {
            Compression::Gzip => client.send_compressed(CompressionEncoding::Gzip),
            Compression::None => client,
        })
    }

    /// Calls the method once, and returns all that can be seen of the receiver.
    pub(crate) fn look(&self, body: Vec<u8>, patience: Duration) -> Sight {
        let mut request = Request::new(body);
        *request.metadata_mut() = self.metadata.clone();
        let mut client = match self.connect() {
            Ok(client) => client,
            Err(cause) => return Sight::failed(TroubleKind::Tls, cause),
        };
        let method = self.method.clone();
        let export = async {
            if let Err(error) = client.ready().await {
                return Err((kind_without_connection(&error), reason(&error)));
            }
            let answer = client.unary(request, method, Raw).await;
            answer.map_err(|status| (kind_of(&status), cause_of(&status, self.hints, &self.secrets)))
        };
        let answer = self.runtime.block_on(async { tokio::time::timeout(patience, export).await });
        match answer {
            Ok(Ok(answer)) => Sight { trouble: None, date: date(answer.metadata()), location: None },
            Ok(Err((kind, cause))) => Sight::failed(kind, self.secrets.masked(&cause)),
            Err(_) => Sight::failed(TroubleKind::Timeout, format!("no answer within {patience:?}")),
        }
    }

    /// Calls the method.
    pub(crate) fn send(&mut self, body: Vec<u8>, patience: Duration) -> Answer {
        let answer = self.call(body, patience);
        answer.told(|text| self.secrets.masked(text))
    }

    fn call(&mut self, body: Vec<u8>, patience: Duration) -> Answer {
        let mut request = Request::new(body);
        *request.metadata_mut() = self.metadata.clone();
        let mut client = match self.client.take().map_or_else(|| self.connect(), Ok) {
            Ok(client) => client,
            Err(cause) => return Answer::Later { cause, after: None },
        };
        let method = self.method.clone();
        let export = async {
            client.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
            client.unary(request, method, Raw).await
        };
        let export = async { tokio::time::timeout(patience, export).await };
        match self.runtime.block_on(export) {
            Ok(Ok(answer)) => {
                self.client = Some(client);
                accepted(&answer.into_inner(), "application/grpc+protobuf", &self.secrets)
            }
            Ok(Err(status)) => {
                self.client = Some(client).filter(|_| leaves_connection(&status));
                of_status(&status, self.hints, &self.secrets)
            }
            Err(_) => Answer::Later { cause: format!("no answer within {patience:?}"), after: None },
        }
    }
}

/// Returns the server's clock, which most servers do not send.
fn date(metadata: &MetadataMap) -> Option<SystemTime> {
    httpdate::parse_http_date(metadata.get("date")?.to_str().ok()?).ok()
}

/// Returns what is wrong, for people.
fn kind_of(status: &Status) -> TroubleKind {
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => TroubleKind::Unauthorised,
        Code::Unimplemented | Code::NotFound => TroubleKind::UnknownPath,
        Code::InvalidArgument | Code::FailedPrecondition => TroubleKind::Unacceptable,
        Code::DeadlineExceeded => TroubleKind::Timeout,
        // With a source, the server has not said so: there was no answer that gRPC allows.
        Code::Unavailable if Error::source(status).is_some() => kind_without_connection(status),
        Code::Internal | Code::Unknown if Error::source(status).is_some() => TroubleKind::OtherProtocol,
        Code::Unavailable | Code::ResourceExhausted => TroubleKind::Unavailable,
        Code::Internal | Code::Unknown => TroubleKind::ServerError,
        _ => TroubleKind::Refused,
    }
}

/// Returns the cause, for people. With a source, the status is the client's own, and says nothing.
fn cause_of(status: &Status, hints: &Hints, secrets: &Secrets) -> String {
    match status.message() {
        _ if Error::source(status).is_none() => describe(status, hints, secrets),
        "transport error" => advised(&reason(status), status),
        message => advised(&beginning(message.as_bytes(), secrets), status),
    }
}

/// Returns why there is no connection. An error of TLS is inside one of the system's, which does not name it as its source.
fn kind_without_connection(error: &(dyn Error + 'static)) -> TroubleKind {
    let mut next = Some(error);
    while let Some(error) = next {
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        let is_tls = wrapped.is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>);
        if is_tls || error.is::<rustls::Error>() {
            return TroubleKind::Tls;
        }
        next = error.source();
    }
    TroubleKind::NoConnection
}

/// Returns the meaning of a status.
///
/// Source: <https://opentelemetry.io/docs/specs/otlp/#failures>. In addition, internal errors of the server are
/// retried, as over HTTP.
fn of_status(status: &Status, hints: &Hints, secrets: &Secrets) -> Answer {
    use Code::{
        Aborted, Cancelled, DataLoss, DeadlineExceeded, FailedPrecondition, Internal, InvalidArgument,
        NotFound, OutOfRange, ResourceExhausted, Unavailable, Unimplemented, Unknown,
    };
    let cause = describe(status, hints, secrets);
    let retry_info = status.get_details_retry_info();
    let after = retry_info.as_ref().and_then(|retry_info| retry_info.retry_delay);
    match status.code() {
        Unavailable | Unknown if is_refused(status) || is_unresolved(&reason(status)) => {
            Answer::Absent { cause }
        }
        Unavailable | Cancelled | DeadlineExceeded | Aborted | OutOfRange | DataLoss => {
            Answer::Later { cause, after }
        }
        ResourceExhausted if retry_info.is_some() => Answer::Later { cause, after },
        // Without `RetryInfo`, this means that the message is too large.
        ResourceExhausted => Answer::TooLarge { cause },
        InvalidArgument | FailedPrecondition => Answer::Unacceptable { cause },
        Internal | Unknown => Answer::Broken { cause },
        Unimplemented | NotFound => Answer::Unknown { cause },
        _ => Answer::Refused { cause },
    }
}

fn is_refused(status: &Status) -> bool {
    let mut source = Error::source(status);
    while let Some(error) = source {
        let error_kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if error_kind == Some(std::io::ErrorKind::ConnectionRefused) {
            return true;
        }
        source = error.source();
    }
    status.message().contains("refused")
}

fn describe(status: &Status, hints: &Hints, secrets: &Secrets) -> String {
    match status.code() {
        // The message is left out because it may contain the API key.
        code @ (Code::Unauthenticated | Code::PermissionDenied) => {
            format!("gRPC status {code:?}; {}", hints.unauthorised)
        }
        code @ (Code::Unimplemented | Code::NotFound) => format!("gRPC status {code:?}; {}", hints.unknown),
        Code::Unavailable if is_refused(status) => format!("connection refused; {}", hints.absent),
        _ if Error::source(status).is_some() => advised(&reason(status), status),
        code if status.message().is_empty() => format!("gRPC status {code:?}"),
        code => format!("gRPC status {code:?}: {}", beginning(status.message().as_bytes(), secrets)),
    }
}

/// Adds the advice for a connection that cannot be made.
fn advised(cause: &str, status: &Status) -> String {
    let reason = reason(status);
    if is_unresolved(&reason) {
        return format!("{cause}; {CHECK_NAME}");
    }
    if is_no_tls(&reason) {
        return format!("{cause}; {NO_TLS}");
    }
    // The other side's greeting is no frame of HTTP/2, or it has closed the connection because of ours.
    if is_no_http2(status) { format!("{cause}; {MAYBE_TLS}") } else { cause.to_owned() }
}

fn is_no_http2(status: &Status) -> bool {
    let mut source = Error::source(status);
    while let Some(error) = source {
        let text = error.to_string();
        if ["http2 error", "stream closed"].iter().any(|part| text.contains(part)) {
            return true;
        }
        source = error.source();
    }
    false
}

/// Returns the innermost cause; the errors around it only say that there is a cause.
fn reason(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// A codec that passes on encoded requests and answers unchanged.
#[derive(Clone, Copy, Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Raw
    }

    fn decoder(&mut self) -> Self {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// Whether the connection still works. With any other code than this one, the server has answered.
fn leaves_connection(status: &Status) -> bool {
    status.code() != Code::Unavailable
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::time::UNIX_EPOCH;

    use tonic::metadata::MetadataValue;

    use super::super::answer::PHOENIX;
    use super::*;

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    fn untrusted() -> rustls::Error {
        rustls::Error::HandshakeNotComplete
    }

    /// What the client says if an error keeps it from getting an answer.
    fn caused(code: Code, message: &str, error: impl Error + Send + Sync + 'static) -> Status {
        let mut status = Status::new(code, message);
        status.set_source(Arc::new(error));
        status
    }

    fn unsent(error: impl Error + Send + Sync + 'static) -> Status {
        caused(Code::Unavailable, "transport error", error)
    }

    #[test]
    fn a_server_that_has_answered_keeps_its_connection() {
        assert!(
            leaves_connection(&said(Code::Internal)) && leaves_connection(&said(Code::ResourceExhausted))
        );
        assert!(!leaves_connection(&unsent(refused())));
    }

    fn said(code: Code) -> Status {
        Status::new(code, "")
    }

    #[test]
    fn a_status_says_what_is_wrong() {
        for (status, kind) in [
            (said(Code::Unauthenticated), TroubleKind::Unauthorised),
            (said(Code::PermissionDenied), TroubleKind::Unauthorised),
            (said(Code::Unimplemented), TroubleKind::UnknownPath),
            (said(Code::NotFound), TroubleKind::UnknownPath),
            (said(Code::InvalidArgument), TroubleKind::Unacceptable),
            (said(Code::FailedPrecondition), TroubleKind::Unacceptable),
            (said(Code::DeadlineExceeded), TroubleKind::Timeout),
            (said(Code::Unavailable), TroubleKind::Unavailable),
            (said(Code::ResourceExhausted), TroubleKind::Unavailable),
            (said(Code::Internal), TroubleKind::ServerError),
            (said(Code::Unknown), TroubleKind::ServerError),
            (said(Code::Cancelled), TroubleKind::Refused),
            (unsent(refused()), TroubleKind::NoConnection),
            (unsent(untrusted()), TroubleKind::Tls),
            (unsent(io::Error::other(untrusted())), TroubleKind::Tls),
            (caused(Code::Internal, "", io::Error::other("a frame")), TroubleKind::OtherProtocol),
            (caused(Code::Unknown, "", io::Error::other("a frame")), TroubleKind::OtherProtocol),
        ] {
            assert_eq!(kind_of(&status), kind, "{status:?}");
        }
    }

    #[test]
    fn a_status_says_what_to_do_next() {
        for (status, expected) in [
            (said(Code::ResourceExhausted), "TooLarge"),
            (said(Code::InvalidArgument), "Unacceptable"),
            (said(Code::FailedPrecondition), "Unacceptable"),
            (said(Code::Internal), "Broken"),
            (said(Code::Unknown), "Broken"),
            (said(Code::Unimplemented), "Unknown"),
            (said(Code::NotFound), "Unknown"),
            (said(Code::Unauthenticated), "Refused"),
            (said(Code::Unavailable), "Later"),
            (unsent(refused()), "Absent"),
            (unsent(io::Error::other("a broken pipe")), "Later"),
        ] {
            let answer = format!("{:?}", of_status(&status, &PHOENIX, &Secrets::default()));
            assert_eq!(answer.split_whitespace().next(), Some(expected), "{status:?}");
        }
    }

    #[test]
    fn people_are_told_the_cause_and_what_to_check() {
        for (status, expected) in [
            (said(Code::Internal), "gRPC status Internal".to_owned()),
            (Status::new(Code::Internal, "disk full"), "gRPC status Internal: disk full".to_owned()),
            (unsent(io::Error::other("a broken pipe")), "a broken pipe".to_owned()),
            (caused(Code::Unknown, "no answer", io::Error::other("a frame")), "no answer".to_owned()),
            (
                unsent(io::Error::other("failed to lookup address information")),
                format!("failed to lookup address information; {CHECK_NAME}"),
            ),
            (unsent(io::Error::other("corrupt message")), format!("corrupt message; {NO_TLS}")),
            (unsent(io::Error::other("http2 error")), format!("http2 error; {MAYBE_TLS}")),
        ] {
            assert_eq!(cause_of(&status, &PHOENIX, &Secrets::default()), expected, "{status:?}");
        }
    }

    #[test]
    fn the_clock_of_a_server_is_in_its_metadata() {
        let mut metadata = MetadataMap::new();
        assert_eq!(date(&metadata), None);
        metadata.insert("date", MetadataValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(date(&metadata), Some(UNIX_EPOCH + Duration::from_secs(784_111_777)));
    }
}
