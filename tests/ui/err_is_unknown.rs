#[a2a_otel::tool_span(err = pretty)]
fn tool() -> Result<(), String> {
    Ok(())
}

fn main() {
    let _ = tool();
}
