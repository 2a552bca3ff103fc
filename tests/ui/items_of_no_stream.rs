use a2a_otel::chain_span;

#[chain_span(items = list)]
fn count() -> u32 {
    1
}

#[chain_span(items = text)]
fn texts() -> impl futures::Stream<Item = String> {
    futures::stream::empty()
}

fn main() {
    count();
    let _ = texts();
}
