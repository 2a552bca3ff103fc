#[a2a_otel::llm_call(request = output, model = output.model)]
fn complete(request: String) -> String {
    request
}

fn main() {
    complete(String::new());
}
