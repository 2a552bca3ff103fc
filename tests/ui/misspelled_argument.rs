#[a2a_otel::agent_span(nmae = "product-agent")]
fn agent() {}

fn main() {
    agent();
}
