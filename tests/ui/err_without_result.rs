#[a2a_otel::tool_span(err = debug)]
fn tool() {}

#[a2a_otel::tool_span(err = dbug)]
fn other() -> Result<(), String> {
    Ok(())
}

fn main() {
    tool();
    other().unwrap();
}
