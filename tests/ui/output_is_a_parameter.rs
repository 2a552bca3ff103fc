#[a2a_otel::tool_span(fields("c" = output))]
fn double(output: u32) -> u32 {
    output * 2
}

fn main() {
    double(1);
}
