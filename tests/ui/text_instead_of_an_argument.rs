#[a2a_otel::agent_span("product-agent")]
fn agent() {}

fn main() {
    agent();
}
