#[a2a_otel::tool_span(redact(a), input = b)]
fn chosen(a: u32, b: u32) {
    let _ = (a, b);
}

#[a2a_otel::llm_call(redact(a), request = b)]
fn read(a: u32, b: u32) {
    let _ = (a, b);
}

#[a2a_otel::tool_span(skip(a), redact(a, pasword))]
fn skipped(a: u32, password: &str) {
    let _ = (a, password);
}

#[a2a_otel::tool_span(skip_all, redact(a))]
fn silent(a: u32) {
    let _ = a;
}

fn main() {
    chosen(1, 2);
    read(1, 2);
    skipped(1, "x");
    silent(1);
}
