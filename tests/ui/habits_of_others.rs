use a2a_otel::{agent_span, business_metric, chain_span, tool_span};

#[agent_span("planner")]
fn named() {}

#[business_metric("orders.placed")]
fn counted() {}

#[business_metric(counter = "orders.placed", labels(shop = "here"))]
fn labelled() {}

#[chain_span(level = "debug", target = "shop", ret)]
fn traced() {}

#[tool_span(fields(%id, "name" = %id, "shown" = ?id))]
fn formatted(id: u32) {}

#[tool_span(capture_input = false, session_id = "s-1")]
fn of_langfuse() {}

fn main() {}
