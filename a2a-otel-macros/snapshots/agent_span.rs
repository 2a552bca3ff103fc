#[agent_span(name = "product-agent", session = query.customer, skip(token), fields("limit" = 10, "hits" = output.len()))]
pub(crate) async fn find<'a>(&'a self, query: &'a Query, token: &str) -> Result<Vec<Product>, AgentError> {
    let found = self.store.search(query).await?;
    Ok(found)
}

// becomes

pub(crate) async fn find<'a>(
    &'a self,
    query: &'a Query,
    token: &str,
) -> Result<Vec<Product>, AgentError> {
    let scope = ::a2a_otel::__private::Span::open(
        &::a2a_otel::__private::Site {
            name: "product-agent",
            kind: "AGENT",
            opentelemetry: ::a2a_otel::__private::Internal,
            measured: ::a2a_otel::__private::Measured::Agent,
            fixed: &[
                ("limit", ::a2a_otel::__private::Fixed::Int(10i64)),
                ("agent.name", ::a2a_otel::__private::Fixed::Text("product-agent")),
            ],
            arguments: &[""],
            fields: &[],
        },
        &mut |opening| {
            ::a2a_otel::__private::Opening::values(
                opening,
                &[::a2a_otel::__private::Capture::new(&*query).a2a_otel_value()],
            );
            ::a2a_otel::__private::Opening::session(
                opening,
                ::a2a_otel::__private::Capture::new(&(query.customer)).a2a_otel_text(),
            );
        },
    );
    let ended: (_, Result<Vec<Product>, AgentError>) = ::a2a_otel::__private::future_with_scope(
            scope,
            async move {
                if false {
                    return ::a2a_otel::__private::hint::<
                        Result<Vec<Product>, AgentError>,
                    >();
                }
                {
                    let found = self.store.search(query).await?;
                    Ok(found)
                }
            },
        )
        .await;
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
                        ::a2a_otel::__private::Ending::fields(
                            &mut ending,
                            &[
                                (
                                    "hits",
                                    ::a2a_otel::__private::Capture::new(&(output.len()))
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
}
