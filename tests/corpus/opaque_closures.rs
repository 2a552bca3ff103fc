//! Closures whose parameters have the types that the signature's `impl Fn` says.

use crate::log::Log;
use crate::observe;

#[observe]
fn inferred() -> impl Fn(u8) -> u8 {
    |n| n.pow(2)
}

#[observe]
fn higher_ranked() -> impl for<'a> Fn(&'a str) -> &'a str {
    |text| &text[1..]
}

trait Lends {
    type Lent<'a>
    where
        Self: 'a;

    fn lend(&mut self) -> Self::Lent<'_>;
}

struct Buffer(Vec<u8>);

impl Lends for Buffer {
    type Lent<'a> = &'a mut [u8];

    fn lend(&mut self) -> Self::Lent<'_> {
        &mut self.0[1..]
    }
}

#[observe(skip_all)]
fn generic_associated_type<L: for<'a> Lends<Lent<'a> = &'a mut [u8]>>(lender: &mut L) -> usize {
    lender.lend().len()
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("inferred", || inferred()(3));
    log.shape("higher_ranked", || higher_ranked()("text").to_owned());
    log.shape("generic_associated_type", || generic_associated_type(&mut Buffer(vec![1, 2, 3])));
}
