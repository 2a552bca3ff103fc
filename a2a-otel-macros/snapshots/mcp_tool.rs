/// Looks up the stock of a product.
#[mcp_tool(server = "catalogue")]
async fn check_stock(&self, Parameters(request): Parameters<StockRequest>) -> CallToolResult {
    self.stock(request)
}

// becomes

/// Looks up the stock of a product.
async fn check_stock(
    &self,
    Parameters(request): Parameters<StockRequest>,
) -> CallToolResult {
    let scope = {
        let mut opening = ::a2a_otel::__private::Span::open(
            &::a2a_otel::__private::Site {
                name: "check_stock",
                kind: "TOOL",
                opentelemetry: ::a2a_otel::__private::SpanKind::Internal,
                fixed: &[
                    (
                        "mcp.method.name",
                        ::a2a_otel::__private::Fixed::Text("tools/call"),
                    ),
                    (
                        "gen_ai.operation.name",
                        ::a2a_otel::__private::Fixed::Text("execute_tool"),
                    ),
                    (
                        "tool.description",
                        ::a2a_otel::__private::Fixed::Text(
                            "Looks up the stock of a product.",
                        ),
                    ),
                    ("server.address", ::a2a_otel::__private::Fixed::Text("catalogue")),
                ],
                name_keys: &["tool.name", "gen_ai.tool.name"],
                room: 13usize,
            },
        );
        if ::a2a_otel::__private::Opening::is_seen(&opening) {
            ::a2a_otel::__private::Opening::input(
                &mut opening,
                ::a2a_otel::__private::Capture::new(&request).a2a_otel_value(),
            );
        }
        ::a2a_otel::__private::Opening::start(&mut opening)
    };
    let (scope, result) = ::a2a_otel::__private::future::<
        CallToolResult,
        _,
        _,
    >(
            scope,
            async move {
                if false {
                    return ::a2a_otel::__private::hint::<CallToolResult>();
                }
                { self.stock(request) }
            },
        )
        .await;
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
