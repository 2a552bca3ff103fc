//! A real receiver has the figures that were sent.

use a2a_otel_tests::services::{require, unique};
use a2a_otel_tests::victoria_metrics::VictoriaMetrics;

use crate::agent::Agent;

#[test]
fn a_real_receiver_has_the_same_figures() {
    let Some(database) = require("VictoriaMetrics", VictoriaMetrics::start()) else { return };
    for (kind, label) in
        [("explicit_bucket_histogram", "le"), ("base2_exponential_bucket_histogram", "vmrange")]
    {
        let service = unique("shop");
        let report = Agent::new(&["rounds=6"])
            .with("OTEL_SERVICE_NAME", &service)
            .with("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &database.endpoint())
            .with("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", kind)
            .run();
        report.assert_balanced();
        assert_eq!(report.generated, report.delivered, "{report:?}");
        report.assert_said(&[]);
        let value = |name: &str| {
            let found = database.query(&format!("{name}{{service_name=\"{service}\"}}"));
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            found[0].clone()
        };
        let (labels, orders) = value("shop_orders_total");
        assert_eq!((labels["category"].as_str(), &*orders), (Some("lamps"), "6"), "{labels}");
        assert_eq!(value("shop_open").1, "-6");
        let (labels, price) = value("shop_price_EUR");
        assert_eq!((labels["sale"].as_str(), &*price), (Some("true"), "2.5"), "{labels}");
        assert_eq!((&*value("shop_basket_EUR_count").1, &*value("shop_basket_EUR_sum").1), ("6", "75"));
        let buckets = database.query(&format!("shop_basket_EUR_bucket{{service_name=\"{service}\"}}"));
        assert!(
            buckets.iter().any(|(labels, count)| labels[label].is_string() && count == "6"),
            "{buckets:?}"
        );
        assert_eq!(value("shop_shelves").1, "7");
    }
}
