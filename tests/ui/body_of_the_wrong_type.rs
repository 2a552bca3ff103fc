#[a2a_otel::tool_span]
fn tool() -> u32 {
    "seven"
}

#[a2a_otel::tool_span]
async fn later(fails: bool) -> u32 {
    if fails {
        return 'x';
    }
    "seven"
}

fn main() {
    tool();
    let _ = later(true);
}
