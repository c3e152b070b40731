//! The fuse: at which write to the disk a process dies, or the disk fails.

use std::sync::{Arc, Mutex};

use millrun::execute::ports::StorageError;

/// The process is gone. Thrown where it dies, caught where it was started.
pub(super) struct Death;

/// What happens at the write that burns the fuse down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Burnt {
    /// The process dies, and the write was not done.
    DiesBefore,
    /// The process dies, and the write was done.
    DiesAfter,
    /// The write fails, as on a full disk, and so do all after it.
    Fails,
}

/// Writes that are left, and what happens then. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Fuse(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    left: u32,
    burnt: Burnt,
    dead: bool,
    failed: bool,
    writes: u32,
}

/// More writes than any night needs: who makes them is caught in a circle.
const TOO_MANY: u32 = 100_000;

impl Fuse {
    pub(super) fn new(left: u32, burnt: Burnt) -> Self {
        Self(Arc::new(Mutex::new(State {
            left,
            burnt,
            dead: false,
            failed: false,
            writes: 0,
        })))
    }

    /// Writes made so far.
    pub(super) fn writes(&self) -> u32 {
        self.0.lock().unwrap().writes
    }

    /// Whether the process died at a write.
    pub(super) fn is_dead(&self) -> bool {
        self.0.lock().unwrap().dead
    }

    /// A write of the loop's own thread.
    pub(super) fn write<T>(
        &self,
        write: impl FnOnce() -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let written = self.elsewhere(write);
        self.unwind_if_dead();
        written
    }

    /// On the loop's own thread a process that died goes no further.
    pub(super) fn unwind_if_dead(&self) {
        if self.is_dead() {
            std::panic::resume_unwind(Box::new(Death));
        }
    }

    /// A write of another task, which can't unwind the process: it dies at the loop's next write.
    pub(super) fn elsewhere<T>(
        &self,
        write: impl FnOnce() -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let gone = || StorageError::new("the disk", "the process is dead");
        let is_last = {
            let mut state = self.0.lock().unwrap();
            if state.dead {
                return Err(gone());
            }
            if state.failed {
                return Err(full());
            }
            state.writes += 1;
            assert!(state.writes < TOO_MANY, "the process writes for ever");
            state.left = state.left.saturating_sub(1);
            state.left == 0
        };
        if !is_last {
            return write();
        }
        let burnt = self.0.lock().unwrap().burnt;
        match burnt {
            Burnt::DiesBefore => self.0.lock().unwrap().dead = true,
            Burnt::DiesAfter => {
                let written = write();
                self.0.lock().unwrap().dead = true;
                return written;
            }
            Burnt::Fails => {
                self.0.lock().unwrap().failed = true;
                return Err(full());
            }
        }
        Err(gone())
    }
}

fn full() -> StorageError {
    StorageError::new("the disk", "no space left on device")
}
