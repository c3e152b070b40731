//! The output folder: files appear in it whole, by a rename, and a file that somebody edited is never overwritten.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::content_store::ContentStore;
use super::sqlite::blocking;
use crate::execute::ports::{Files, StorageError};
use crate::plan::content::Digest;
use crate::plan::memory::Published;
use crate::plan::remote::Stored;

/// What our temporary files end with.
const TEMPORARY: &str = ".part";

/// The content store and the folder into which it is published.
#[derive(Debug)]
pub struct Output {
    store: Arc<ContentStore>,
    folder: PathBuf,
    /// What the names of this family's temporary files begin with.
    prefix: String,
    /// The folders that were swept: once a process is enough, and reading a large one again for every part is not cheap.
    swept: Mutex<BTreeSet<PathBuf>>,
}

impl Output {
    /// Publishes from `store` into `folder`.
    #[must_use]
    pub fn new(store: Arc<ContentStore>, folder: impl Into<PathBuf>) -> Self {
        let tag = Digest::of(store.folder().as_os_str().as_encoded_bytes()).short();
        Self {
            store,
            folder: folder.into(),
            prefix: format!(".millrun-{tag}-"),
            swept: Mutex::default(),
        }
    }

    /// Makes the folder of `wanted`, one component at a time, and refuses links on the way: they may lead outside.
    fn folder_of(&self, wanted: &Path) -> std::io::Result<PathBuf> {
        let mut folder = self.folder.clone();
        fs::create_dir_all(&folder)?;
        for component in wanted.parent().into_iter().flat_map(Path::components) {
            let Component::Normal(name) = component else {
                return Err(std::io::Error::other("the path leaves the output folder"));
            };
            folder.push(name);
            match fs::symlink_metadata(&folder) {
                Ok(there) if there.is_dir() => {}
                Ok(_) => {
                    return Err(std::io::Error::other(format!(
                        "{} is not a folder",
                        folder.display()
                    )));
                }
                Err(_) => fs::create_dir(&folder)?,
            }
        }
        Ok(folder)
    }

    /// Removes what an earlier process left when it was killed.
    fn sweep(&self, folder: &Path) -> std::io::Result<()> {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.contains(folder) {
            return Ok(());
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&self.prefix) && name.ends_with(TEMPORARY) {
                fs::remove_file(entry.path())?;
            }
        }
        swept.insert(folder.to_owned());
        Ok(())
    }

    fn write(
        &self,
        wanted: &Path,
        bytes: &[u8],
        sha256: Digest,
        ours: Option<&Published>,
    ) -> std::io::Result<PathBuf> {
        let folder = self.folder_of(wanted)?;
        self.sweep(&folder)?;
        for candidate in candidates(wanted) {
            let path = self.folder.join(&candidate);
            let found = match fs::symlink_metadata(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
                Ok(there) if there.is_file() => Some(Digest::of(&fs::read(&path)?)),
                Ok(_) => continue,
            };
            let replaceable = ours.is_some_and(|ours| {
                Path::new(&ours.path) == candidate && found == Some(ours.stored.sha256)
            });
            match found {
                Some(found) if found == sha256 => return Ok(candidate),
                Some(_) if !replaceable => {}
                _ => {
                    let permissions = fs::Permissions::from_mode(0o666);
                    let mut temporary = tempfile::Builder::new()
                        .prefix(&self.prefix)
                        .suffix(TEMPORARY)
                        .permissions(permissions)
                        .tempfile_in(&folder)?;
                    temporary.write_all(bytes)?;
                    temporary.as_file().sync_all()?;
                    temporary.persist(&path).map_err(|error| error.error)?;
                    File::open(&folder)?.sync_all()?;
                    return Ok(candidate);
                }
            }
        }
        Err(std::io::Error::other(
            "every name that it could have is taken by another file",
        ))
    }
}

impl Files for Output {
    fn read(&self, digest: Digest) -> Result<Bytes, StorageError> {
        self.store.get(digest)
    }

    fn publish(
        &self,
        wanted: &Path,
        stored: Stored,
        ours: Option<&Published>,
    ) -> Result<Published, StorageError> {
        blocking(|| {
            let bytes = self.store.get(stored.sha256)?;
            let path = self.write(wanted, &bytes, stored.sha256, ours);
            let path = path.map_err(|error| {
                StorageError::new(self.folder.join(wanted).display().to_string(), error)
            })?;
            let text = |path: &Path| path.to_string_lossy().into_owned();
            Ok(Published {
                wanted: text(wanted),
                path: text(&path),
                stored,
            })
        })
    }
}

/// `a/b.step`, then `a/b.1.step` and so on.
fn candidates(wanted: &Path) -> impl Iterator<Item = PathBuf> {
    let numbered = |n: u32| wanted.with_extension(format!("{n}.step"));
    std::iter::once(wanted.to_owned()).chain((1..100).map(numbered))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        folder: tempfile::TempDir,
        output: Output,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(ContentStore::open(folder.path().join("objects")).unwrap());
        let output = Output::new(store, folder.path().join("out"));
        Fixture { folder, output }
    }

    impl Fixture {
        fn publish(&self, content: &str, ours: Option<&Published>) -> Published {
            let stored = self.output.store.put(content.as_bytes()).unwrap();
            self.output
                .publish(Path::new("a/p.step"), stored, ours)
                .unwrap()
        }

        fn read(&self, path: &str) -> String {
            fs::read_to_string(self.folder.path().join("out").join(path)).unwrap()
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<String> = fs::read_dir(self.folder.path().join("out/a"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        }
    }

    #[test]
    fn an_edited_file_is_kept_and_the_new_revision_stands_beside_it() {
        let f = fixture();
        let first = f.publish("one", None);
        assert_eq!(f.publish("two", Some(&first)).path, "a/p.step");
        let second = f.publish("two", Some(&first));
        fs::write(f.folder.path().join("out/a/p.step"), "edited").unwrap();
        let third = f.publish("three", Some(&second));
        assert_eq!(
            (third.wanted.as_str(), third.path.as_str()),
            ("a/p.step", "a/p.1.step")
        );
        assert_eq!(f.publish("three", Some(&third)).path, "a/p.1.step");
        assert_eq!(f.publish("four", Some(&third)).path, "a/p.1.step");
        assert_eq!(
            (f.read("a/p.step").as_str(), f.read("a/p.1.step").as_str()),
            ("edited", "four")
        );
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_nothing_else_is() {
        let f = fixture();
        let folder = f.folder.path().join("out/a");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}abc.part", f.output.prefix)), "half").unwrap();
        fs::write(folder.join(".millrun-other-abc.part"), "another family's").unwrap();
        fs::write(folder.join("notes.part"), "mine").unwrap();
        f.publish("one", None);
        assert_eq!(
            f.names(),
            [".millrun-other-abc.part", "notes.part", "p.step"]
        );
    }

    #[test]
    fn a_folder_is_swept_once_a_process() {
        let f = fixture();
        f.publish("one", None);
        let left = format!("{}abc.part", f.output.prefix);
        fs::write(f.folder.path().join("out/a").join(&left), "half").unwrap();
        f.publish("two", None);
        assert_eq!(f.names(), [left.as_str(), "p.1.step", "p.step"]);
    }

    #[test]
    fn a_link_in_the_output_folder_is_not_followed() {
        let f = fixture();
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir_all(f.folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink(outside.path(), f.folder.path().join("out/a")).unwrap();
        let stored = f.output.store.put(b"one").unwrap();
        assert!(
            f.output
                .publish(Path::new("a/p.step"), stored, None)
                .is_err()
        );
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_object_is_never_published() {
        let f = fixture();
        let stored = f.output.store.put(b"one").unwrap();
        fs::write(
            f.output.store.folder().join(stored.sha256.to_string()),
            "two",
        )
        .unwrap();
        let error = f
            .output
            .publish(Path::new("a/p.step"), stored, None)
            .unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
    }
}
