//! Folders for nobody but the user.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use crate::execute::ports::StorageError;

/// Write permission for group and others.
const OTHERS_WRITE: u32 = 0o022;

/// Makes `folder` and what is missing above it, for nobody but the user.
///
/// # Errors
/// When it can't be made, or is there and others may write into it.
pub fn make_private(folder: &Path) -> Result<(), StorageError> {
    let failed = |why: &dyn std::fmt::Display| StorageError::new(folder.display().to_string(), why);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| StorageError::io(folder.display().to_string(), &error))?;
    match shared_mode(folder)? {
        None => Ok(()),
        Some(mode) => Err(failed(&format!(
            "others may write into it (mode {mode:o}): take that right from them with `chmod go-w`"
        ))),
    }
}

/// The permissions of `folder` when others may write into it. One that isn't there is fine.
pub(super) fn shared_mode(folder: &Path) -> Result<Option<u32>, StorageError> {
    match fs::metadata(folder) {
        Ok(there) => Ok(Some(there.mode() & 0o7777).filter(|mode| mode & OTHERS_WRITE != 0)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::io(folder.display().to_string(), &error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_folder_is_made_for_the_user_alone_and_refused_when_others_may_write_into_it() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("a/b");
        make_private(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        for (mode, is_private) in [(0o755, true), (0o775, false), (0o702, false)] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            let made = make_private(&folder);
            assert_eq!(made.is_ok(), is_private, "{mode:o}: {made:?}");
        }
    }
}
