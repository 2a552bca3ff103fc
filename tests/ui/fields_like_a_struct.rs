#[a2a_otel::tool_span(fields(a: 1, "b" = 2, c))]
fn tool() {}

fn main() {
    tool();
}
