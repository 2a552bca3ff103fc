#[a2a_otel::tool_span(fields("search.limit" = limt))]
fn search(limit: u32) -> u32 {
    limit
}

fn main() {
    search(1);
}
