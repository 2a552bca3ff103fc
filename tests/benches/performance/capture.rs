//! Measures a call whose argument and result are ten kilobytes of JSON.

use std::hint::black_box;

use serde::Serialize;

use crate::call::start_ours;
use crate::measure::Variant;
use crate::rows::{OURS, SERDE};

#[derive(Debug, Serialize)]
struct Order {
    number: u64,
    item: String,
    prices: [f64; 2],
    express: bool,
}

#[a2a_otel::chain_span]
fn captured(orders: &[Order]) -> &[Order] {
    black_box(orders)
}

#[a2a_otel::chain_span(skip_all)]
fn empty(orders: &[Order]) -> &[Order] {
    black_box(orders)
}

/// About 10 kB of JSON.
fn orders() -> Vec<Order> {
    let item = "a lamp for the desk, warm white, with a \"long\" cable";
    let order = |number| Order { number, item: item.to_owned(), prices: [19.95, 24.5], express: true };
    (0..83).map(order).collect()
}

pub(crate) fn variants() -> Vec<Variant> {
    start_ours();
    let (given, beside) = (orders(), orders());
    vec![
        Variant::of_call(OURS, move |_| captured(&given).len()),
        Variant::of_call(SERDE, move |_| {
            black_box(serde_json::to_string(&beside).expect("plain data"));
            let returned = empty(&beside);
            black_box(serde_json::to_string(returned).expect("plain data"));
            returned.len()
        }),
    ]
}
