#[a2a_otel::business_metric(histogram = "a", buckets = [1, 0.5], unit = "s")]
#[a2a_otel::business_metric(histogram = "b", buckets = [1, 1], unit = "s")]
#[a2a_otel::business_metric(histogram = "c", buckets = [1e400], unit = "s")]
#[a2a_otel::business_metric(counter = "d", buckets = [1])]
#[a2a_otel::business_metric(histogram = "e", buckets = output, unit = "s")]
fn tool() -> [f64; 2] {
    [1.0, 2.0]
}

fn main() {
    tool();
}
