#[a2a_otel::business_metric(histogram = "agent.duration", unit = 5)]
fn agent() {}

fn main() {
    agent();
}
