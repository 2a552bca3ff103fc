#[a2a_otel::agent_span(name = "")]
fn agent() {}

#[a2a_otel::tool_span(tool = "  ", fields("" = 1))]
fn tool() {}


fn main() {
    agent();
    tool();
}
