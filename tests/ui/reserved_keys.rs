#[a2a_otel::tool_span(fields(
    "openinference.span.kind" = "AGENT",
    "input.value" = "x",
    "session.id" = "s",
    "exception.type" = "x",
    otel.name = "x",
))]
fn tool() {}

fn main() {
    tool();
}
