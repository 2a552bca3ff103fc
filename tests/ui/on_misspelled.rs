#[a2a_otel::business_metric(counter = "calls", on = alway)]
fn agent() {}

fn main() {
    agent();
}
