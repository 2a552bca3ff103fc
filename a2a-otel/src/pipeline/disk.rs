//! What the sender needs of a disk: a place that keeps items over an outage, and over the end of the process.

use std::convert::Infallible;

use super::ledger::Origin;
use crate::settings::Batch;

/// Keeps requests on disk until they are sent.
pub(crate) trait Disk<P>: Send {
    /// Where one request lies.
    type Record: Send + Sync;

    /// Writes down what waits in memory, so that everything is sent in its order.
    fn save_waiting(&mut self);

    /// Whether requests of earlier processes are left to be sent.
    fn has_recovered(&self) -> bool;

    /// Takes as many of those as fit into one batch.
    fn take_recovered(&mut self, limits: &Batch) -> Vec<Self::Record>;

    /// Reads requests back as one payload, with the records that could be read. Nothing if none could.
    fn load(&self, records: Vec<Self::Record>) -> Option<(P, Vec<Self::Record>)>;

    /// Which process a request comes from.
    fn origin(&self, record: &Self::Record) -> Origin;

    /// The request is sent or given up, and need not be kept.
    fn done(&self, record: &Self::Record);

    /// Writes down what is left, and removes what is empty.
    fn close(&mut self);
}

/// The disk of a signal that is only kept in memory. There is no value of it.
#[derive(Debug)]
pub(crate) enum NoDisk {}

impl<P> Disk<P> for NoDisk {
    type Record = Infallible;

    fn save_waiting(&mut self) {
        match *self {}
    }

    fn has_recovered(&self) -> bool {
        match *self {}
    }

    fn take_recovered(&mut self, _limits: &Batch) -> Vec<Infallible> {
        match *self {}
    }

    fn load(&self, _records: Vec<Infallible>) -> Option<(P, Vec<Infallible>)> {
        match *self {}
    }

    fn origin(&self, record: &Infallible) -> Origin {
        match *record {}
    }

    fn done(&self, record: &Infallible) {
        match *record {}
    }

    fn close(&mut self) {
        match *self {}
    }
}
