struct Cart(Vec<u32>);

impl Cart {
    #[a2a_otel::tool_span(fields("n" = self.0.len() + output))]
    fn add(&mut self) -> usize {
        self.0.push(1);
        self.0.len()
    }
}

fn main() {
    Cart(vec![]).add();
}
