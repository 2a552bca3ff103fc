#[a2a_otel::tool_span(err = debug)]
fn count() -> u32 {
    1
}

#[a2a_otel::business_metric(counter = "failures", on = err)]
fn name() -> String {
    String::new()
}

fn main() {
    count();
    name();
}
