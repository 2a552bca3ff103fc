#[a2a_otel::business_metric(counter = "orders", gauge = "orders.open", value = 1)]
fn order() {}

fn main() {
    order();
}
