#[a2a_otel::business_metric(gauge = "stock")]
#[a2a_otel::business_metric(histogram = "size", unit = "By")]
fn stock() {}

fn main() {
    stock();
}
