#[a2a_call(peer = peer, task = output.task)]
async fn ask(peer: &str, question: String) -> Result<Answer, AgentError> {
    send(peer, question).await
}

// becomes

async fn ask(peer: &str, question: String) -> Result<Answer, AgentError> {
    let (scope, question) = {
        let (question,) = (question,);
        let scope = ::a2a_otel::__private::Span::open(
            &::a2a_otel::__private::Site {
                name: "ask",
                kind: "CHAIN",
                opentelemetry: ::a2a_otel::__private::Client,
                measured: ::a2a_otel::__private::Measured::A2a,
                fixed: &[],
                arguments: &["peer", "question"],
                fields: &[],
            },
            &mut |opening| {
                ::a2a_otel::__private::Opening::values(
                    opening,
                    &[
                        &{ peer },
                        ::a2a_otel::__private::Capture::new(&question).a2a_otel_value(),
                    ],
                );
                ::a2a_otel::__private::Opening::name_part(
                    opening,
                    &["a2a.method.name"],
                    &::a2a_otel::__private::Fixed::Text("SendMessage"),
                );
                ::a2a_otel::__private::Opening::name_part(
                    opening,
                    &["gen_ai.agent.name"],
                    &{ peer },
                );
            },
        );
        (scope, question)
    };
    let _ = question;
    let ended: (_, Result<Answer, AgentError>) = ::a2a_otel::__private::future_with_scope(
            scope,
            async move {
                if false {
                    return ::a2a_otel::__private::hint::<Result<Answer, AgentError>>();
                }
                { send(peer, question).await }
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
                                    "a2a.task.id",
                                    ::a2a_otel::__private::Capture::new(&(output.task))
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
