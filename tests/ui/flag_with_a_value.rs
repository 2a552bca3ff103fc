#[a2a_otel::tool_span(skip_all = true)]
fn tool() {}

fn main() {
    tool();
}
