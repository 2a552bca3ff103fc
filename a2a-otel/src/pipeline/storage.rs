//! Connects the spool to the sender as its disk, and starts the thread that fills it.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use super::disk::{Disk, Loaded};
use super::keeper::Keeper;
use super::ledger::Ledger;
use super::queue::{Amount, Queue};
use super::signal::Durable;
use super::spool::{Address, Spool, StoredRecord};
use crate::lock::lock;
use crate::settings::{self, Batch};

/// The spool of one receiver, for the queue of one signal.
pub(crate) struct Storage<S: Durable> {
    keeper: Arc<Mutex<Keeper<S>>>,
    spool: Arc<Spool>,
    /// Requests that earlier processes have left.
    recovered: VecDeque<StoredRecord>,
}

impl<S: Durable> Storage<S> {
    /// Opens the spool, and starts the thread that writes to it.
    ///
    /// # Errors
    ///
    /// If the folder cannot be used; items then stay in memory.
    pub(crate) fn open(
        settings: &settings::Spool,
        address: &Address,
        queue: &Arc<Queue<S::Item, StoredRecord>>,
        ledger: &Arc<Ledger>,
        signal: S,
    ) -> io::Result<Self> {
        let (spool, recovered) = Spool::open(settings, address, ledger.clone())?;
        let spool = Arc::new(spool);
        let keeper = Keeper::new(queue.clone(), spool.clone(), ledger.clone(), signal);
        let keeper = Arc::new(Mutex::new(keeper));
        let (working, queue) = (keeper.clone(), queue.clone());
        let run = move || Keeper::run(&working, &queue);
        // If no thread can be started, the sender saves items before it sends them.
        let _ = thread::Builder::new().name("a2a-otel-keeper".to_owned()).spawn(run);
        Ok(Storage { keeper, spool, recovered: recovered.into() })
    }
}

impl<S: Durable> Disk<S::Payload> for Storage<S> {
    type Record = StoredRecord;

    fn save_waiting(&mut self) {
        lock(&self.keeper).save_waiting();
    }

    fn has_recovered(&self) -> bool {
        !self.recovered.is_empty()
    }

    fn take_recovered(&mut self, limits: &Batch) -> Vec<StoredRecord> {
        let (mut records, mut taken) = (Vec::new(), Amount::default());
        while let Some(record) = self.recovered.front()
            && (records.is_empty() || taken.leaves_room_for(record.amount(), limits))
        {
            taken.add(record.amount());
            records.extend(self.recovered.pop_front());
        }
        records
    }

    fn load(&self, records: Vec<StoredRecord>) -> Option<Loaded<S::Payload, StoredRecord>> {
        let load = |record: StoredRecord| Some((self.spool.load(&record)?, record));
        let (requests, records): (Vec<_>, Vec<_>) = records.into_iter().filter_map(load).unzip();
        let origin = records.first()?.origin();
        let items = records.iter().map(|record| record.amount().items);
        let payload = S::restore(requests.into_iter().zip(items));
        Some(Loaded { payload, records, origin })
    }

    fn done(&self, record: &StoredRecord) {
        self.spool.done(record);
    }

    fn close(&mut self) {
        self.save_waiting();
        self.spool.leave();
    }
}
