#[a2a_otel::tool_span(skip(pasword, token))]
fn tool(password: &str) {
    let _ = password;
}

fn main() {
    tool("x");
}
