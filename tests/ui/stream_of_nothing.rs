#[a2a_otel::chain_span(stream)]
fn nothing() {}

#[a2a_otel::chain_span(stream)]
fn number() -> u32 {
    7
}

fn main() {
    nothing();
    number();
}
