struct Basket(u32);

#[a2a_otel::tool_span(skip(basket), fields("sum" = output + basket.0))]
fn count(basket: Basket) -> u32 {
    basket.0
}

fn main() {
    count(Basket(1));
}
