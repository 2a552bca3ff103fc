//! The four agents of the marketplace, as data.

/// What one agent is and may do.
pub struct Role {
    /// Its name on agent cards and in traces.
    pub name: &'static str,
    /// Its description on its card, by which the coordinator's model chooses.
    pub description: &'static str,
    /// The system prompt of its model.
    pub prompt: &'static str,
    /// The catalogue's tools that it may use.
    pub tools: &'static [&'static str],
    /// Whether its answers are streamed while they are written.
    pub streams: bool,
    /// A check that refuses requests before the work starts, if there is one.
    pub guard: Option<Guard>,
}

/// Checks a request, and refuses it if it is malformed.
pub type Guard = fn(&str) -> Result<(), Refusal>;

/// Why an agent refuses a request.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The request orders something that cannot be a reservation.
    #[error("`{0}` is no reservation; reserve stock first, then order with an id like R-0001")]
    MalformedOrder(String),
}

/// Serves customers, and delegates the work to the other agents.
pub const COORDINATOR: Role = Role {
    name: "coordinator",
    description: "Serves customers of the marketplace: finds products, checks stock, sells and reports.",
    prompt: "You serve customers of a marketplace. Delegate every wish to the agents that your \
             tools reach, and answer with what they say. To sell, first have stock reserved, then have the \
             reservation sold.",
    tools: &[],
    streams: true,
    guard: None,
};

/// Finds products.
pub const PRODUCT: Role = Role {
    name: "product-agent",
    description: "Finds products by what they are and by price.",
    prompt: "You find products. Search the catalogue, and list ids, names and prices of what it finds.",
    tools: &["search_products"],
    streams: false,
    guard: None,
};

/// Manages the stock.
pub const INVENTORY: Role = Role {
    name: "inventory-agent",
    description: "Says how many pieces of a product are in stock, and reserves pieces for an order.",
    prompt: "You mind the stock. Check or reserve what you are asked for, and name ids and quantities.",
    tools: &["check_stock", "reserve_stock"],
    streams: false,
    guard: None,
};

/// Sells reservations and reports.
pub const SALES: Role = Role {
    name: "sales-agent",
    description: "Sells what a reservation has set aside, and reports sales.",
    prompt: "You sell reservations by their id and report sales by category, one line each.",
    tools: &["record_sale", "sales_report"],
    streams: true,
    guard: Some(accept_order),
};

/// Checks that the word "reservation" is followed by the id of one.
fn accept_order(request: &str) -> Result<(), Refusal> {
    let named = request.split_whitespace().skip_while(|word| *word != "reservation").nth(1);
    let id = named.map(|word| word.trim_end_matches(['.', ',', '!']));
    match id {
        Some(id) if !is_reservation(id) => Err(Refusal::MalformedOrder(id.into())),
        _ => Ok(()),
    }
}

fn is_reservation(id: &str) -> bool {
    id.strip_prefix("R-").is_some_and(|number| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_name_a_reservation() {
        assert!(accept_order("Sell reservation R-0001.").is_ok());
        assert!(accept_order("Send me the sales report.").is_ok());
        assert!(accept_order("Sell me reservation 12-BANANA.").is_err());
    }
}
