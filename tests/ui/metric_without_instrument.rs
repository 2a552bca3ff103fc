#[a2a_otel::business_metric(unit = "{order}")]
fn order() {}

fn main() {
    order();
}
