#[a2a_otel::chain_span(name = "a", name = "b")]
fn step() {}

fn main() {
    step();
}
