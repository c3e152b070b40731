//! How a file comes to be so that it outlasts a power cut: written beside its place, synced, renamed, and its folder synced.
//!
//! What a file's life rests on goes through [`Volume`], so that a test can lose what was not synced. Whoever only reads
//! reads the disk itself.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::teeth::{Bug, bites};

/// The calls that change a disk. What is not synced may be gone, or half there, after a power cut.
pub trait Volume: std::fmt::Debug + Send + Sync {
    /// Writes `bytes` into a new file at `path`, for whom `mode` and the user's mask allow.
    ///
    /// # Errors
    /// When there is one already, or it can't be written; none is left then.
    fn write_new(&self, path: &Path, mode: u32, bytes: &[u8]) -> io::Result<File>;

    /// What was written into `file`, which is at `path`, is on the disk when this returns.
    ///
    /// # Errors
    /// When that can't be said.
    fn sync(&self, file: &File, path: &Path) -> io::Result<()>;

    /// Gives the file at `from` the name `to`, in the place of what has it.
    ///
    /// # Errors
    /// When it can't.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes `folder`, in a folder that is there.
    ///
    /// # Errors
    /// When it is there already, or can't be made.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;

    /// What was made and renamed in `folder` is on the disk when this returns.
    ///
    /// # Errors
    /// When that can't be said.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Removes the file at `path`.
    ///
    /// # Errors
    /// When it can't.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisMachine;

impl Volume for ThisMachine {
    fn write_new(&self, path: &Path, mode: u32, bytes: &[u8]) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
        if let Err(error) = file.write_all(bytes) {
            let _ = fs::remove_file(path); // What is told is why it could not be written.
            return Err(error);
        }
        Ok(file)
    }

    fn sync(&self, file: &File, _: &Path) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// What a file is called until it is whole, and who may read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Temporary<'a> {
    /// What its name begins with.
    pub(super) prefix: &'a str,
    /// What its name ends with.
    pub(super) suffix: &'a str,
    /// Its permissions, before the user's mask.
    pub(super) mode: u32,
    /// The bug that leaves its content unsynced.
    pub(super) bug: Bug,
}

/// Puts `bytes` at `to`, in the place of what is there: whole and synced when this returns, and not at all before that.
pub(super) fn put_whole(
    volume: &dyn Volume,
    to: &Path,
    bytes: &[u8],
    temporary: Temporary<'_>,
) -> io::Result<()> {
    let folder = folder_of(to);
    let (file, path) = tempfile::Builder::new()
        .prefix(temporary.prefix)
        .suffix(temporary.suffix)
        .make_in(folder, |path| volume.write_new(path, temporary.mode, bytes))?
        .into_parts();
    let path = path.keep()?;
    let is_synced = !bites(temporary.bug);
    let sync = || {
        if is_synced {
            volume.sync(&file, &path)
        } else {
            Ok(())
        }
    };
    if let Err(error) = sync().and_then(|()| volume.rename(&path, to)) {
        let _ = volume.remove(&path); // What is told is why it could not be put there.
        return Err(error);
    }
    sync_entry(volume, to)
}

/// The name at `path` is on the disk when this returns.
pub(super) fn sync_entry(volume: &dyn Volume, path: &Path) -> io::Result<()> {
    if bites(Bug::ForgetFolderSync) {
        return Ok(());
    }
    volume.sync_folder(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;

    use super::*;

    /// The disk of this machine, and what was asked of it.
    #[derive(Debug, Default)]
    pub(in super::super) struct Watched {
        told: Mutex<Vec<String>>,
        /// The call that fails, by its name.
        pub(in super::super) fails: Option<&'static str>,
    }

    impl Watched {
        fn tell(&self, call: &str, path: &Path) -> io::Result<()> {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = if name.starts_with('.') {
                "temporary"
            } else {
                &name
            };
            self.told.lock().unwrap().push(format!("{call} {name}"));
            if self.fails == Some(call) {
                return Err(io::Error::other(format!("{call} fails")));
            }
            Ok(())
        }

        /// What was asked since the last time, in order.
        pub(in super::super) fn told(&self) -> Vec<String> {
            std::mem::take(&mut self.told.lock().unwrap())
        }
    }

    impl Volume for Watched {
        fn write_new(&self, path: &Path, mode: u32, bytes: &[u8]) -> io::Result<File> {
            self.tell("write", path)?;
            ThisMachine.write_new(path, mode, bytes)
        }

        fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
            self.tell("sync", path)?;
            ThisMachine.sync(file, path)
        }

        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.tell("rename", to)?;
            ThisMachine.rename(from, to)
        }

        fn make_folder(&self, folder: &Path) -> io::Result<()> {
            self.tell("make", folder)?;
            ThisMachine.make_folder(folder)
        }

        fn sync_folder(&self, folder: &Path) -> io::Result<()> {
            self.tell("sync folder", folder)?;
            ThisMachine.sync_folder(folder)
        }

        fn remove(&self, path: &Path) -> io::Result<()> {
            self.tell("remove", path)?;
            ThisMachine.remove(path)
        }
    }

    const OURS: Temporary<'_> = Temporary {
        prefix: ".put-",
        suffix: "",
        mode: 0o600,
        bug: Bug::StoreBeforeSync,
    };

    #[test]
    fn a_file_is_synced_before_it_has_its_name_and_its_folder_after() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("out");
        fs::create_dir(&folder).unwrap();
        let volume = Watched::default();
        put_whole(&volume, &folder.join("p.step"), b"one", OURS).unwrap();
        assert_eq!(
            volume.told(),
            [
                "write temporary",
                "sync temporary",
                "rename p.step",
                "sync folder out"
            ]
        );
    }

    #[test]
    fn what_can_t_be_put_there_whole_leaves_nothing() {
        for fails in ["write", "sync", "rename"] {
            let folder = tempfile::tempdir().unwrap();
            let volume = Watched {
                fails: Some(fails),
                ..Watched::default()
            };
            let put = put_whole(&volume, &folder.path().join("p.step"), b"one", OURS);
            assert_eq!(put.unwrap_err().to_string(), format!("{fails} fails"));
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{fails}");
        }
    }
}
