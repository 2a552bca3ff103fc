#[a2a_otel::mcp_tool(colour = "red")]
fn tool() {}

fn main() {
    tool();
}
