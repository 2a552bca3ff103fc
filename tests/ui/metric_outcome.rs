#[a2a_otel::business_metric(counter = "a", outcome)]
#[a2a_otel::business_metric(counter = "b", on = err, outcome)]
#[a2a_otel::business_metric(counter = "c", on = always, outcome, attributes(outcome = "sold"))]
#[a2a_otel::business_metric(counter = "d", on = always, outcome = "sold")]
fn sell() -> Result<(), String> {
    Ok(())
}

fn main() {
    let _ = sell();
}
