#[a2a_otel::business_metric(counter = "calls", on = "ok")]
fn agent() {}

fn main() {
    agent();
}
