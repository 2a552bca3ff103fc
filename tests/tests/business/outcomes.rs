//! Every instrument, with attributes, by outcome.

use std::time::Duration;

use a2a_otel::metrics::{InstrumentKind, Reading};
use a2a_otel::{Telemetry, agent_span, business_metric};
use futures::stream::{self, BoxStream, StreamExt as _};
use opentelemetry_sdk::trace::InMemorySpanExporter;

struct Order {
    category: &'static str,
    total: f64,
}

#[business_metric(counter = "orders", unit = "{order}", description = "What was sold", attributes(category = output.category))]
#[business_metric(counter = "revenue", unit = "{EUR}", value = output.total)]
#[business_metric(counter = "asked", unit = "{order}", value = quantity, on = always, attributes(big = quantity > 5))]
#[business_metric(counter = "refused", on = err, attributes(reason = output.as_str()))]
#[business_metric(histogram = "order.duration", unit = "ms", on = always)]
#[agent_span]
async fn order(category: &'static str, quantity: u32) -> Result<Order, String> {
    match quantity {
        0 => Err(format!("no {category}")),
        99 => std::future::pending().await,
        _ => Ok(Order { category, total: f64::from(quantity) * 2.5 }),
    }
}

#[business_metric(up_down_counter = "stock", value = change)]
#[business_metric(gauge = "stock.last", value = Some(output))]
#[business_metric(gauge = "stock.never", value = None::<f64>)]
#[business_metric(histogram = "stock.words", value = output.unsigned_abs() + u64::from(!words.is_empty()))]
#[business_metric(histogram = "stock.pause", unit = "s", value = Duration::from_millis(1500))]
fn restock(change: i64, words: Vec<String>) -> i64 {
    drop(words);
    change * 10
}

#[business_metric(counter = "streams.whole")]
#[business_metric(counter = "streams.failed", on = err)]
#[business_metric(counter = "streams.all", on = always)]
#[business_metric(counter = "streams.sum", value = *output, attributes(upto = upto))]
fn numbers(upto: u32) -> Result<BoxStream<'static, Result<u32, String>>, String> {
    if upto > 9 {
        return Err("too many".to_owned());
    }
    Ok(stream::iter(1..=upto)
        .map(|number| if number == 3 { Err("three".to_owned()) } else { Ok(number) })
        .boxed())
}

async fn measure_streams() {
    let count = |upto| async move { numbers(upto).unwrap().count().await };
    assert_eq!((count(2).await, count(4).await), (2, 4));
    drop(numbers(2).unwrap());
    assert!(numbers(10).is_err());
}

#[test]
fn every_instrument_is_fed_by_outcome() {
    if crate::in_own_process("outcomes::every_instrument_is_fed_by_outcome", &[]).is_some() {
        return;
    }
    let exporter = InMemorySpanExporter::default();
    let telemetry = Telemetry::builder().span_exporter(exporter).tracing(false).init().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        assert!(order("lamps", 2).await.is_ok());
        assert!(order("lamps", 6).await.is_ok());
        assert!(order("chairs", 0).await.is_err());
        assert!(tokio::time::timeout(Duration::from_millis(10), order("clocks", 99)).await.is_err());
    });
    runtime.block_on(measure_streams());
    restock(7, vec!["a".into()]);
    restock(-3, vec![]);

    let metrics = telemetry.metrics();
    let orders = metrics.get("orders").unwrap();
    assert_eq!((orders.unit.as_str(), orders.description.as_str()), ("{order}", "What was sold"));
    assert_eq!((orders.kind, metrics.sum("orders").to_string()), (InstrumentKind::Counter, "2".into()));
    assert_eq!(metrics.points("orders")[0].attributes["category"], "lamps");
    assert_eq!(metrics.sum("revenue").to_string(), "20");
    assert_eq!(metrics.sum("asked").to_string(), "107", "the cancelled call was asked for too");
    assert_eq!(metrics.points("asked").len(), 2);
    assert_eq!(metrics.sum("refused").to_string(), "1");
    assert_eq!(metrics.points("refused")[0].attributes["reason"], "no chairs");
    assert_eq!(metrics.count("order.duration"), 4);

    assert_eq!(metrics.get("stock").unwrap().kind, InstrumentKind::UpDownCounter);
    assert_eq!(metrics.sum("stock").to_string(), "4");
    assert_eq!(metrics.points("stock.last")[0].reading, Reading::Last(-30.0));
    assert!(metrics.get("stock.never").is_none());
    assert_eq!(metrics.sum("stock.words").to_string(), "101", "1 + 70 and 0 + 30");
    assert_eq!(metrics.sum("stock.pause").to_string(), "3");

    assert_eq!(metrics.sum("streams.whole").to_string(), "1");
    assert_eq!(metrics.sum("streams.failed").to_string(), "2", "one at an item, one as a whole");
    assert_eq!(metrics.sum("streams.all").to_string(), "4", "also the one that was dropped");
    assert_eq!(metrics.sum("streams.sum").to_string(), "10", "1 + 2 and 1 + 2 + 4");
    assert_eq!(metrics.points("streams.sum").len(), 2);
}

/// Ends as the word says.
#[business_metric(counter = "told.apart", on = always, outcome)]
#[business_metric(counter = "told.apart.late", on = always, outcome, attributes(fits = output.is_ok()))]
async fn end(word: &'static str) -> Result<(), String> {
    match word {
        "panic" => panic!("as asked"),
        "cancelled" => std::future::pending().await,
        "error" => Err(word.to_owned()),
        _ => Ok(()),
    }
}

#[business_metric(counter = "told.apart.plain", on = always, outcome)]
#[business_metric(counter = "told.apart.plain.late", on = always, outcome, attributes(is_long = output.len() > 3))]
fn plain(word: &str) -> String {
    assert_ne!(word, "panic");
    word.to_owned()
}

#[business_metric(counter = "told.apart.streams", on = always, outcome)]
#[business_metric(counter = "told.apart.items", on = always, outcome, attributes(is_first = matches!(output, Ok(1))))]
fn end_stream(word: &'static str) -> BoxStream<'static, Result<u32, String>> {
    let second = move |number| match (number, word) {
        (2, "panic") => panic!("as asked"),
        (2, "error") => Err(word.to_owned()),
        _ => Ok(number),
    };
    stream::iter(1..=2).map(second).boxed()
}

/// Each outcome with the number of calls that have ended so.
fn outcomes(metrics: &a2a_otel::metrics::MetricsSnapshot, name: &str) -> Vec<(String, String)> {
    let mut outcomes: std::collections::BTreeMap<_, u64> = std::collections::BTreeMap::new();
    for point in metrics.points(name) {
        let Reading::Sum(sum) = point.reading else { panic!("{name} is a counter") };
        let words = sum.to_string().parse::<u64>().expect("it counts");
        *outcomes.entry(point.attributes["outcome"].clone()).or_default() += words;
    }
    outcomes.into_iter().map(|(outcome, calls)| (outcome, calls.to_string())).collect()
}

#[test]
fn outcomes_are_told_apart() {
    let capturing = a2a_otel::testing::capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let caught =
        |call: &mut dyn FnMut()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err();
    for (word, panics) in
        [("ok", false), ("ok", false), ("error", false), ("cancelled", false), ("panic", true)]
    {
        let mut call = || {
            let patience = Duration::from_millis(10);
            runtime.block_on(async { drop(tokio::time::timeout(patience, end(word)).await) });
        };
        assert_eq!(caught(&mut call), panics, "{word}");
        assert_eq!(caught(&mut || drop(plain(word))), panics, "{word}");
        let mut call = || {
            let mut items = end_stream(word);
            let wanted = if word == "cancelled" { 1 } else { 3 };
            runtime.block_on(async { while items.next().await.is_some() && wanted > 1 {} });
        };
        assert_eq!(caught(&mut call), panics, "{word}");
    }
    let metrics = capturing.metrics();
    let expected = |rows: &[(&str, &str)]| -> Vec<_> {
        rows.iter().map(|(outcome, calls)| ((*outcome).to_owned(), (*calls).to_owned())).collect()
    };
    let all = expected(&[("cancelled", "1"), ("error", "1"), ("ok", "2"), ("panic", "1")]);
    for name in ["told.apart", "told.apart.late", "told.apart.streams"] {
        assert_eq!(outcomes(&metrics, name), all, "{name}");
    }
    let plain = expected(&[("ok", "4"), ("panic", "1")]);
    for name in ["told.apart.plain", "told.apart.plain.late"] {
        assert_eq!(outcomes(&metrics, name), plain, "{name}");
    }
    // Four items of two streams that end well, and the first of the others.
    assert_eq!(outcomes(&metrics, "told.apart.items"), expected(&[("error", "1"), ("ok", "7")]));
}
