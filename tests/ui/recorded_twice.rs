#[a2a_otel::tool_span(tool = "find", fields("a" = 1, "a" = 2, "tool.name" = "x", "input.value" = "y"))]
fn find(text: &str) -> usize {
    text.len()
}

fn main() {
    find("x");
}
