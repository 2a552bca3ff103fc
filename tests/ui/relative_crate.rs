#[a2a_otel::tool_span(crate = a2a_otel)]
fn tool() {}

fn main() {
    tool();
}
