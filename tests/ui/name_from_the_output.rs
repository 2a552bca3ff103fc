#[a2a_otel::a2a_call(peer = output, session = format!("{output}"))]
fn ask() -> String {
    String::new()
}

fn main() {
    ask();
}
