//! What every Unix tells.

use std::time::Duration;

use nix::libc::{RLIM_INFINITY, c_long, rlim_t};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeVal;

use super::sample::Sample;

/// Adds the use of resources by all threads, including those that have ended, and the limit of files.
pub(super) fn fill(sample: &mut Sample) {
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
        sample.cpu_time = Some([duration(usage.user_time()), duration(usage.system_time())]);
        sample.switches =
            Some([count(usage.voluntary_context_switches()), count(usage.involuntary_context_switches())]);
        sample.faults = Some([count(usage.major_page_faults()), count(usage.minor_page_faults())]);
    }
    sample.files_limit = limit(Resource::RLIMIT_NOFILE);
}

/// The limit that holds. `None` if there is none.
pub(super) fn limit(resource: Resource) -> Option<u64> {
    let (soft, _) = getrlimit(resource).ok()?;
    (soft != RLIM_INFINITY).then(|| whole(soft)).flatten()
}

// Its sign depends on the system.
#[allow(clippy::unnecessary_fallible_conversions, clippy::useless_conversion, reason = "see above")]
fn whole(limit: rlim_t) -> Option<u64> {
    limit.try_into().ok()
}

#[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "the types depend on the system")]
fn duration(time: TimeVal) -> Duration {
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec() as i64).unwrap_or(0));
    seconds + Duration::from_micros(u64::try_from(time.tv_usec() as i64).unwrap_or(0))
}

fn count(number: c_long) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
