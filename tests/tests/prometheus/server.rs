//! Metrics as a service of an HTTP server.

use a2a_otel::http::metrics;
use a2a_otel::opentelemetry::global;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response};
use tower_service::Service as _;

use crate::{in_own_process, quiet};

async fn ask(router: &mut Router, method: Method, accept: &str) -> (Response<()>, String) {
    let request = Request::builder().method(method).uri("/metrics").header("accept", accept);
    let answer = router.call(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    (Response::from_parts(head, ()), String::from_utf8(body.to_vec()).expect("UTF-8"))
}

#[test]
fn a_router_serves_metrics() {
    if in_own_process("server::a_router_serves_metrics", &[]).is_some() {
        return;
    }
    // One thread, which a scrape that blocks would hold up.
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut router = Router::new().route_service("/metrics", metrics());
        let (answer, text) = ask(&mut router, Method::GET, "*/*").await;
        assert_eq!((answer.status().as_u16(), text.contains("a2a_otel::init()")), (503, true));
        let telemetry = quiet().init().expect("a plain environment");
        global::meter("shop").u64_counter("orders").build().add(2, &[]);
        let (answer, text) = ask(&mut router, Method::GET, "*/*").await;
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        assert_eq!(answer.status().as_u16(), 200);
        assert!(text.contains("orders_total{service_name=\"shop\"} 2\n"), "{text}");
        let (answer, text) = ask(&mut router, Method::GET, "application/openmetrics-text").await;
        let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(answer.headers()["content-type"], open_metrics);
        assert!(text.ends_with("# EOF\n"), "{text}");
        // An HTTP server leaves out the body.
        assert_eq!(ask(&mut router, Method::HEAD, "*/*").await.0.status().as_u16(), 200);
        let (answer, _) = ask(&mut router, Method::DELETE, "*/*").await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["allow"]),
            (405, &"GET, HEAD".parse().unwrap())
        );
        drop(telemetry);
        assert_eq!(ask(&mut router, Method::GET, "*/*").await.0.status().as_u16(), 503);
    });
}
