#[a2a_otel::tool_span(crate = ::nowhere)]
fn tool() {}

fn main() {
    tool();
}
