//! Stands for Phoenix without the feature `otlp`: no experiment is registered there.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;

use super::ExperimentError;
use super::journal::{Content, EvaluationRecord, Journal};
use super::run::RunRecord;
use crate::dataset::Dataset;

/// Has no values: without `otlp`, there is no client.
#[derive(Clone)]
pub(super) enum Client {}

/// Has no values: nothing is registered.
pub(super) enum Registered {}

/// Has no values: nothing is sent.
pub(super) enum Publisher {}

impl Registered {
    #[expect(clippy::unused_async, reason = "with Phoenix, it is asked")]
    pub(super) async fn register(
        client: &Client,
        _: &Dataset,
        _: Option<&str>,
        _: &mut Content,
        _: &Journal,
    ) -> Result<Option<Self>, ExperimentError> {
        match *client {}
    }

    pub(super) fn context(&self) -> Context {
        match *self {}
    }

    pub(super) fn publisher(&self, _: &Content, _: Arc<Journal>) -> Publisher {
        match *self {}
    }

    pub(super) fn link(&self) -> String {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "with Phoenix, it waits")]
    pub(super) async fn end(self) {
        match self {}
    }
}

impl Publisher {
    pub(super) fn run(&self, _: RunRecord) {
        match *self {}
    }

    pub(super) fn evaluation(&self, _: EvaluationRecord) {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "with Phoenix, it waits")]
    pub(super) async fn finish(self, _: Duration) {
        match self {}
    }
}
