struct Opaque;

#[a2a_otel::tool_span(skip(opaque), fields("opaque" = opaque))]
fn field(opaque: Opaque) {
    let _ = opaque;
}

#[a2a_otel::tool_span(input = opaque)]
fn input(opaque: &Opaque) {
    let _ = opaque;
}

#[a2a_otel::tool_span(output = output)]
fn output() -> Opaque {
    Opaque
}

#[a2a_otel::tool_span(fields("generic" = value))]
fn generic<T>(value: T) -> T {
    value
}

fn main() {
    field(Opaque);
    input(&Opaque);
    output();
    generic(1);
}
