#[a2a_otel::agent_span(name = format!("{output}"), input = output.len())]
fn agent() -> String {
    String::new()
}

fn main() {
    agent();
}
