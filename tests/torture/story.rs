//! The story of a night: what happened, line by line, and a hash over all of it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What is told of one night. Clones tell the same story.
#[derive(Clone, Default)]
pub(super) struct Story(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    lines: Vec<String>,
    is_kept: bool,
    hash: Fnv,
    violations: Vec<String>,
    /// Where the night's files are: another place each time.
    place: String,
}

/// FNV-1a: small, and the same on every machine.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn eat(&mut self, text: &str) {
        for byte in text.bytes().chain([b'\n']) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl Told {
    fn without_place(&self, text: &str) -> String {
        if self.place.is_empty() {
            text.to_owned()
        } else {
            text.replace(&self.place, "~")
        }
    }
}

impl Story {
    pub(super) fn new(is_kept: bool) -> Self {
        let story = Self::default();
        story.0.lock().unwrap().is_kept = is_kept;
        story
    }

    /// The night's files are in `place`, which is told as `~`.
    pub(super) fn takes_place_in(&self, place: &Path) {
        self.0.lock().unwrap().place = place.display().to_string();
    }

    /// Something happened at `at_ms`.
    pub(super) fn tell(&self, at_ms: i64, what: &str) {
        let mut told = self.0.lock().unwrap();
        let what = told.without_place(what);
        let mut line = String::with_capacity(what.len() + 16);
        let _ = write!(line, "{:>10.3} {what}", at_ms as f64 / 1_000.0);
        told.hash.eat(&line);
        if told.is_kept {
            told.lines.push(line);
        }
    }

    /// A promise was broken.
    pub(super) fn broken(&self, invariant: &str, how: impl std::fmt::Display) {
        let line = format!("{invariant}: {how}");
        let mut told = self.0.lock().unwrap();
        let line = told.without_place(&line);
        told.hash.eat(&line);
        if told.is_kept {
            told.lines.push(format!("           BROKEN {line}"));
        }
        // The first few say it; a bug that shows at each request would fill the memory.
        if told.violations.len() < 20 && !told.violations.contains(&line) {
            told.violations.push(line);
        }
    }

    pub(super) fn hash(&self) -> u64 {
        self.0.lock().unwrap().hash.0
    }

    pub(super) fn violations(&self) -> Vec<String> {
        self.0.lock().unwrap().violations.clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().lines.clone()
    }
}
