#[a2a_otel::agent_span(name)]
fn agent() {}

fn main() {
    agent();
}
