#[llm_call(request = request, provider = "openai")]
async fn stream(&self, request: Request) -> Result<impl Stream<Item = Result<Chunk, Error>>, Error> {
    self.client.stream(request).await
}

// becomes

async fn stream(
    &self,
    request: Request,
) -> Result<impl Stream<Item = Result<Chunk, Error>>, Error> {
    let scope = {
        let mut opening = ::a2a_otel::__private::Span::open(
            &::a2a_otel::__private::Site {
                name: "stream",
                kind: "LLM",
                opentelemetry: ::a2a_otel::__private::SpanKind::Client,
                fixed: &[("llm.provider", ::a2a_otel::__private::Fixed::Text("openai"))],
                name_keys: &[],
                room: 6usize,
            },
        );
        if ::a2a_otel::__private::Opening::is_seen(&opening) {
            ::a2a_otel::__private::Opening::request(
                &mut opening,
                ::a2a_otel::__private::Capture::new(&(request)).a2a_otel_asked(),
            );
        }
        ::a2a_otel::__private::Opening::start(&mut opening)
    };
    let asked = ::a2a_otel::__private::stopwatch(&scope);
    let (scope, result) = ::a2a_otel::__private::future::<
        Result<_, Error>,
        _,
        _,
    >(
            scope,
            async move {
                if false {
                    return ::a2a_otel::__private::hint::<Result<_, Error>>();
                }
                { self.client.stream(request).await }
            },
        )
        .await;
    let result: Result<_, Error> = match result {
        ::a2a_otel::__private::Ok(value) => {
            ::a2a_otel::__private::Ok(
                ::a2a_otel::__private::stream(
                    scope,
                    asked,
                    value,
                    move |value, fold| {
                        ::a2a_otel::__private::Fold::item(fold);
                        ::a2a_otel::__private::Fold::tokens(fold);
                        match ::a2a_otel::__private::Split::new(value).a2a_otel_result()
                        {
                            ::a2a_otel::__private::Ok(value) => {
                                let _ = value;
                                ::a2a_otel::__private::Fold::output(
                                    fold,
                                    ::a2a_otel::__private::Capture::new(value).a2a_otel_value(),
                                );
                            }
                            ::a2a_otel::__private::Err(value) => {
                                ::a2a_otel::__private::Fold::err(
                                    fold,
                                    ::a2a_otel::__private::Failure::new(value)
                                        .a2a_otel_failure(),
                                    false,
                                )
                            }
                        }
                    },
                ),
            )
        }
        ::a2a_otel::__private::Err(value) => {
            {
                let mut ending = ::a2a_otel::__private::returned(scope);
                let value = &value;
                ::a2a_otel::__private::Ending::err(
                    &mut ending,
                    ::a2a_otel::__private::Failure::new(value).a2a_otel_failure(),
                    false,
                );
            }
            ::a2a_otel::__private::Err(value)
        }
    };
    result
}
