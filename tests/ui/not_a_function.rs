#[a2a_otel::tool_span]
struct Tool;

#[a2a_otel::agent_span]
trait Agent {}

fn main() {
    let _ = Tool;
}
