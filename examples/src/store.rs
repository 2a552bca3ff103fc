//! The catalogue's data: products, stock, reservations and orders, in `SQLite`.
//!
//! The business events happen here, so these methods record the business metrics.

use std::sync::{Mutex, MutexGuard, PoisonError};

use a2a_otel::business_metric;
use rmcp::schemars::JsonSchema;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::products::{Product, Shelved, assortment, euros};

/// A search.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Search {
    /// A word of the product's name or its category, such as `lamp`.
    pub query: String,
    /// The highest price in euros.
    pub max_price: Option<f64>,
}

/// The stock of a product.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Stock {
    /// The product's id.
    pub product_id: String,
    /// The product's name.
    pub name: String,
    /// Pieces that can be reserved now.
    pub available: u32,
}

/// Pieces that are set aside for an order.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Reservation {
    /// The id that an order names, such as `R-0001`.
    pub reservation_id: String,
    /// The product's id.
    pub product_id: String,
    /// Pieces set aside.
    pub quantity: u32,
    /// Pieces left for others.
    pub left: u32,
}

/// A sale.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Order {
    /// The order's id, such as `O-0001`.
    pub order_id: String,
    /// The sold product.
    pub product_id: String,
    /// The product's category.
    pub category: String,
    /// Pieces sold.
    pub quantity: u32,
    /// What the customer pays, in euros.
    pub total: f64,
}

/// Sales so far, by category.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct SalesReport {
    /// One row per category, the best first.
    pub categories: Vec<CategorySales>,
    /// Orders so far.
    pub orders: u32,
    /// Revenue so far, in euros.
    pub revenue: f64,
}

/// Sales of one category.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct CategorySales {
    /// The category.
    pub category: String,
    /// Its products.
    pub products: u32,
    /// Its products that are sold out.
    pub sold_out: u32,
    /// Its orders.
    pub orders: u32,
    /// Its revenue, in euros.
    pub revenue: f64,
}

/// Why the catalogue failed or refused a request.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No product has this id.
    #[error("there is no product {0}; search the catalogue for a valid id")]
    UnknownProduct(String),
    /// There are fewer pieces than wanted.
    #[error("only {available} of {product_id} left, {wanted} wanted; order fewer or choose another product")]
    NotEnough {
        /// The product's id.
        product_id: String,
        /// The available pieces.
        available: u32,
        /// The requested pieces.
        wanted: u32,
    },
    /// The requested quantity is zero.
    #[error("a reservation needs a quantity of at least 1")]
    NoQuantity,
    /// No reservation with this id waits for its order.
    #[error("there is no open reservation {0}; reserve stock first, then order with the id it gives")]
    UnknownReservation(String),
    /// The tool fails on purpose.
    #[error("{0} is out of order; take it out of the file that MARKETPLACE_FAULTS names")]
    OutOfOrder(&'static str),
    /// `SQLite` failed.
    #[error("the catalogue's database failed; restart the catalogue to begin with full stock")]
    Database(#[from] rusqlite::Error),
}

impl StoreError {
    /// The reason in one word, for metrics.
    const fn reason(&self) -> &'static str {
        match self {
            Self::UnknownProduct(_) => "unknown_product",
            Self::NotEnough { .. } => "not_enough",
            Self::NoQuantity => "no_quantity",
            Self::UnknownReservation(_) => "unknown_reservation",
            Self::OutOfOrder(_) => "out_of_order",
            Self::Database(_) => "database",
        }
    }
}

type Result<T> = std::result::Result<T, StoreError>;

const SCHEMA: &str = "
    CREATE TABLE product (id TEXT PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL,
                          cents INTEGER NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0));
    CREATE TABLE reservation (number INTEGER PRIMARY KEY, product TEXT NOT NULL REFERENCES product,
                              quantity INTEGER NOT NULL, ordered BOOLEAN NOT NULL DEFAULT FALSE);
    CREATE TABLE sale (number INTEGER PRIMARY KEY, product TEXT NOT NULL REFERENCES product,
                       quantity INTEGER NOT NULL, cents INTEGER NOT NULL);";

const SEARCH: &str = "
    SELECT id, name, category, cents FROM product
    WHERE (name LIKE '%' || ?1 || '%' OR category LIKE '%' || ?1 || '%') AND cents <= ?2
    ORDER BY cents LIMIT 5";

const REPORT: &str = "
    SELECT category, COUNT(*), SUM(stock = 0), COALESCE(SUM(orders), 0), COALESCE(SUM(revenue), 0)
    FROM product
    LEFT JOIN (SELECT product, COUNT(*) AS orders, SUM(cents) AS revenue FROM sale GROUP BY product)
           ON product = id
    GROUP BY category ORDER BY 5 DESC, category";

/// After an order that leaves fewer pieces than this, as many as a delivery has come.
const FEW: u32 = 3;
const DELIVERY: i64 = 30;

/// The catalogue's database. Its calls take microseconds, so they run on the caller's thread.
pub struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens a new store and fills it with products.
    ///
    /// # Errors
    ///
    /// When `SQLite` cannot open a database in memory.
    pub fn open() -> Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch(SCHEMA)?;
        let transaction = connection.transaction()?;
        for shelved in assortment() {
            put_on_shelf(&transaction, &shelved)?;
        }
        transaction.commit()?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Returns the cheapest products that match.
    ///
    /// # Errors
    ///
    /// When the database fails.
    #[business_metric(
        counter = "marketplace.product.searches",
        unit = "{search}",
        attributes(price_limit = search.max_price.is_some(), found = !output.is_empty())
    )]
    pub fn search(&self, search: &Search) -> Result<Vec<Product>> {
        let highest = search.max_price.map_or(f64::MAX, |euros| euros * 100.0);
        let connection = self.connection();
        let mut statement = connection.prepare_cached(SEARCH)?;
        let products = statement.query_map(params![search.query, highest], product)?;
        Ok(products.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the stock of a product.
    ///
    /// # Errors
    ///
    /// When no product has this id, or the database fails.
    #[business_metric(counter = "marketplace.stock.checks", unit = "{check}", on = always, outcome)]
    pub fn check_stock(&self, product_id: &str) -> Result<Stock> {
        stock(&self.connection(), product_id)
    }

    /// Sets pieces aside for an order.
    ///
    /// # Errors
    ///
    /// When the product is unknown or there are too few of it, or the database fails.
    #[business_metric(counter = "marketplace.reservations", unit = "{reservation}", on = always, outcome)]
    #[business_metric(
        counter = "marketplace.sales.lost",
        unit = "{sale}",
        on = err,
        attributes(reason = output.reason())
    )]
    pub fn reserve(&self, product_id: &str, quantity: u32) -> Result<Reservation> {
        if quantity == 0 {
            return Err(StoreError::NoQuantity);
        }
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let available = stock(&transaction, product_id)?.available;
        let left = available.checked_sub(quantity).ok_or_else(|| StoreError::NotEnough {
            product_id: product_id.into(),
            available,
            wanted: quantity,
        })?;
        change_stock(&transaction, product_id, -i64::from(quantity))?;
        transaction.execute(
            "INSERT INTO reservation (product, quantity) VALUES (?1, ?2)",
            params![product_id, quantity],
        )?;
        let reservation_id = format!("R-{:04}", transaction.last_insert_rowid());
        transaction.commit()?;
        Ok(Reservation { reservation_id, product_id: product_id.into(), quantity, left })
    }

    /// Sells what a reservation has set aside.
    ///
    /// # Errors
    ///
    /// When no such reservation waits for its order, or the database fails.
    #[business_metric(
        counter = "marketplace.orders",
        unit = "{order}",
        attributes(category = output.category.as_str())
    )]
    #[business_metric(
        counter = "marketplace.revenue",
        unit = "{EUR}",
        value = output.total,
        attributes(category = output.category.as_str())
    )]
    #[business_metric(histogram = "marketplace.order.value", unit = "{EUR}", value = output.total)]
    #[business_metric(
        counter = "marketplace.sales.lost",
        unit = "{sale}",
        on = err,
        attributes(reason = output.reason())
    )]
    pub fn place_order(&self, reservation_id: &str) -> Result<Order> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let (product, cents, quantity) = redeem(&transaction, reservation_id)?;
        transaction.execute(
            "INSERT INTO sale (product, quantity, cents) VALUES (?1, ?2, ?3)",
            params![product.id, quantity, cents * quantity],
        )?;
        let order_id = format!("O-{:04}", transaction.last_insert_rowid());
        replenish(&transaction, &product.id)?;
        transaction.commit()?;
        let total = euros(cents * quantity);
        Ok(Order { order_id, product_id: product.id, category: product.category, quantity, total })
    }

    /// Reports the sales so far.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub fn report(&self) -> Result<SalesReport> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(REPORT)?;
        let categories: Vec<CategorySales> =
            statement.query_map([], category_sales)?.collect::<rusqlite::Result<_>>()?;
        let orders = categories.iter().map(|category| category.orders).sum();
        let revenue = categories.iter().map(|category| category.revenue).sum();
        Ok(SalesReport { categories, orders, revenue })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic interrupted was rolled back, so the data behind the lock is consistent.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[business_metric(
    up_down_counter = "marketplace.stock",
    unit = "{piece}",
    value = i64::from(shelved.stock),
    attributes(category = shelved.product.category.as_str())
)]
fn put_on_shelf(transaction: &Transaction<'_>, shelved: &Shelved) -> Result<()> {
    let Shelved { product, cents, stock } = shelved;
    transaction.execute(
        "INSERT INTO product (id, name, category, cents, stock) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![product.id, product.name, product.category, cents, stock],
    )?;
    Ok(())
}

/// Puts pieces on the shelf, or takes them off if there are fewer than none, and returns the product's category.
#[business_metric(
    up_down_counter = "marketplace.stock",
    unit = "{piece}",
    value = pieces,
    attributes(category = output.as_str())
)]
fn change_stock(transaction: &Transaction<'_>, product_id: &str, pieces: i64) -> Result<String> {
    let update = "UPDATE product SET stock = stock + ?2 WHERE id = ?1 RETURNING category";
    Ok(transaction.query_row(update, params![product_id, pieces], |row| row.get(0))?)
}

/// Orders more of a product of which few are left, so that customers can come again for days.
fn replenish(transaction: &Transaction<'_>, product_id: &str) -> Result<()> {
    let few = "SELECT stock < ?2 FROM product WHERE id = ?1";
    if transaction.query_row(few, params![product_id, FEW], |row| row.get(0))? {
        change_stock(transaction, product_id, DELIVERY)?;
    }
    Ok(())
}

/// Looks up the stock of a product. Every query for stock calls this function, so that stock-outs are counted here.
#[business_metric(
    counter = "marketplace.stock_outs",
    unit = "{stock_out}",
    value = u64::from(output.available == 0)
)]
fn stock(connection: &Connection, product_id: &str) -> Result<Stock> {
    connection
        .query_row("SELECT id, name, stock FROM product WHERE id = ?1", [product_id], |row| {
            Ok(Stock { product_id: row.get(0)?, name: row.get(1)?, available: row.get(2)? })
        })
        .optional()?
        .ok_or_else(|| StoreError::UnknownProduct(product_id.into()))
}

/// The product of a reservation, its price in cents, and how many pieces are set aside.
fn redeem(transaction: &Transaction<'_>, reservation_id: &str) -> Result<(Product, u32, u32)> {
    let number = reservation_id.strip_prefix("R-").unwrap_or(reservation_id);
    let (product_id, quantity): (String, u32) = transaction
        .query_row(
            "UPDATE reservation SET ordered = TRUE WHERE number = CAST(?1 AS INTEGER) AND NOT ordered
             RETURNING product, quantity",
            [number],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?
        .ok_or_else(|| StoreError::UnknownReservation(reservation_id.into()))?;
    let (product, cents) = transaction.query_row(
        "SELECT id, name, category, cents FROM product WHERE id = ?1",
        [product_id],
        |row| Ok((product(row)?, row.get(3)?)),
    )?;
    Ok((product, cents, quantity))
}

fn product(row: &Row<'_>) -> rusqlite::Result<Product> {
    let cents = row.get(3)?;
    Ok(Product { id: row.get(0)?, name: row.get(1)?, category: row.get(2)?, price: euros(cents) })
}

fn category_sales(row: &Row<'_>) -> rusqlite::Result<CategorySales> {
    Ok(CategorySales {
        category: row.get(0)?,
        products: row.get(1)?,
        sold_out: row.get(2)?,
        orders: row.get(3)?,
        revenue: euros(row.get(4)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sale_takes_stock_and_shows_in_the_report() {
        let store = Store::open().expect("a store");
        let before = store.check_stock("P-0012").expect("a product").available;
        let reservation = store.reserve("P-0012", 2).expect("enough stock");
        let order = store.place_order(&reservation.reservation_id).expect("an order");
        let report = store.report().expect("a report");
        assert_eq!(store.check_stock("P-0012").expect("a product").available, before - 2);
        assert_eq!(report.orders, 1);
        assert!((report.revenue - order.total).abs() < 0.001);
    }

    #[test]
    fn what_is_sold_is_replenished() {
        let store = Store::open().expect("a store");
        for _ in 0..200 {
            let reservation = store.reserve("P-0012", 2).expect("enough stock");
            store.place_order(&reservation.reservation_id).expect("an order");
        }
        assert!(matches!(store.reserve("P-0007", 1), Err(StoreError::NotEnough { available: 0, .. })));
    }

    #[test]
    fn a_reservation_is_ordered_once() {
        let store = Store::open().expect("a store");
        let reservation = store.reserve("P-0012", 1).expect("enough stock");
        store.place_order(&reservation.reservation_id).expect("an order");
        let again = store.place_order(&reservation.reservation_id);
        assert!(matches!(again, Err(StoreError::UnknownReservation(_))));
    }

    #[test]
    fn errors_say_what_to_do() {
        let store = Store::open().expect("a store");
        assert!(matches!(store.check_stock("P-9999"), Err(StoreError::UnknownProduct(_))));
        assert!(matches!(store.reserve("P-0012", 0), Err(StoreError::NoQuantity)));
        assert!(matches!(store.reserve("P-0007", 1), Err(StoreError::NotEnough { available: 0, .. })));
    }
}
