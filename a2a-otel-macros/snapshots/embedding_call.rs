#[embedding_call(model = "text-embedding-3-small", text = text, vector = output)]
fn embed(&self, text: String) -> Pin<Box<dyn Future<Output = Result<Vec<f32>, Error>> + Send + '_>> {
    if text.is_empty() {
        return Box::pin(async { Err(Error::Empty) });
    }
    Box::pin(async move { self.client.embed(text).await })
}

// becomes

fn embed(
    &self,
    text: String,
) -> Pin<Box<dyn Future<Output = Result<Vec<f32>, Error>> + Send + '_>> {
    let scope = ::a2a_otel::__private::Span::open(
        &::a2a_otel::__private::Site {
            name: "embed",
            kind: "EMBEDDING",
            opentelemetry: ::a2a_otel::__private::Client,
            measured: ::a2a_otel::__private::Measured::Embedding,
            fixed: &[],
            arguments: &[""],
            fields: &[("embedding.embeddings.0.embedding.text", 0usize)],
        },
        &mut |opening| {
            ::a2a_otel::__private::Opening::values(
                opening,
                &[::a2a_otel::__private::Capture::new(&text).a2a_otel_required()],
            );
            ::a2a_otel::__private::Opening::model(
                opening,
                ::a2a_otel::__private::Capture::new(&("text-embedding-3-small"))
                    .a2a_otel_text(),
            );
        },
    );
    ::a2a_otel::__private::Box::pin(
        ::a2a_otel::__private::map_outcome(
            ::a2a_otel::__private::sync_with_scope(
                scope,
                move || -> Pin<
                    Box<dyn Future<Output = Result<Vec<f32>, Error>> + Send + '_>,
                > {
                    if text.is_empty() {
                        return Box::pin(async { Err(Error::Empty) });
                    }
                    Box::pin(async move { self.client.embed(text).await })
                },
            ),
            move |ended: (_, Result<Vec<f32>, Error>)| {
                let mut ending = ::a2a_otel::__private::CallScope::returned(ended.0);
                if ::a2a_otel::__private::Ending::is_seen(&ending) {
                    match ::a2a_otel::__private::ReturnType::of(&ended.1)
                        .a2a_otel_classify()
                        .a2a_otel_outcome(&ended.1)
                    {
                        ::a2a_otel::__private::Ok(value) => {
                            let _ = value;
                            ::a2a_otel::__private::Ending::ok(&mut ending);
                            ::a2a_otel::__private::Ending::response(
                                &mut ending,
                                ::a2a_otel::__private::Body::new(value).a2a_otel_value(),
                            );
                            {
                                let output = value;
                                ::a2a_otel::__private::Ending::fields(
                                    &mut ending,
                                    &[
                                        (
                                            "embedding.embeddings.0.embedding.vector",
                                            ::a2a_otel::__private::Capture::new(&(output))
                                                .a2a_otel_required(),
                                        ),
                                    ],
                                );
                            }
                        }
                        ::a2a_otel::__private::Err(error) => {
                            ::a2a_otel::__private::Ending::err(
                                &mut ending,
                                &error,
                                false,
                            )
                        }
                    }
                }
                ended.1
            },
        ),
    )
}
