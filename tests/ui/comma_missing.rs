#[a2a_otel::agent_span(name = "agent" version = "1")]
fn agent() {}

fn main() {
    agent();
}
