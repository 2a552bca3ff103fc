//! What the sender needs from a disk: it keeps items during an outage, and after the end of the process.

use std::convert::Infallible;

use super::ledger::Origin;
use crate::settings::Batch;

/// Keeps requests on disk until they are sent.
pub(crate) trait Disk<P>: Send {
    /// The position of one request on the disk.
    type Record: Send + Sync;

    /// Writes the items that wait in memory to disk, so that everything is sent in order.
    fn save_waiting(&mut self);

    /// Whether requests of earlier processes still have to be sent.
    fn has_recovered(&self) -> bool;

    /// Takes as many of these requests as fit into one batch.
    fn take_recovered(&mut self, limits: &Batch) -> Vec<Self::Record>;

    /// Reads requests back as one payload. `None` if none could be read.
    fn load(&self, records: Vec<Self::Record>) -> Option<Loaded<P, Self::Record>>;

    /// Marks a request that was sent or given up, and need not be kept.
    fn done(&self, record: &Self::Record);

    /// Writes the remaining items to disk, and removes empty files and folders.
    fn close(&mut self);
}

/// A payload that was read back.
pub(crate) struct Loaded<P, R> {
    pub(crate) payload: P,
    /// The requests that could be read.
    pub(crate) records: Vec<R>,
    /// Which process they come from.
    pub(crate) origin: Origin,
}

/// The disk of a signal that is only kept in memory. This type has no values.
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

    fn load(&self, _records: Vec<Infallible>) -> Option<Loaded<P, Infallible>> {
        match *self {}
    }

    fn done(&self, record: &Infallible) {
        match *record {}
    }

    fn close(&mut self) {
        match *self {}
    }
}
