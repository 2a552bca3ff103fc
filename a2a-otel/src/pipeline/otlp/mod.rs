//! Spans in the form of OTLP: encoded once, gathered into requests, and cut where a request would be too long.

mod batch;
mod encode;
mod packer;
mod sanitise;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use self::batch::Batch;
pub(crate) use self::packer::Packer;
