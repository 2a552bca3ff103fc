#[a2a_otel::agent_span]
trait Agent {
    fn run(&self);
}

#[a2a_otel::agent_span]
impl Agent for () {
    fn run(&self) {}
}

fn main() {
    ().run();
}
