//! What is known about the process at one time.

use std::time::Duration;

use crate::metrics::sample::Share;

/// What is known about the process at one time. What the system does not tell is `None`.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// In user mode and in the kernel.
    pub(super) cpu_time: Option<[Duration; 2]>,
    pub(super) cpu_share: Option<Share<2>>,
    pub(super) memory: Option<u64>,
    pub(super) memory_virtual: Option<u64>,
    pub(super) memory_limit: Option<u64>,
    pub(super) memory_virtual_limit: Option<u64>,
    pub(super) threads: Option<u64>,
    pub(super) files: Option<u64>,
    pub(super) files_limit: Option<u64>,
    /// Read and written.
    pub(super) disk: Option<[u64; 2]>,
    /// Voluntary and involuntary.
    pub(super) switches: Option<[u64; 2]>,
    /// Major and minor.
    pub(super) faults: Option<[u64; 2]>,
    /// In seconds.
    pub(super) uptime: Option<f64>,
}
