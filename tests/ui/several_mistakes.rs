#[a2a_otel::agent_span(name = "", nam = "b", skip(pasword), skip_all = true, err)]
fn agent(password: &str) {
    let _ = password;
}

fn main() {
    agent("x");
}
