//! The images beside a manifest, on disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use crate::plan::content::{ImageRef, ImageType};

use crate::plan::digest::Digest;
use crate::plan::resolve::images::{ImageProblem, ImageSource, MAX_IMAGE_BYTES};

/// The images under one folder. Each path is read once.
#[derive(Debug)]
pub struct FolderImages {
    folder: PathBuf,
    seen: BTreeMap<String, Result<ImageRef, ImageProblem>>,
}

impl FolderImages {
    /// The images under `folder`, the manifest's own.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            seen: BTreeMap::new(),
        }
    }

    fn look(&self, path: &str) -> Result<ImageRef, ImageProblem> {
        let bytes = read(&self.folder, path)?;
        Ok(ImageRef {
            image_type: ImageType::sniff(&bytes).ok_or(ImageProblem::UnknownType)?,
            digest: Digest::of(&bytes),
        })
    }
}

impl ImageSource for FolderImages {
    fn image(&mut self, path: &str) -> Result<ImageRef, ImageProblem> {
        if let Some(known) = self.seen.get(path) {
            return known.clone();
        }
        let looked = self.look(path);
        self.seen.insert(path.to_owned(), looked.clone());
        looked
    }
}

/// The bytes of the image at `path` under `folder`.
///
/// # Errors
/// Why it can't be sent. Its type is not looked at.
pub fn read(folder: &Path, path: &str) -> Result<Vec<u8>, ImageProblem> {
    let relative = Path::new(path);
    let stays = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !relative.components().all(stays) {
        return Err(ImageProblem::Outside);
    }
    // An empty folder is the current one, which has no empty name.
    let root = Path::new(".")
        .join(folder)
        .canonicalize()
        .map_err(problem)?;
    let real = root.join(relative).canonicalize().map_err(problem)?;
    if !real.starts_with(&root) {
        return Err(ImageProblem::LinkOut);
    }
    // Before it is opened: opening a pipe would wait for its other end.
    if !fs::metadata(&real).map_err(problem)?.is_file() {
        return Err(ImageProblem::NotAFile);
    }
    let file = File::open(&real).map_err(problem)?;
    let size = file.metadata().map_err(problem)?.len();
    let mut bytes = Vec::new();
    file.take(MAX_IMAGE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(problem)?;
    if bytes.len() as u64 > MAX_IMAGE_BYTES {
        return Err(ImageProblem::TooLarge(size.max(bytes.len() as u64)));
    }
    Ok(bytes)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` calls with"
)]
fn problem(error: io::Error) -> ImageProblem {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ImageProblem::Missing,
        _ => ImageProblem::Unreadable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    #[test]
    fn an_image_is_known_by_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), PNG).unwrap();
        let image = FolderImages::new(folder.path()).image("./a.txt").unwrap();
        assert_eq!(image.image_type, ImageType::Png);
        assert_eq!(image.digest, Digest::of(PNG));
    }

    #[test]
    fn what_is_no_image_of_the_folder_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("in");
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::write(outer.path().join("secret.png"), PNG).unwrap();
        fs::write(folder.join("a.svg"), "<svg/>").unwrap();
        std::os::unix::fs::symlink("../secret.png", folder.join("link.png")).unwrap();
        let big = File::create(folder.join("big.png")).unwrap();
        big.set_len(MAX_IMAGE_BYTES + 1).unwrap();
        let mut images = FolderImages::new(&folder);
        let mut look = |path| images.image(path).unwrap_err();
        assert_eq!(look("no.png"), ImageProblem::Missing);
        assert_eq!(look("a.svg/b.png"), ImageProblem::Missing);
        assert_eq!(look("sub"), ImageProblem::NotAFile);
        assert_eq!(look("../secret.png"), ImageProblem::Outside);
        assert_eq!(look("/etc/passwd"), ImageProblem::Outside);
        assert_eq!(look("link.png"), ImageProblem::LinkOut);
        assert_eq!(look("a.svg"), ImageProblem::UnknownType);
        assert_eq!(look("big.png"), ImageProblem::TooLarge(MAX_IMAGE_BYTES + 1));
    }
}
