#[a2a_otel::tool_span(skip("password", user))]
fn tool(password: &str, user: &str) {
    let _ = (password, user);
}

fn main() {
    tool("x", "y");
}
