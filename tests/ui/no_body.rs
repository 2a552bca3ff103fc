trait Agent {
    #[a2a_otel::agent_span]
    fn run(&self);
}

fn main() {}
