#[a2a_otel::tool_span]
fn tool(text: &str) -> usize {
    text.
}

fn main() {
    tool("x");
}
