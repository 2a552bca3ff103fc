//! Recording rules: what several alerts need, and what is slow to compute over long windows.

use crate::promql::{calls, failing, quantile};

/// The name of a recorded series, and its query.
pub(super) const RECORDED: &[(&str, &str)] = &[
    (
        "service_name:a2a_server_requests:rate5m",
        calls!("service_name", "a2a.server.operation.duration", "", "5m"),
    ),
    (
        "service_name:a2a_server_errors:ratio_rate5m",
        failing!("service_name", "a2a.server.operation.duration", "", "5m"),
    ),
    (
        "service_name:a2a_server_errors:ratio_rate30m",
        failing!("service_name", "a2a.server.operation.duration", "", "30m"),
    ),
    (
        "service_name:a2a_server_errors:ratio_rate1h",
        failing!("service_name", "a2a.server.operation.duration", "", "1h"),
    ),
    (
        "service_name:a2a_server_errors:ratio_rate6h",
        failing!("service_name", "a2a.server.operation.duration", "", "6h"),
    ),
    (
        "service_name:a2a_server_duration_seconds:p95_rate5m",
        quantile!("0.95", "service_name", "a2a.server.operation.duration", "", "5m"),
    ),
];
