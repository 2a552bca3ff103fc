//! Closures whose parameter types come from the signature's `impl Fn`.

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

pub(crate) fn drive(log: &mut Log) {
    log.shape("inferred", || inferred()(3));
    log.shape("higher_ranked", || higher_ranked()("text").to_owned());
}
