//! The labels of measurements, whatever their types, on every path.

use std::time::Duration;

use a2a_otel::business_metric;
use a2a_otel::metrics::MetricsSnapshot;
use a2a_otel::testing::capture;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

#[business_metric(counter = "labels", attributes(
    fixed = "fixed", text = text, owned = owned.as_str(), number = number, flag = number > 1, nothing = None::<u8>,
    list = vec![number], late = format!("{output}{number}"),
))]
fn label(text: &'static str, owned: String, number: i64) -> i64 {
    drop(owned);
    number + 1
}

/// The label sets of a metric and their values.
fn points(figures: &MetricsSnapshot, name: &str) -> Vec<String> {
    let point = |point: &a2a_otel::metrics::Point| {
        let labels: Vec<_> = point.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{} {}", labels.join(" "), point.reading)
    };
    let mut points: Vec<_> = figures.points(name).iter().map(point).collect();
    points.sort();
    points
}

#[test]
fn a_label_has_the_type_of_its_value() {
    let capturing = capture();
    label("a", "b".to_owned(), 1);
    label("a", "b".to_owned(), 1);
    label("c", "d".to_owned(), 2);
    let expected = [
        "fixed=fixed flag=false late=21 list=[1] number=1 owned=b text=a 2",
        "fixed=fixed flag=true late=32 list=[2] number=2 owned=d text=c 1",
    ];
    assert_eq!(points(&capturing.metrics(), "labels"), expected);
}

#[business_metric(counter = "outer", on = always, attributes(depth = depth))]
fn nest(depth: u32) {
    if depth > 0 {
        nest(depth - 1);
    }
}

#[business_metric(counter = "cancelled", on = always, attributes(name = name))]
async fn never(name: &str) {
    std::future::pending::<()>().await;
}

#[business_metric(counter = "panicked", on = always, attributes(name = name))]
#[business_metric(counter = "panicked.ok", attributes(name = name))]
fn panicking(name: &str) {
    panic!("{name}");
}

#[business_metric(counter = "items", value = *output, attributes(name = name, odd = output % 2 == 1))]
#[business_metric(counter = "streams", attributes(name = name))]
fn items(name: &str) -> BoxStream<'static, u32> {
    stream::iter(1..=3).boxed()
}

#[tokio::test]
async fn labels_stay_with_their_call() {
    let capturing = capture();
    nest(2);
    let _ = tokio::join!(
        tokio::time::timeout(Duration::from_millis(5), never("a")),
        tokio::time::timeout(Duration::from_millis(5), never("b")),
    );
    std::panic::catch_unwind(|| panicking("p")).unwrap_err();
    let (one, other) = (items("x"), items("y"));
    let mut both = one.zip(other);
    while both.next().await.is_some() {}
    drop(items("z"));
    let figures = capturing.metrics();
    assert_eq!(points(&figures, "outer"), ["depth=0 1", "depth=1 1", "depth=2 1"]);
    assert_eq!(points(&figures, "cancelled"), ["name=a 1", "name=b 1"]);
    assert_eq!(
        (points(&figures, "panicked"), points(&figures, "panicked.ok")),
        (vec!["name=p 1".to_owned()], vec![])
    );
    let expected = ["name=x odd=false 2", "name=x odd=true 4", "name=y odd=false 2", "name=y odd=true 4"];
    assert_eq!(points(&figures, "items"), expected);
    assert_eq!(points(&figures, "streams"), ["name=x 1", "name=y 1"], "z is dropped before its end");
}
