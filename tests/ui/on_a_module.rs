#[a2a_otel::agent_span]
mod agents {}

#[a2a_otel::agent_span]
enum Agents {}

#[a2a_otel::tool_span]
const AGENTS: u32 = 7;

fn main() {
    
}
