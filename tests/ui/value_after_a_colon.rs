#[a2a_otel::agent_span(name: "agent")]
fn agent() {}

fn main() {
    agent();
}
