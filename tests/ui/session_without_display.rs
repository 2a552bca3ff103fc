#[derive(Debug)]
struct Session;

#[a2a_otel::agent_span(session = session)]
fn agent(session: &Session) {
    let _ = session;
}

fn main() {
    agent(&Session);
}
