#[llm_call(request = request, provider = "openai")]
async fn stream(&self, request: Request) -> Result<impl Stream<Item = Result<Chunk, Error>>, Error> {
    self.client.stream(request).await
}

// becomes

async fn stream(
    &self,
    request: Request,
) -> Result<impl Stream<Item = Result<Chunk, Error>>, Error> {
    let (scope, request) = {
        let (request,) = (request,);
        let scope = ::a2a_otel::__private::Span::open(
            &::a2a_otel::__private::Site {
                name: "stream",
                kind: "LLM",
                opentelemetry: ::a2a_otel::__private::Client,
                measured: ::a2a_otel::__private::Measured::Model,
                fixed: &[("llm.provider", ::a2a_otel::__private::Fixed::Text("openai"))],
                arguments: &[],
                fields: &[],
            },
            &mut |opening| {
                ::a2a_otel::__private::Opening::request(
                    opening,
                    ::a2a_otel::__private::Body::new(&(request)).a2a_otel_required(),
                );
            },
        );
        (scope, request)
    };
    let _ = request;
    let started = ::a2a_otel::__private::start_time(&scope);
    let ended: (_, Result<_, Error>) = ::a2a_otel::__private::future_with_scope(
            scope,
            async move {
                if false {
                    return ::a2a_otel::__private::hint::<Result<_, Error>>();
                }
                { self.client.stream(request).await }
            },
        )
        .await;
    let result: Result<_, Error> = match ended.1 {
        ::a2a_otel::__private::Ok(stream) => {
            ::a2a_otel::__private::Ok(
                ::a2a_otel::__private::stream(
                    ended.0,
                    started,
                    stream,
                    move |item, items| {
                        ::a2a_otel::__private::SpanItems::tokens(items);
                        match ::a2a_otel::__private::ReturnType::of(item)
                            .a2a_otel_classify()
                            .a2a_otel_outcome(item)
                        {
                            ::a2a_otel::__private::Ok(value) => {
                                let _ = value;
                                ::a2a_otel::__private::SpanItems::output(
                                    items,
                                    ::a2a_otel::__private::Body::new(value).a2a_otel_value(),
                                );
                            }
                            ::a2a_otel::__private::Err(error) => {
                                ::a2a_otel::__private::SpanItems::err(items, &error, false)
                            }
                        }
                    },
                ),
            )
        }
        ::a2a_otel::__private::Err(error) => {
            let result = ::a2a_otel::__private::Err(error);
            ::a2a_otel::__private::Conclude::conclude(
                ::a2a_otel::__private::ReturnType::of(&result)
                    .a2a_otel_classify()
                    .a2a_otel_end(),
                ended.0,
                result,
            )
        }
    };
    result
}
