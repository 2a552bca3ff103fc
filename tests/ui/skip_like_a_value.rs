#[a2a_otel::tool_span(skip = password)]
fn tool(password: &str) {
    let _ = password;
}

fn main() {
    tool("x");
}
