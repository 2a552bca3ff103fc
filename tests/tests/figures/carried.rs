//! Whether requests carry their callers' traces, whatever a server makes of that.

use a2a_client::A2AClientFactory;
use a2a_otel::a2a::TracedHandler;
use a2a_otel::propagation::InboundPolicy;
use a2a_otel::semconv::GenAiVersion;
use a2a_otel_tests::parrot::{Binding, Parrot, connect, request, serve, unobserved};

use crate::counted_once::{mcp_scene, run};
use crate::world::{EACH, recorded, sum};

const METRIC: &str = "a2a_otel.server.requests";

#[test]
fn a_policy_does_not_change_whether_a_request_carries_a_trace() {
    for policy in [InboundPolicy::Continue, InboundPolicy::Restart, InboundPolicy::Drop] {
        for sampled in EACH {
            let scene = || {
                run(async {
                    let handler = TracedHandler::new(unobserved(Parrot::default())).policy(policy);
                    let card = serve(Binding::JsonRpc, handler).await;
                    let traced = connect(&card).await;
                    for _ in 0..3 {
                        traced.send_message(&request("hello")).await.expect("an answer");
                    }
                    let plain = A2AClientFactory::builder().build();
                    let plain = plain.create_from_card(&card).await.expect("a client");
                    plain.send_message(&request("hello")).await.expect("an answer");
                });
            };
            let metrics = recorded(sampled, GenAiVersion::V1_41, scene);
            let of = |origin: &str| {
                let labels = [("a2a_otel.protocol", "a2a"), ("otel.span.parent.origin", origin)];
                sum(&metrics, METRIC, &labels)
            };
            assert_eq!((of("remote"), of("none")), (3.0, 1.0), "{policy:?} {metrics}");
        }
    }
}

#[test]
fn requests_over_mcp_carry_their_traces_in_their_parameters() {
    for sampled in EACH {
        let metrics = recorded(sampled, GenAiVersion::V1_41, mcp_scene);
        let of = |labels: &[(&str, &str)]| sum(&metrics, METRIC, labels);
        let all = of(&[("a2a_otel.protocol", "mcp")]);
        assert!(all > 5.0, "{metrics}");
        assert_eq!(of(&[("otel.span.parent.origin", "remote")]), all, "{metrics}");
    }
}
