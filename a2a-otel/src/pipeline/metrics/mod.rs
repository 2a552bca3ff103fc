//! Sends metrics over OTLP.

#[cfg(feature = "otlp")]
mod push;
#[cfg(not(feature = "otlp"))]
mod unsent;

#[cfg(feature = "otlp")]
pub(crate) use self::push::Pusher;
#[cfg(not(feature = "otlp"))]
pub(crate) use self::unsent::Pusher;
