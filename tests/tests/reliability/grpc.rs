//! Tests sending over gRPC, to a tonic server and to Phoenix.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use a2a_otel_tests::phoenix::Phoenix;
use a2a_otel_tests::services::require;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::agent::{Agent, Report};

/// Returns the answer to a request with this many spans.
type Judge = dyn Fn(usize) -> Result<(), Status> + Send + Sync;

/// A receiver that lives as long as its runtime does.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    spans: Arc<Mutex<HashSet<Vec<u8>>>>,
    keys: Arc<Mutex<HashSet<String>>>,
    /// What requests with a good end are answered.
    answer: Arc<Mutex<ExportTraceServiceResponse>>,
    _runtime: tokio::runtime::Runtime,
}

struct Service {
    judge: Box<Judge>,
    spans: Arc<Mutex<HashSet<Vec<u8>>>>,
    keys: Arc<Mutex<HashSet<String>>>,
    answer: Arc<Mutex<ExportTraceServiceResponse>>,
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let key = request.metadata().get("authorization").map(|key| key.to_str().unwrap().to_owned());
        self.keys.lock().unwrap().extend(key);
        let parts = request.into_inner().resource_spans.into_iter().flat_map(|part| part.scope_spans);
        let ids: Vec<_> = parts.flat_map(|scope| scope.spans).map(|span| span.span_id).collect();
        (self.judge)(ids.len())?;
        self.spans.lock().unwrap().extend(ids);
        Ok(Response::new(self.answer.lock().unwrap().clone()))
    }
}

impl Receiver {
    pub(crate) fn start(judge: impl Fn(usize) -> Result<(), Status> + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (spans, keys, answer) = (Arc::default(), Arc::default(), Arc::default());
        let service = Service {
            judge: Box::new(judge),
            spans: Arc::clone(&spans),
            keys: Arc::clone(&keys),
            answer: Arc::clone(&answer),
        };
        let service = TraceServiceServer::new(service).accept_compressed(CompressionEncoding::Gzip);
        let server =
            Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener));
        runtime.spawn(server);
        Receiver { address, spans, keys, answer, _runtime: runtime }
    }

    fn agent(&self, arguments: &[&str]) -> Agent {
        over_grpc(&format!("http://{}", self.address), arguments)
    }

    pub(crate) fn assert_delivered(&self, report: &Report, spans: u64) {
        report.assert_balanced(spans);
        assert_eq!(report.delivered, spans, "{report:?}");
        assert_eq!(self.spans.lock().unwrap().len() as u64, spans);
    }
}

pub(crate) fn over_grpc(endpoint: &str, arguments: &[&str]) -> Agent {
    Agent::new(endpoint, arguments).with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
}

#[test]
fn spans_arrive_with_the_headers() {
    let receiver = Receiver::start(|_| Ok(()));
    let report = receiver.agent(&["spans=2000"]).with("PHOENIX_API_KEY", "secret").run();
    receiver.assert_delivered(&report, 2000);
    report.assert_said(&[]);
    assert_eq!(*receiver.keys.lock().unwrap(), HashSet::from(["Bearer secret".to_owned()]));
}

#[test]
fn a_partial_success_is_counted_and_told_once() {
    let receiver = Receiver::start(|_| Ok(()));
    let partial = ExportTracePartialSuccess { rejected_spans: 2, error_message: "no room".to_owned() };
    receiver.answer.lock().unwrap().partial_success = Some(partial);
    let report = receiver.agent(&["spans=10"]).run();
    report.assert_balanced(10);
    assert_eq!((report.delivered, report.dropped["rejected by the receiver"]), (8, 2), "{report:?}");
    report.assert_said(&["rejected 2 spans of a batch: no room."]);
}

#[test]
fn no_message_is_larger_than_a_server_takes() {
    let receiver = Receiver::start(|_| Ok(()));
    let report = receiver.agent(&["spans=200", "bytes=100000"]).run();
    receiver.assert_delivered(&report, 200);
    report.assert_said(&[]);
    let report = receiver
        .agent(&["spans=1", "bytes=6000000"])
        .with("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "10000000")
        .run();
    assert_eq!(report.delivered, 1, "{report:?}");
    report.assert_said(&["1 spans for"]);
}

#[test]
fn messages_that_are_too_large_are_halved() {
    let too_large = || Status::resource_exhausted("message too large");
    let receiver = Receiver::start(move |spans| if spans > 100 { Err(too_large()) } else { Ok(()) });
    let report = receiver.agent(&["spans=1000"]).run();
    receiver.assert_delivered(&report, 1000);
    report.assert_said(&[]);
}

#[test]
fn a_server_that_is_unavailable_is_waited_for() {
    let answers = Mutex::new(3);
    let receiver = Receiver::start(move |_| {
        let mut left = answers.lock().unwrap();
        *left -= i32::from(*left > 0);
        if *left > 0 { Err(Status::unavailable("busy")) } else { Ok(()) }
    });
    let report = receiver.agent(&["spans=1000"]).run();
    receiver.assert_delivered(&report, 1000);
    report.assert_said(&["gRPC status Unavailable: busy. The agent continues", "spans reach"]);
}

#[test]
fn a_server_that_says_when_is_asked_again_then() {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let receiver = Receiver::start(move |spans| {
        let mut seen = seen.lock().unwrap();
        seen.push((spans, Instant::now()));
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(2)));
        let busy = Status::with_error_details(Code::ResourceExhausted, "busy", details);
        if seen.len() == 1 { Err(busy) } else { Ok(()) }
    });
    let report = receiver.agent(&["spans=100"]).run();
    receiver.assert_delivered(&report, 100);
    let [(first, then), (second, now)] = requests.lock().unwrap()[..] else { panic!("two requests") };
    assert_eq!((first, second), (100, 100), "nothing is halved");
    assert!(now - then >= Duration::from_secs(2));
}

#[test]
fn a_server_that_hangs_does_not_keep_the_agent() {
    let receiver = Receiver::start(|_| {
        thread::sleep(Duration::from_secs(600));
        Ok(())
    });
    let report = receiver.agent(&["spans=10", "timeout=2"]).run();
    report.assert_balanced(10);
    assert_eq!(report.dropped["not sent in time"], 10, "{report:?}");
    // The runtime's threads sleep, and nothing waits for them.
    std::mem::forget(receiver);
}

#[test]
fn a_wrong_key_and_an_absent_server_are_named() {
    let receiver = Receiver::start(|_| Err(Status::unauthenticated("Bearer secret is wrong")));
    let report = receiver.agent(&["spans=10"]).with("PHOENIX_API_KEY", "secret").run();
    assert_eq!(report.dropped["refused by the receiver"], 10, "{report:?}");
    report.assert_said(&[
        "gRPC status Unauthenticated; check PHOENIX_API_KEY. The agent continues",
        "were refused until the end and are lost",
    ]);
    let report = over_grpc("http://127.0.0.1:1", &["spans=10"]).run();
    assert_eq!(report.dropped["not sent in time"], 10, "{report:?}");
    report.assert_said(&[
        "connection refused; is Phoenix running? The agent continues",
        "were not sent in time",
    ]);
}

#[test]
fn a_port_for_grpc_names_the_protocol() {
    let receiver = Receiver::start(|_| Ok(()));
    let report = Agent::new(&format!("http://{}", receiver.address), &["spans=10", "timeout=2"]).run();
    report.assert_balanced(10);
    report.assert_said(&["OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "were not sent in time"]);
}

#[test]
fn phoenix_takes_spans_over_grpc() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let project = phoenix.project("grpc");
    let report = over_grpc(phoenix.grpc_url(), &["spans=20"]).with("PHOENIX_PROJECT", project.name()).run();
    report.assert_balanced(20);
    assert_eq!(report.delivered, 20, "{report:?}");
    let spans = project.wait_for_spans(|spans| spans.len() == 20);
    assert!(spans.iter().all(|span| span.name == "work"));
}
