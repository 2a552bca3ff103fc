//! The products: the same few hundred in every run, generated from a fixed seed.

use rmcp::schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One product, as agents, tools and models see it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Product {
    /// The product's id in every tool, such as `P-0042`.
    pub id: String,
    /// The name that customers read.
    pub name: String,
    /// One of [`CATEGORIES`].
    pub category: String,
    /// In euros.
    pub price: f64,
}

/// One category of products.
pub struct Category {
    /// The plural, which customers use.
    pub name: &'static str,
    /// The singular, which product names use.
    pub noun: &'static str,
    euros: std::ops::Range<u32>,
}

/// All categories. Products are assigned to them in turn.
pub const CATEGORIES: [Category; 8] = [
    Category { name: "lamps", noun: "lamp", euros: 20..120 },
    Category { name: "chairs", noun: "chair", euros: 60..320 },
    Category { name: "backpacks", noun: "backpack", euros: 30..180 },
    Category { name: "headphones", noun: "headphones", euros: 25..350 },
    Category { name: "mugs", noun: "mug", euros: 6..28 },
    Category { name: "keyboards", noun: "keyboard", euros: 35..220 },
    Category { name: "notebooks", noun: "notebook", euros: 4..24 },
    Category { name: "clocks", noun: "clock", euros: 18..140 },
];

const LOOKS: [&str; 10] =
    ["Oak", "Copper", "Linen", "Slate", "Amber", "Birch", "Cobalt", "Ivory", "Walnut", "Graphite"];
const MAKERS: [&str; 7] = ["Nordal", "Kestrel", "Obermann", "Sato", "Veldhuis", "Lumiere", "Pinewood"];

const SEED: u64 = 20_251_123;
const PRODUCTS: u32 = 320;
const HIGHEST_STOCK: u32 = 40;
/// One product in this many is sold out, so that stock-outs happen in every run.
const SOLD_OUT_EVERY: u32 = 7;

/// A product with its price in cents and its stock.
pub(crate) struct Shelved {
    pub(crate) product: Product,
    pub(crate) cents: u32,
    pub(crate) stock: u32,
}

/// All products, always the same.
pub(crate) fn assortment() -> impl Iterator<Item = Shelved> {
    let mut dice = Dice(SEED);
    (1..=PRODUCTS).map(move |number| shelve(number, &mut dice))
}

fn shelve(number: u32, dice: &mut Dice) -> Shelved {
    let category = &CATEGORIES[number as usize % CATEGORIES.len()];
    let name = format!("{} {} {}", dice.pick(&LOOKS), category.noun, dice.pick(&MAKERS));
    let cents = 100 * dice.between(&category.euros) + 90;
    let stock = if number.is_multiple_of(SOLD_OUT_EVERY) { 0 } else { dice.between(&(3..HIGHEST_STOCK)) };
    let product =
        Product { id: format!("P-{number:04}"), name, category: category.name.into(), price: euros(cents) };
    Shelved { product, cents, stock }
}

/// Converts cents to euros. Money is stored in whole cents, and shown in euros.
pub(crate) fn euros(cents: u32) -> f64 {
    f64::from(cents) / 100.0
}

/// `SplitMix64`: a random number generator that returns the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn between(&mut self, range: &std::ops::Range<u32>) -> u32 {
        let width = u64::from(range.end - range.start);
        range.start + u32::try_from(self.roll() % width).unwrap_or_default()
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.between(&(0..u32::try_from(words.len()).unwrap_or(1))) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_sells_the_same_goods() {
        let names = || assortment().map(|shelved| shelved.product.name).collect::<Vec<_>>();
        assert_eq!(names(), names());
        assert_eq!(names().len(), PRODUCTS as usize);
    }

    #[test]
    fn some_products_are_sold_out_and_most_are_not() {
        let sold_out = assortment().filter(|shelved| shelved.stock == 0).count();
        assert_eq!(sold_out, (PRODUCTS / SOLD_OUT_EVERY) as usize);
    }
}
