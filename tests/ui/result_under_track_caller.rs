#[a2a_otel::tool_span(output = output + 1, err = debug)]
#[track_caller]
fn tool() -> u32 {
    7
}

#[a2a_otel::business_metric(counter = "calls")]
#[track_caller]
fn counted() -> u32 {
    7
}

fn main() {
    tool();
    counted();
}
