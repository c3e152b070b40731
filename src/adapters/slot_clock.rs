//! The clock of slots. Processes that share them must agree on the time whatever the wall's clock does, also while the
//! machine sleeps: they count from its last boot.

use std::hash::{BuildHasher as _, RandomState};

use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest as _, Sha256};

use crate::plan::remote::Timestamp;

/// It goes on while the machine sleeps. On macOS the monotonic clock does.
#[cfg(target_os = "linux")]
const SINCE_BOOT: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// By which clock slots are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlotClock {
    /// The engine's own: a simulated world has no other.
    Engine,
    /// The machine's, since its boot.
    Boot(Boot),
}

/// Which boot of the machine this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Boot(i64);

impl SlotClock {
    /// The machine's clock.
    pub(super) fn of_this_boot() -> Self {
        let id = boot_id().unwrap_or_else(|| {
            // A boot that is like no other: slots of others count by the wall's clock.
            format!("{:x}", RandomState::new().hash_one("boot"))
        });
        let digest = Sha256::digest(id.trim().as_bytes());
        let (eight, _) = digest.split_first_chunk().unwrap_or((&[1; 8], &[]));
        Self::Boot(Boot(i64::from_be_bytes(*eight)))
    }

    /// Now, when it is `engine` on the engine's clock.
    pub(super) fn now(self, engine: Timestamp) -> Timestamp {
        match self {
            Self::Engine => engine,
            Self::Boot(_) => {
                let time = clock_gettime(SINCE_BOOT);
                Timestamp(
                    time.tv_sec
                        .saturating_mul(1_000)
                        .saturating_add(time.tv_nsec / 1_000_000),
                )
            }
        }
    }

    /// The number of the boot, as it is stored. Times of two numbers can't be compared.
    pub(super) const fn boot(self) -> i64 {
        match self {
            Self::Engine => 0,
            Self::Boot(Boot(id)) => id,
        }
    }
}

#[cfg(target_os = "linux")]
fn boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

/// Without `unsafe`, only the program that comes with the system tells it.
#[cfg(not(target_os = "linux"))]
fn boot_id() -> Option<String> {
    let told = std::process::Command::new("/usr/sbin/sysctl")
        .args(["-n", "kern.bootsessionuuid"])
        .output()
        .ok()?;
    let id = String::from_utf8(told.stdout).ok()?;
    (told.status.success() && !id.trim().is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_processes_of_a_boot_agree_and_time_goes_on() {
        let (one, two) = (SlotClock::of_this_boot(), SlotClock::of_this_boot());
        assert_eq!(one, two);
        assert_ne!(one.boot(), SlotClock::Engine.boot());
        let before = one.now(Timestamp(0));
        assert!(two.now(Timestamp(7)) >= before && before > Timestamp(0));
        assert_eq!(SlotClock::Engine.now(Timestamp(7)), Timestamp(7));
    }
}
