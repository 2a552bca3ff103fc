#[business_metric(counter = "shop.revenue", unit = "{EUR}", value = output.total, attributes(category = category))]
fn place_order(category: &str, quantity: u32) -> Result<Order, String> {
    Order::new(category, quantity)
}

// becomes

fn place_order(category: &str, quantity: u32) -> Result<Order, String> {
    let mut scope = ::a2a_otel::__private::Measurement::open(
        &::a2a_otel::__private::Metric {
            kind: ::a2a_otel::__private::InstrumentKind::Counter,
            name: "shop.revenue",
            unit: "{EUR}",
            description: "",
            implied: ::a2a_otel::__private::Implied::Nothing,
            on: ::a2a_otel::__private::On::Ok,
            itemised: true,
        },
    );
    ::a2a_otel::__private::Measurement::attributes(
        &mut scope,
        &[
            (
                "category",
                ::a2a_otel::__private::Capture::new(&(category)).a2a_otel_asked(),
            ),
        ],
    );
    let (scope, result) = ::a2a_otel::__private::sync::<
        Result<Order, String>,
        _,
    >(scope, move || { Order::new(category, quantity) });
    let mut ending = ::a2a_otel::__private::returned(scope);
    if let ::a2a_otel::__private::Ok(value) = ::a2a_otel::__private::Split::new(&result)
        .a2a_otel_result()
    {
        {
            let output = value;
            ::a2a_otel::__private::Measurement::amount(&mut ending, output.total);
        }
        ::a2a_otel::__private::Measurement::record(&mut ending);
    }
    result
}
