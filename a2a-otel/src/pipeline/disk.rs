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

    /// Reads requests back as one payload, with the records that could be read. `None` if none could.
    fn load(&self, records: Vec<Self::Record>) -> Option<(P, Vec<Self::Record>)>;

    /// Which process a request comes from.
    fn origin(&self, record: &Self::Record) -> Origin;

    /// Marks a request that was sent or given up, and need not be kept.
    fn done(&self, record: &Self::Record);

    /// Writes the remaining items to disk, and removes empty files and folders.
    fn close(&mut self);
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
