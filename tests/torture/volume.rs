//! A disk that forgets: when the power fails, files whose content was not synced are torn, and names that were made or
//! changed without a sync of their folder are as they were before.
//!
//! Its files are real ones, in memory. What each call would have to take back is kept until the sync that makes it last.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use millrun::adapters::volume::{ThisMachine, Volume};

use super::draw::Draw;
use super::fuse::Fuse;

/// What the disk may still lose. It outlives processes.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsynced(Arc<Mutex<Pending>>);

#[derive(Debug, Default)]
struct Pending {
    /// Files whose content is not on the disk yet.
    contents: Vec<PathBuf>,
    /// Names that are not on the disk yet, in the order in which they came.
    names: Vec<Name>,
}

#[derive(Debug, Clone)]
enum Name {
    /// A file or a folder that was not there.
    New(PathBuf),
    /// A file that got another name, in the place of what was there.
    Moved {
        from: PathBuf,
        to: PathBuf,
        before: Option<Vec<u8>>,
    },
}

impl Name {
    fn path(&self) -> &Path {
        match self {
            Self::New(path) => path,
            Self::Moved { to, .. } => to,
        }
    }
}

impl Unsynced {
    /// The power fails: what the disk has left of everything that was not synced, drawn. Says what was lost.
    pub(super) fn lose(&self, draw: &mut Draw) -> Vec<String> {
        let Pending { contents, names } = std::mem::take(&mut *self.0.lock().unwrap());
        let mut told = Vec::new();
        for path in contents.iter().filter(|path| path.is_file()) {
            if let Some(how) = tear(path, draw) {
                told.push(format!("{} is {how}", kind_of(path)));
            }
        }
        // From the last to the first; what came to a place after a change that lasts can't have come without it.
        let mut lasts: Vec<PathBuf> = Vec::new();
        for name in names.iter().rev() {
            let stays = lasts.iter().any(|path| path.starts_with(name.path()));
            if stays || draw.happens(50) {
                lasts.push(name.path().to_owned());
            } else if take_back(name) {
                told.push(format!("the name of {} is lost", kind_of(name.path())));
            }
        }
        told
    }
}

/// What became of a file whose content was not synced.
fn tear(path: &Path, draw: &mut Draw) -> Option<&'static str> {
    let bytes = fs::read(path).unwrap();
    let (bytes, how) = match draw.within(0, 3) {
        0 => return None,
        1 => (Vec::new(), "empty"),
        2 => (bytes[..bytes.len() / 2].to_vec(), "cut short"),
        _ => (vec![0; bytes.len()], "nothing but zeros"),
    };
    fs::write(path, bytes).unwrap();
    Some(how)
}

fn take_back(name: &Name) -> bool {
    match name {
        Name::New(path) if path.is_dir() => fs::remove_dir_all(path).is_ok(),
        Name::New(path) => fs::remove_file(path).is_ok(),
        Name::Moved { from, to, before } => {
            let is_back = fs::rename(to, from).is_ok();
            if let (true, Some(before)) = (is_back, before) {
                fs::write(to, before).unwrap();
            }
            is_back
        }
    }
}

/// Names of temporary files are drawn by nobody's seed.
fn kind_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with('.') {
        "a temporary file".to_owned()
    } else {
        name.into_owned()
    }
}

/// The disk as one process has it: each call is a write at which it may die.
#[derive(Debug)]
pub(super) struct ForgetfulVolume {
    pub(super) unsynced: Unsynced,
    pub(super) fuse: Fuse,
}

impl ForgetfulVolume {
    fn call<T>(&self, call: impl FnOnce(&mut Pending) -> io::Result<T>) -> io::Result<T> {
        let mut result = None;
        let burnt = self.fuse.elsewhere(|| {
            result = Some(call(&mut self.unsynced.0.lock().unwrap()));
            Ok(())
        });
        burnt.map_err(io::Error::other)?;
        result.unwrap_or_else(|| Err(io::Error::other("nothing was done")))
    }
}

impl Volume for ForgetfulVolume {
    fn write_new(&self, path: &Path, mode: u32, bytes: &[u8]) -> io::Result<File> {
        self.call(|pending| {
            let file = ThisMachine.write_new(path, mode, bytes)?;
            pending.contents.push(path.to_owned());
            pending.names.push(Name::New(path.to_owned()));
            Ok(file)
        })
    }

    fn sync(&self, _: &File, path: &Path) -> io::Result<()> {
        self.call(|pending| {
            pending.contents.retain(|content| content != path);
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|pending| {
            let before = fs::read(to).ok();
            ThisMachine.rename(from, to)?;
            // What was torn in the old place would be replaced; what is torn is what came from there.
            pending.contents.retain(|content| content != to);
            for content in pending.contents.iter_mut().filter(|path| *path == from) {
                to.clone_into(content);
            }
            let (from, to) = (from.to_owned(), to.to_owned());
            pending.names.push(Name::Moved { from, to, before });
            Ok(())
        })
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.call(|pending| {
            ThisMachine.make_folder(folder)?;
            pending.names.push(Name::New(folder.to_owned()));
            Ok(())
        })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.call(|pending| {
            pending
                .names
                .retain(|name| name.path().parent() != Some(folder));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(|_| ThisMachine.remove(path))
    }
}
