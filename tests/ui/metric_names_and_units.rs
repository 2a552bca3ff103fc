#[a2a_otel::business_metric(counter = "1orders")]
#[a2a_otel::business_metric(counter = "orders placed")]
#[a2a_otel::business_metric(histogram = "order.duration", unit = "seconds")]
#[a2a_otel::business_metric(histogram = "order.size", unit = "{item}")]
#[a2a_otel::business_metric(gauge = "orders.open")]
#[a2a_otel::business_metric(counter = "orders", on = err)]
fn order() {}

fn main() {
    order();
}
