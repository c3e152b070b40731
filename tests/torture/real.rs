//! The folder of a night, on a file system in memory where there is one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// The folder of one night.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        // A file system in memory makes commits cheap; what is tested is the order of events, not the disk.
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        Self(tempfile::tempdir_in(base).unwrap())
    }

    pub(super) fn place(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The files in `folder` and below it.
    pub(super) fn files(&self, folder: &str) -> BTreeMap<String, Bytes> {
        let mut files = BTreeMap::new();
        walk(&self.path(folder), &self.path(folder), &mut files);
        files
    }
}

fn walk(folder: &Path, base: &Path, files: &mut BTreeMap<String, Bytes>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, base, files);
        } else {
            let name = path
                .strip_prefix(base)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            files.insert(name, fs::read(&path).unwrap().into());
        }
    }
}
