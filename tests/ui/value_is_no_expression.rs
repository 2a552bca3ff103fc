#[a2a_otel::agent_span(name = if)]
fn agent() {}

fn main() {
    agent();
}
