#[a2a_otel::tool_span(tool = "a", fields("tool.name" = "b", "x" = 1, x = 2))]
fn tool() {}

fn main() {
    tool();
}
