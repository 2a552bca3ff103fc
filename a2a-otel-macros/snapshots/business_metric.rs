#[business_metric(counter = "shop.revenue", unit = "{EUR}", value = output.total, attributes(category = category))]
fn place_order(category: &str, quantity: u32) -> Result<Order, String> {
    Order::new(category, quantity)
}

// becomes

fn place_order(category: &str, quantity: u32) -> Result<Order, String> {
    let scope = ::a2a_otel::__private::Measurement::open(
        {
            static A2A_OTEL_METRIC: ::a2a_otel::__private::Metric = ::a2a_otel::__private::Metric {
                kind: ::a2a_otel::__private::InstrumentKind::Counter,
                name: "shop.revenue",
                unit: "{EUR}",
                description: "",
                buckets: ::a2a_otel::__private::None,
                implied: ::a2a_otel::__private::Implied::Nothing,
                on: ::a2a_otel::__private::On::Ok,
                outcome: false,
                itemised: true,
                slot: ::a2a_otel::__private::Slot::new(),
            };
            &A2A_OTEL_METRIC
        },
        &mut |opening| {
            ::a2a_otel::__private::Measurement::fields(
                opening,
                &[("category", &{ category })],
            );
        },
    );
    let ended: (_, Result<Order, String>) = ::a2a_otel::__private::sync_with_scope::<
        Result<Order, String>,
        _,
    >(scope, move || { Order::new(category, quantity) });
    let mut ending = ::a2a_otel::__private::CallScope::returned(ended.0);
    if ::a2a_otel::__private::Measurement::is_seen(&ending) {
        if let ::a2a_otel::__private::Ok(value) = ::a2a_otel::__private::ReturnType::of(
                &ended.1,
            )
            .a2a_otel_result(&ended.1)
        {
            {
                let output = value;
                ::a2a_otel::__private::Measurement::amount(&mut ending, output.total);
            }
            ::a2a_otel::__private::Measurement::record(&mut ending);
        }
    }
    ended.1
}
