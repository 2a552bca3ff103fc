use a2a_otel::chain_span;

#[allow(non_camel_case_types)]
struct bool;

#[chain_span]
fn find(exact: bool) {
    drop(exact);
}

fn main() {
    find(bool);
}
