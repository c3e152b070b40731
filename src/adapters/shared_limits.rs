//! Where the slots are that the families of a user share: one file for each workspace, as far as we can tell them apart.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::private_folder::make_private;
use crate::api::ApiKey;
use crate::execute::ports::StorageError;

const SALT: &str = "salt";
const SALT_BYTES: usize = 32;

/// Whose limits they are.
#[derive(Debug, Clone, Copy)]
pub enum Sharers<'a> {
    /// All that use this key.
    Key(&'a ApiKey),
    /// All families that name this group, whatever their keys: a workspace can have several.
    Group(&'a str),
}

/// The file in `folder` for the slots of `sharers` at `origin`. Its name says nothing of the key to who lacks the salt
/// beside it. The folder and the salt are made when they are not there.
///
/// # Errors
/// When they can't be made or read.
pub fn place(folder: &Path, origin: &str, sharers: Sharers<'_>) -> Result<PathBuf, StorageError> {
    make_private(folder)?;
    let salt = match read_salt(folder)? {
        Some(salt) => salt,
        None => make_salt(folder)?,
    };
    Ok(folder.join(name(&salt, origin, sharers)))
}

/// As [`place`], but nothing is made: `None` when nobody has shared slots here yet.
///
/// # Errors
/// When the salt can't be read.
pub fn find(
    folder: &Path,
    origin: &str,
    sharers: Sharers<'_>,
) -> Result<Option<PathBuf>, StorageError> {
    let file = read_salt(folder)?.map(|salt| folder.join(name(&salt, origin, sharers)));
    Ok(file.filter(|file| file.exists()))
}

fn name(salt: &[u8], origin: &str, sharers: Sharers<'_>) -> String {
    let (kind, who) = match sharers {
        Sharers::Key(key) => ("key", key.fingerprint(salt)),
        Sharers::Group(group) => ("group", Sha256::digest(group.as_bytes()).into()),
    };
    let mut hash = Sha256::new();
    for part in [salt, origin.as_bytes(), kind.as_bytes(), &who] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    format!("{}.db", HEXLOWER.encode(&hash.finalize()[..16]))
}

fn read_salt(folder: &Path) -> Result<Option<Vec<u8>>, StorageError> {
    let path = folder.join(SALT);
    match fs::read(&path) {
        Ok(salt) if salt.len() == SALT_BYTES => Ok(Some(salt)),
        Ok(_) => Err(StorageError::new(
            path.display().to_string(),
            "it is not what millrun wrote there: remove it while no run is on",
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::new(path.display().to_string(), error)),
    }
}

/// Makes the salt, unless another process is faster: both then have the same.
fn make_salt(folder: &Path) -> Result<Vec<u8>, StorageError> {
    let failed = |error: &dyn std::fmt::Display| {
        StorageError::new(folder.join(SALT).display().to_string(), error)
    };
    let mut salt = vec![0; SALT_BYTES];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut salt))
        .map_err(|error| failed(&error))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    file.write_all(&salt)
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| failed(&error))?;
    match file.persist_noclobber(folder.join(SALT)) {
        Ok(_) => Ok(salt),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            read_salt(folder)?.ok_or_else(|| failed(&"it is gone"))
        }
        Err(error) => Err(failed(&error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_workspace_has_one_file_that_says_nothing_of_its_key() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("millrun/limits");
        let (one, two) = (
            ApiKey::new("gcad_one").unwrap(),
            ApiKey::new("gcad_two").unwrap(),
        );
        let at = |origin, sharers| place(&folder, origin, sharers).unwrap();
        assert!(find(&folder, "a", Sharers::Key(&one)).unwrap().is_none());
        let file = at("a", Sharers::Key(&one));
        assert_eq!(at("a", Sharers::Key(&one)), file);
        assert_ne!(at("a", Sharers::Key(&two)), file);
        assert_ne!(at("b", Sharers::Key(&one)), file);
        assert_ne!(at("a", Sharers::Group("gcad_one")), file);
        assert_eq!(at("a", Sharers::Group("g")), at("a", Sharers::Group("g")));

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(SALT))), (0o700, 0o600));
        // Another user's salt gives another name.
        let other = place(&home.path().join("other"), "a", Sharers::Key(&one)).unwrap();
        assert_ne!(other.file_name(), file.file_name());
        fs::write(&file, "").unwrap();
        assert_eq!(find(&folder, "a", Sharers::Key(&one)).unwrap(), Some(file));
    }
}
