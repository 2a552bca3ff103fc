#[a2a_otel::business_metric(counter = "calls", attributes(kind = 1, kind = 2, "" = 3))]
fn tool() {}

fn main() {
    tool();
}
