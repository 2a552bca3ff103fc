//! Makes requests of spans.

use std::sync::Arc;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use super::batch::Batch;
use super::encode::Encoder;
use super::sanitise::sanitise;
use crate::pipeline::ledger::Ledger;
use crate::settings::Batch as Limits;

/// Makes requests of spans.
#[derive(Debug)]
pub(crate) struct Packer {
    encoder: Encoder,
    bytes: usize,
    ledger: Arc<Ledger>,
}

impl Packer {
    pub(crate) fn new(resource: &Resource, limits: &Limits, ledger: Arc<Ledger>) -> Self {
        Packer { encoder: Encoder::new(resource), bytes: limits.bytes, ledger }
    }

    /// Batches that keep the bound on the bytes of a request.
    pub(crate) fn pack(&mut self, spans: &mut [SpanData]) -> Vec<Batch> {
        spans.iter_mut().for_each(sanitise);
        let batch = self.encoder.batch(spans);
        if batch.bytes() <= self.bytes {
            return vec![batch];
        }
        let (batch, cut) = batch.cut(self.bytes);
        if cut > 0 {
            self.ledger.cut(cut, self.bytes);
        }
        batch.within(self.bytes)
    }
}
