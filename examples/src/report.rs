//! The business figures of a run, read from the metrics that the attribute macros record.

use std::fmt;

use a2a_otel::metrics::MetricsSnapshot;

const REQUESTS: &str = "marketplace.customer.requests";
const DURATION: &str = "marketplace.customer.duration";
const SEARCHES: &str = "marketplace.product.searches";
const CHECKS: &str = "marketplace.stock.checks";
const LOST_SALES: &str = "marketplace.sales.lost";
const STOCK_OUTS: &str = "marketplace.stock_outs";
const ORDERS: &str = "marketplace.orders";
const REVENUE: &str = "marketplace.revenue";
const AGENT_CALLS: &str = "marketplace.agent.calls";

struct Figure {
    label: &'static str,
    unit: &'static str,
    decimals: usize,
    read: fn(&MetricsSnapshot) -> Option<f64>,
}

impl Figure {
    fn show(&self, metrics: &MetricsSnapshot) -> Option<String> {
        let Self { label, unit, decimals, read } = self;
        Some(format!("{label:<18}{:>9.decimals$} {unit}", read(metrics)?))
    }
}

const fn count(label: &'static str, read: fn(&MetricsSnapshot) -> Option<f64>) -> Figure {
    Figure { label, unit: "", decimals: 0, read }
}

const fn latency(label: &'static str, read: fn(&MetricsSnapshot) -> Option<f64>) -> Figure {
    Figure { label, unit: "ms", decimals: 0, read }
}

/// The figures for the marketplace's owner.
const FIGURES: [Figure; 11] = [
    count("customer requests", |metrics| sum(metrics, REQUESTS)),
    count("searches", |metrics| sum(metrics, SEARCHES)),
    count("stock checks", |metrics| sum(metrics, CHECKS)),
    count("stock-outs", |metrics| sum(metrics, STOCK_OUTS)),
    count("orders", |metrics| sum(metrics, ORDERS)),
    Figure { label: "revenue", unit: "EUR", decimals: 2, read: |metrics| sum(metrics, REVENUE) },
    Figure { label: "conversion", unit: "%", decimals: 1, read: conversion },
    count("lost sales", |metrics| sum(metrics, LOST_SALES)),
    count("inter-agent calls", |metrics| sum(metrics, AGENT_CALLS)),
    latency("latency, median", |metrics| milliseconds(metrics, 0.5)),
    latency("latency, 95 %", |metrics| milliseconds(metrics, 0.95)),
];

/// Shows the figures that were measured in this process, two per line.
pub struct Report(pub MetricsSnapshot);

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A figure without a value was measured in another process, or not at all.
        let shown: Vec<_> = FIGURES.iter().filter_map(|figure| figure.show(&self.0)).collect();
        let (left, right) = shown.split_at(shown.len().div_ceil(2));
        for (row, left) in left.iter().enumerate() {
            let right = right.get(row).map_or("", String::as_str);
            writeln!(formatter, "{}", format!("{left:<36}{right}").trim_end())?;
        }
        Ok(())
    }
}

fn sum(metrics: &MetricsSnapshot, name: &str) -> Option<f64> {
    metrics.get(name).map(|_| metrics.sum(name))
}

/// How long a part of the customers had to wait at most.
fn milliseconds(metrics: &MetricsSnapshot, part: f64) -> Option<f64> {
    metrics.percentile(DURATION, part).map(|seconds| seconds * 1000.0)
}

/// The share of requests that led to an order, in percent.
fn conversion(metrics: &MetricsSnapshot) -> Option<f64> {
    Some(100.0 * sum(metrics, ORDERS)? / sum(metrics, REQUESTS)?)
}
