//! Without the feature `otlp`, metrics are not sent.

use std::time::Duration;

use opentelemetry_sdk::metrics::data::ResourceMetrics;

use crate::environment::Warning;
use crate::pipeline::delivery::DataPoints;
use crate::pipeline::health::Condition;
use crate::settings::Settings;

/// There is none.
#[derive(Debug)]
pub(crate) enum Pusher {}

impl Pusher {
    pub(crate) fn new(_settings: &Settings, _warnings: &mut Vec<Warning>) -> Option<Self> {
        None
    }

    pub(crate) fn push(&self, _collected: &ResourceMetrics) {
        match *self {}
    }

    pub(crate) fn flush(&self, _timeout: Duration) {
        match *self {}
    }

    pub(crate) fn closing(&self) {
        match *self {}
    }

    pub(crate) fn close(&self, _timeout: Duration) {
        match *self {}
    }

    pub(crate) fn condition(&self) -> Condition {
        match *self {}
    }

    pub(crate) fn delivery(&self) -> DataPoints {
        match *self {}
    }

    pub(crate) fn write_off(&self) {
        match *self {}
    }
}
