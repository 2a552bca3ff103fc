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
    let scope = ::a2a_otel::__private::Span::open_with(
        &::a2a_otel::__private::Site {
            name: "check_stock",
            kind: "TOOL",
            opentelemetry: ::a2a_otel::__private::Internal,
            measured: ::a2a_otel::__private::Measured::Tool,
            fixed: &[
                ("mcp.method.name", ::a2a_otel::__private::Fixed::Text("tools/call")),
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
                ("tool.name", ::a2a_otel::__private::Fixed::Text("check_stock")),
                ("gen_ai.tool.name", ::a2a_otel::__private::Fixed::Text("check_stock")),
            ],
            arguments: &[""],
            fields: &[],
        },
        &[::a2a_otel::__private::Capture::new(&request).a2a_otel_value()],
    );
    let end = ::a2a_otel::__private::Streamed::<CallToolResult>::NEW
        .a2a_otel_watch(
            &scope,
            ::a2a_otel::__private::ReturnType::<CallToolResult>::NEW
                .a2a_otel_classify()
                .a2a_otel_output()
                .a2a_otel_judged(),
            ::a2a_otel::__private::Streamed::<CallToolResult>::NEW
                .a2a_otel_items()
                .a2a_otel_classify()
                .a2a_otel_item(),
        );
    ::a2a_otel::__private::future(
            scope,
            end,
            async move {
                if false {
                    return ::a2a_otel::__private::hint::<CallToolResult>();
                }
                { self.stock(request) }
            },
        )
        .await
}
