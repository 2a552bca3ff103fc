//! A test of an agent by its trace. In a crate of your own, `main` is a `#[test]`, and the feature `testing` is one of the
//! dev-dependency.
//!
//! ```sh
//! cargo run -p a2a-otel --example testing --features metrics,testing
//! ```

use a2a_otel::testing::capture;
use a2a_otel::{agent_span, business_metric, tool_span};

#[tool_span]
#[business_metric(counter = "shop.searches")]
fn look_up(product: &str) -> Result<u32, String> {
    if product == "unicorn" { Err("no such product".to_owned()) } else { Ok(3) }
}

#[agent_span]
fn answer(product: &str) -> String {
    look_up(product).map_or_else(|error| error, |count| format!("{count} in stock"))
}

fn main() {
    let capturing = capture();
    answer("lamp");
    answer("unicorn");

    assert_eq!(
        capturing.tree(),
        "AGENT answer\n  TOOL look_up\nAGENT answer\n  TOOL look_up ! no such product\n",
        "the agent has an answer for it"
    );
    let searches = capturing.metrics().sum("shop.searches");
    assert!((searches - 1.0).abs() < 0.1, "only what succeeded counts: {searches}");
    print!("{}", capturing.tree());
}
