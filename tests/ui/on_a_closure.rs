fn main() {
    let agent = #[a2a_otel::agent_span]
    || 7;
    agent();
}
