#[chain_span(name = format!("step {number}"))]
#[expect(clippy::needless_pass_by_value)]
fn step<T>(number: u32, #[cfg(feature = "memory")] memory: Memory<T>) -> impl Iterator<Item = T> {
    plan(number)
}

// becomes

#[allow(clippy::needless_pass_by_value)]
fn step<T>(
    number: u32,
    #[cfg(feature = "memory")]
    memory: Memory<T>,
) -> impl Iterator<Item = T> {
    let scope = {
        let mut opening = ::a2a_otel::__private::Span::open(
            &::a2a_otel::__private::Site {
                name: "step",
                kind: "CHAIN",
                opentelemetry: ::a2a_otel::__private::SpanKind::Internal,
                fixed: &[],
                name_keys: &[],
                room: 7usize,
            },
        );
        if ::a2a_otel::__private::Opening::is_seen(&opening) {
            ::a2a_otel::__private::Opening::name(
                &mut opening,
                ::a2a_otel::__private::Capture::new(&(format!("step {number}")))
                    .a2a_otel_text(),
            );
            ::a2a_otel::__private::Opening::arguments(
                &mut opening,
                &[
                    (
                        "number",
                        ::a2a_otel::__private::Capture::new(&number).a2a_otel_value(),
                    ),
                    #[cfg(feature = "memory")]
                    (
                        "memory",
                        ::a2a_otel::__private::Capture::new(&memory).a2a_otel_value(),
                    ),
                ],
            );
        }
        ::a2a_otel::__private::Opening::start(&mut opening)
    };
    let (scope, result) = ::a2a_otel::__private::sync::<
        _,
        _,
    >(scope, move || { plan(number) });
    let mut ending = ::a2a_otel::__private::returned(scope);
    if ::a2a_otel::__private::Ending::is_seen(&ending) {
        match ::a2a_otel::__private::Split::new(&result).a2a_otel_result() {
            ::a2a_otel::__private::Ok(value) => {
                ::a2a_otel::__private::Ending::ok(&mut ending);
                ::a2a_otel::__private::Ending::output(
                    &mut ending,
                    ::a2a_otel::__private::Capture::new(value).a2a_otel_value(),
                );
            }
            ::a2a_otel::__private::Err(value) => {
                ::a2a_otel::__private::Ending::err(
                    &mut ending,
                    ::a2a_otel::__private::Failure::new(value).a2a_otel_failure(),
                    false,
                )
            }
        }
    }
    result
}
