#[a2a_otel::tool_span(fields["a" = 1])]
fn tool() {}

fn main() {
    tool();
}
