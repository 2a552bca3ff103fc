#[retriever_span(documents = output)]
fn search(query: &str, limit: usize) -> impl Future<Output = Vec<Document>> {
    async move { index(query, limit).await }
}

// becomes

fn search(query: &str, limit: usize) -> impl Future<Output = Vec<Document>> {
    let scope = ::a2a_otel::__private::Span::open(
        &::a2a_otel::__private::Site {
            name: "search",
            kind: "RETRIEVER",
            opentelemetry: ::a2a_otel::__private::SpanKind::Internal,
            fixed: &[],
            name_keys: &[],
            room: 8usize,
        },
        &mut |opening| {
            ::a2a_otel::__private::Opening::arguments(
                opening,
                &[
                    (
                        "query",
                        ::a2a_otel::__private::Capture::new(&query).a2a_otel_value(),
                    ),
                    (
                        "limit",
                        ::a2a_otel::__private::Capture::new(&limit).a2a_otel_value(),
                    ),
                ],
            );
        },
    );
    let (scope, result) = ::a2a_otel::__private::sync(
        scope,
        move || { async move { index(query, limit).await } },
    );
    ::a2a_otel::__private::watched(
        scope,
        result,
        move |scope, result: Vec<Document>| {
            let mut ending = ::a2a_otel::__private::returned(scope);
            if ::a2a_otel::__private::Ending::is_seen(&ending) {
                match ::a2a_otel::__private::Split::new(&result)
                    .a2a_otel_told()
                    .a2a_otel_outcome()
                {
                    ::a2a_otel::__private::Ok(value) => {
                        ::a2a_otel::__private::Ending::ok(&mut ending);
                        ::a2a_otel::__private::Ending::output(
                            &mut ending,
                            ::a2a_otel::__private::Capture::new(value).a2a_otel_value(),
                        );
                        {
                            let output = value;
                            ::a2a_otel::__private::Ending::documents(
                                &mut ending,
                                &[
                                    (
                                        "retrieval.documents",
                                        ::a2a_otel::__private::Capture::new(&(output))
                                            .a2a_otel_asked(),
                                    ),
                                ],
                            );
                        }
                    }
                    ::a2a_otel::__private::Err(value) => {
                        ::a2a_otel::__private::Ending::err(&mut ending, value, false)
                    }
                }
            }
            result
        },
    )
}
