//! What Linux tells in `/proc`.

use nix::sys::resource::Resource;
use procfs::process::Process;
use procfs::{Current as _, Uptime, page_size, ticks_per_second};

use super::sample::Sample;
use super::{cgroup, unix};

/// Adds what only Linux tells. What cannot be read, for lack of `/proc` or of permission, is left out.
pub(super) fn fill(sample: &mut Sample) {
    sample.memory_virtual_limit = unix::limit(Resource::RLIMIT_AS);
    let Ok(process) = Process::myself() else { return };
    if let Ok(stat) = process.stat() {
        sample.memory = Some(stat.rss.saturating_mul(page_size()));
        sample.memory_virtual = Some(stat.vsize);
        sample.threads = u64::try_from(stat.num_threads).ok();
        sample.uptime =
            Uptime::current().ok().map(|system| (system.uptime - seconds(stat.starttime)).max(0.0));
    }
    sample.files = process.fd_count().ok().and_then(|files| files.try_into().ok());
    sample.disk = process.io().ok().map(|io| [io.read_bytes, io.write_bytes]);
    sample.memory_limit = cgroup::memory_limit(&process);
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ticks are millions of years")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / ticks_per_second() as f64
}
