#[a2a_otel::tool_span(skip(a), skip_all)]
fn tool(a: u32) {
    let _ = a;
}

fn main() {
    tool(1);
}
