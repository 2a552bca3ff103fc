#[reranker_span(query = query, top_k = 3, input_documents = found, output_documents = output)]
fn rerank(query: &str, found: Vec<Document>) -> Vec<Document> {
    found
}

// becomes

fn rerank(query: &str, found: Vec<Document>) -> Vec<Document> {
    let scope = ::a2a_otel::__private::Span::open(
        &::a2a_otel::__private::Site {
            name: "rerank",
            kind: "RERANKER",
            opentelemetry: ::a2a_otel::__private::Internal,
            measured: ::a2a_otel::__private::Measured::Nothing,
            fixed: &[("reranker.top_k", ::a2a_otel::__private::Fixed::Int(3i64))],
            arguments: &["query", "found"],
            fields: &[("reranker.query", 0usize)],
        },
        &mut |opening| {
            ::a2a_otel::__private::Opening::values(
                opening,
                &[
                    &{ query },
                    ::a2a_otel::__private::Capture::new(&found).a2a_otel_value(),
                ],
            );
            ::a2a_otel::__private::Opening::documents(
                opening,
                &[
                    (
                        "reranker.input_documents",
                        ::a2a_otel::__private::Capture::new(&found).a2a_otel_required(),
                    ),
                ],
            );
        },
    );
    let ended: (_, Vec<Document>) = ::a2a_otel::__private::sync_with_scope::<
        Vec<Document>,
        _,
    >(scope, move || { found });
    let mut ending = ::a2a_otel::__private::CallScope::returned(ended.0);
    if ::a2a_otel::__private::Ending::is_seen(&ending) {
        match ::a2a_otel::__private::ReturnType::of(&ended.1)
            .a2a_otel_classify()
            .a2a_otel_outcome(&ended.1)
        {
            ::a2a_otel::__private::Ok(value) => {
                let _ = value;
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
                                "reranker.output_documents",
                                ::a2a_otel::__private::Capture::new(&(output))
                                    .a2a_otel_required(),
                            ),
                        ],
                    );
                }
            }
            ::a2a_otel::__private::Err(error) => {
                ::a2a_otel::__private::Ending::err(&mut ending, &error, false)
            }
        }
    }
    ended.1
}
