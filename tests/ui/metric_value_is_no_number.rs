#[a2a_otel::business_metric(counter = "orders", value = "three")]
fn order() {}

fn main() {
    order();
}
