//! A result that cannot be read from a recording.

#[derive(Debug)]
struct Handle;

#[a2a_otel::tool_span(replay)]
fn open(name: &str) -> Result<Handle, String> {
    Err(name.to_owned())
}

#[a2a_otel::tool_span(replay, skip_all)]
fn hidden(name: &str) -> usize {
    name.len()
}

#[a2a_otel::llm_call(replay)]
fn stream() -> futures::stream::BoxStream<'static, Handle> {
    Box::pin(futures::stream::empty())
}

#[a2a_otel::llm_call(replay)]
fn opaque() -> impl Iterator<Item = impl ToString> {
    [1, 2].into_iter()
}

#[a2a_otel::chain_span(replay)]
fn chain() {}

fn main() {}
