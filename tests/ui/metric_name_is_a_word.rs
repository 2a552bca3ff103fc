#[a2a_otel::business_metric(counter = calls)]
fn agent() {}

fn main() {
    agent();
}
