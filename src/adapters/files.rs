//! The output folder: files appear in it whole, by a rename, and a file that somebody edited is never overwritten.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::content_store::ContentStore;
use super::sqlite::blocking;
use super::volume::{Temporary, Volume, put_whole, sync_entry};
use crate::execute::ports::{Files, StorageError};
use crate::plan::digest::Digest;
use crate::plan::memory::Published;
use crate::plan::remote::Stored;
use crate::teeth::Bug;

/// What our temporary files end with.
const TEMPORARY: &str = ".part";

/// The content store and the folder into which it is published.
#[derive(Debug)]
pub struct Output {
    store: Arc<ContentStore>,
    folder: PathBuf,
    /// What the names of this family's temporary files begin with.
    prefix: String,
    /// The folders that were synced and swept: once a process is enough, and reading a large one again for every part is
    /// not cheap.
    entered: Mutex<BTreeSet<PathBuf>>,
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
            entered: Mutex::default(),
        }
    }

    /// Makes the folder of `wanted`, one component at a time, and refuses links on the way: they may lead outside.
    fn folder_of(&self, wanted: &Path) -> std::io::Result<PathBuf> {
        let mut folder = self.folder.clone();
        if !folder.is_dir() {
            make_folders(self.store.volume(), &folder)?;
        }
        self.enter(&folder)?;
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
                Err(_) => self.store.volume().make_folder(&folder)?,
            }
            self.enter(&folder)?;
        }
        Ok(folder)
    }

    /// Syncs the name of `folder`, which may be new or have been made by a process that died, and removes what that left.
    fn enter(&self, folder: &Path) -> std::io::Result<()> {
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        if entered.contains(folder) {
            return Ok(());
        }
        match sync_entry(self.store.volume(), folder) {
            // Somebody else made it in a folder that is not for us to read.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&self.prefix) && name.ends_with(TEMPORARY) {
                self.store.volume().remove(&entry.path())?;
            }
        }
        entered.insert(folder.to_owned());
        Ok(())
    }

    fn write(
        &self,
        wanted: &Path,
        bytes: &[u8],
        sha256: Digest,
        ours: Option<&Published>,
    ) -> std::io::Result<PathBuf> {
        self.folder_of(wanted)?;
        let volume = self.store.volume();
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
                // Who put it there may have died before it synced the folder, or have been somebody else.
                Some(found) if found == sha256 => {
                    volume.sync(&File::open(&path)?, &path)?;
                    sync_entry(volume, &path)?;
                    return Ok(candidate);
                }
                Some(_) if !replaceable => {}
                _ => {
                    let temporary = Temporary {
                        prefix: &self.prefix,
                        suffix: TEMPORARY,
                        mode: 0o666,
                        bug: Bug::PublishBeforeSync,
                    };
                    put_whole(volume, &path, bytes, temporary)?;
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

/// Makes `folder` and what is missing above it, each synced before the next.
fn make_folders(volume: &dyn Volume, folder: &Path) -> std::io::Result<()> {
    if let Some(above) = folder.parent()
        && !above.as_os_str().is_empty()
        && !above.is_dir()
    {
        make_folders(volume, above)?;
    }
    volume.make_folder(folder)?;
    sync_entry(volume, folder)
}

/// `a/b.step`, then `a/b.1.step` and so on.
fn candidates(wanted: &Path) -> impl Iterator<Item = PathBuf> {
    let numbered = |n: u32| wanted.with_extension(format!("{n}.step"));
    std::iter::once(wanted.to_owned()).chain((1..100).map(numbered))
}

#[cfg(test)]
mod tests {
    use super::super::volume::tests::Watched;
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
    fn every_name_on_the_way_is_synced_and_what_a_killed_process_left_is_too() {
        let folder = tempfile::tempdir().unwrap();
        let volume = Arc::new(Watched::default());
        let store = ContentStore::open_on(volume.clone(), folder.path().join("objects")).unwrap();
        let stored = store.put(b"one").unwrap();
        let store = Arc::new(store);
        let publish = || {
            volume.told();
            let output = Output::new(Arc::clone(&store), folder.path().join("out"));
            let wanted = Path::new("a/p.step");
            output.publish(wanted, stored, None).unwrap();
            let told = volume.told();
            told.into_iter()
                .filter(|call| call.starts_with("sync") || call.starts_with("rename"))
                .collect::<Vec<_>>()
        };
        let base = folder.path().file_name().unwrap().to_string_lossy();
        let base = if base.starts_with('.') {
            "temporary"
        } else {
            &base
        };
        let above = format!("sync folder {base}");
        let new = [&above, &above, "sync folder out", "sync temporary"];
        assert_eq!(
            publish(),
            [&new[..], &["rename p.step", "sync folder a"]].concat()
        );
        // It may have died just before each of those.
        let there = [&above, "sync folder out", "sync p.step", "sync folder a"];
        assert_eq!(publish(), there);
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
