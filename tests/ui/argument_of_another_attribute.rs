#[a2a_otel::chain_span(provider = "openai")]
fn step() {}

fn main() {
    step();
}
