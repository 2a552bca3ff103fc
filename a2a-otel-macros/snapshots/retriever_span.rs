#[retriever_span(documents = output)]
fn search(query: &str, limit: usize) -> impl Future<Output = Vec<Document>> {
    async move { index(query, limit).await }
}

// becomes

fn search(query: &str, limit: usize) -> impl Future<Output = Vec<Document>> {
    let scope = ::a2a_otel::__private::Span::open_with(
        &::a2a_otel::__private::Site {
            name: "search",
            kind: "RETRIEVER",
            opentelemetry: ::a2a_otel::__private::Internal,
            measured: ::a2a_otel::__private::Measured::Retrieval,
            fixed: &[],
            arguments: &["query", "limit"],
            fields: &[],
        },
        &[&{ query }, &{ limit }],
    );
    ::a2a_otel::__private::map_outcome(
        ::a2a_otel::__private::sync_with_scope(
            scope,
            move || { async move { index(query, limit).await } },
        ),
        move |ended: (_, Vec<Document>)| {
            let mut ending = ::a2a_otel::__private::CallScope::returned(ended.0);
            if ::a2a_otel::__private::Ending::is_seen(&ending) {
                match ::a2a_otel::__private::ReturnType::of(&ended.1)
                    .a2a_otel_classify()
                    .a2a_otel_outcome(&ended.1)
                {
                    ::a2a_otel::__private::Ok(value) => {
                        let _ = value;
                        ::a2a_otel::__private::Ending::ok(&mut ending);
                        if ::a2a_otel::__private::Ending::is_recorded(&ending) {
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
                                                .a2a_otel_required(),
                                        ),
                                    ],
                                );
                            }
                        }
                    }
                    ::a2a_otel::__private::Err(error) => {
                        ::a2a_otel::__private::Ending::err(&mut ending, &error, false)
                    }
                }
            }
            ended.1
        },
    )
}
