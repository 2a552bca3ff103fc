//! What calls do for the business, and the metrics that agents and tools have by themselves.
//!
//! ```sh
//! OTEL_METRICS_EXPORTER=console cargo run -p a2a-otel --example metrics --features metrics
//! ```

use a2a_otel::{agent_span, business_metric};

struct Order {
    category: &'static str,
    total: f64,
}

#[agent_span(skip_all)]
#[business_metric(counter = "shop.orders", unit = "{order}", attributes(category = output.category))]
#[business_metric(counter = "shop.revenue", unit = "EUR", value = output.total)]
#[business_metric(counter = "shop.refusals", unit = "{order}", on = err)]
fn place_order(category: &'static str, quantity: u32) -> Result<Order, String> {
    if quantity == 0 {
        return Err("nothing was ordered".to_owned());
    }
    Ok(Order { category, total: 9.5 * f64::from(quantity) })
}

fn main() {
    let telemetry = a2a_otel::init();
    for (category, quantity) in [("lamps", 2), ("chairs", 4), ("lamps", 0)] {
        match place_order(category, quantity) {
            Ok(order) => println!("{}: {} EUR", order.category, order.total),
            Err(error) => println!("{category}: {error}"),
        }
    }
    let metrics = telemetry.metrics();
    println!("revenue: {} EUR", metrics.sum("shop.revenue"));
    println!("refusals: {}", metrics.sum("shop.refusals"));
}
