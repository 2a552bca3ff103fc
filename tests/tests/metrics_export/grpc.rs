//! Metrics over gRPC, to a tonic server.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::agent::Agent;

/// Returns the answer to a request with this number.
type Judge = dyn Fn(usize) -> Result<(), Status> + Send + Sync;

/// A receiver that lives as long as its runtime does.
struct Receiver {
    address: SocketAddr,
    orders: Arc<Mutex<Vec<i64>>>,
    keys: Arc<Mutex<Vec<String>>>,
    _runtime: tokio::runtime::Runtime,
}

struct Service {
    judge: Box<Judge>,
    requests: Mutex<usize>,
    orders: Arc<Mutex<Vec<i64>>>,
    keys: Arc<Mutex<Vec<String>>>,
}

#[tonic::async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let key = request.metadata().get("x-key").map(|key| key.to_str().unwrap().to_owned());
        self.keys.lock().unwrap().extend(key);
        let number = {
            let mut requests = self.requests.lock().unwrap();
            *requests += 1;
            *requests
        };
        (self.judge)(number)?;
        let parts = request.into_inner().resource_metrics.into_iter().flat_map(|part| part.scope_metrics);
        let orders = parts.flat_map(|scope| scope.metrics).filter(|metric| metric.name == "shop.orders");
        for metric in orders {
            let Some(Data::Sum(sum)) = metric.data else { panic!("a sum") };
            let Some(Value::AsInt(orders)) = sum.data_points[0].value else { panic!("a whole number") };
            self.orders.lock().unwrap().push(orders);
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

impl Receiver {
    fn start(judge: impl Fn(usize) -> Result<(), Status> + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (orders, keys) = (Arc::default(), Arc::default());
        let service = Service {
            judge: Box::new(judge),
            requests: Mutex::default(),
            orders: Arc::clone(&orders),
            keys: Arc::clone(&keys),
        };
        let service = MetricsServiceServer::new(service).accept_compressed(CompressionEncoding::Gzip);
        let server =
            Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener));
        runtime.spawn(server);
        Receiver { address, orders, keys, _runtime: runtime }
    }

    fn agent(&self, arguments: &[&str]) -> Agent {
        Agent::new(arguments)
            .with("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &format!("http://{}", self.address))
            .with("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc")
    }
}

#[test]
fn metrics_arrive_with_the_headers() {
    let receiver = Receiver::start(|_| Ok(()));
    let agent = receiver.agent(&["rounds=4"]).with("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-key=secret");
    let report = agent.run();
    report.assert_balanced();
    assert_eq!(report.generated, report.delivered, "{report:?}");
    report.assert_said(&[]);
    assert_eq!(*receiver.orders.lock().unwrap(), [4]);
    assert_eq!(*receiver.keys.lock().unwrap(), ["secret"]);
}

#[test]
fn a_receiver_of_everything_gets_metrics_over_grpc_too() {
    let receiver = Receiver::start(|_| Ok(()));
    let agent = Agent::new(&["rounds=4"]).with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let report = agent.with("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{}", receiver.address)).run();
    assert_eq!(report.generated, report.delivered, "{report:?}");
    assert_eq!(*receiver.orders.lock().unwrap(), [4]);
}

#[test]
fn a_server_that_is_unavailable_is_waited_for() {
    let receiver =
        Receiver::start(|number| if number < 3 { Err(Status::unavailable("busy")) } else { Ok(()) });
    let report = receiver.agent(&["rounds=4"]).run();
    assert_eq!(report.generated, report.delivered, "{report:?}");
    report.assert_said(&["cannot send metrics to http", "metrics reach"]);
    assert_eq!(*receiver.orders.lock().unwrap(), [4]);
}

#[test]
fn a_server_without_metrics_is_told_of_once() {
    let receiver = Receiver::start(|_| Err(Status::unimplemented("no metrics here")));
    let report = receiver.agent(&["flush=true"]).run();
    report.assert_balanced();
    // Later figures replace those that wait.
    assert_eq!(report.dropped["refused by the receiver"] + report.replaced, report.generated, "{report:?}");
    report.assert_said(&[
        "gRPC status Unimplemented; check OTEL_EXPORTER_OTLP_METRICS_ENDPOINT.",
        "were refused until the end and are lost",
    ]);
}
