//! On which kind of file system a folder is. On one of another machine, locks and syncs may not mean what they say.

use std::path::Path;

use crate::execute::ports::StorageError;

/// The file systems of Linux that live on another machine or in another process, by the magic number that `statfs` tells.
const MAGICS: [(u32, &str); 20] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564c, "NCP"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x4750_4653, "GPFS"),
    (0xaad7_aaea, "PanFS"),
    (0xbeef_dead, "SNFS"),
    (0x786f_4256, "VirtualBox shared folder"),
    (0xbacb_acbc, "VMware shared folder"),
    (0x0bad_1dea, "OrangeFS"),
];

/// The same, as macOS calls them.
const NAMES: [&str; 8] = [
    "nfs", "smbfs", "afpfs", "webdav", "ftp", "macfuse", "osxfuse", "virtiofs",
];

/// The kind of network file system that has this magic number on Linux.
#[must_use]
pub fn network_by_magic(magic: u32) -> Option<&'static str> {
    let mut known = MAGICS.iter();
    known
        .find(|(number, _)| *number == magic)
        .map(|(_, name)| *name)
}

/// The kind of network file system that has this name on macOS.
#[must_use]
pub fn network_by_name(name: &str) -> Option<&'static str> {
    let mut known = NAMES.iter();
    known.find(|known| name.starts_with(**known)).copied()
}

/// The kind of network file system that `folder` is on, or would be made on; `None` on a disk of this machine.
///
/// # Errors
/// When the system does not tell.
pub fn network(folder: &Path) -> Result<Option<&'static str>, StorageError> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let there = absolute.ancestors().find(|path| path.exists());
    let there = there.unwrap_or(Path::new("/"));
    let told = rustix::fs::statfs(there).map_err(|error| {
        StorageError::io(there.display().to_string(), &std::io::Error::from(error))
    })?;
    Ok(kind_of(&told))
}

#[cfg(target_os = "linux")]
fn kind_of(told: &rustix::fs::StatFs) -> Option<&'static str> {
    // The field has another width on each architecture.
    let magic = u32::try_from(i128::from(told.f_type) & 0xffff_ffff);
    magic.ok().and_then(network_by_magic)
}

#[cfg(not(target_os = "linux"))]
fn kind_of(told: &rustix::fs::StatFs) -> Option<&'static str> {
    let letters = told.f_fstypename.iter();
    let name: Vec<u8> = letters
        .map_while(|letter| (*letter != 0).then(|| letter.cast_unsigned()))
        .collect();
    network_by_name(&String::from_utf8_lossy(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_other_machines_are_told_from_those_of_this_one() {
        for (magic, kind) in [
            (0x6969, Some("NFS")),
            (0xff53_4d42, Some("SMB")),
            (0xfe53_4d42, Some("SMB")),
            (0x0102_1997, Some("9p")),
            (0x6573_5546, Some("FUSE")),
            (0xef53, None),      // ext4
            (0x5846_5342, None), // XFS
            (0x9123_683e, None), // Btrfs
            (0x0102_1994, None), // tmpfs
            (0x794c_7630, None), // overlayfs, of containers
        ] {
            assert_eq!(network_by_magic(magic), kind, "{magic:x}");
        }
        for (name, is_network) in [
            ("nfs", true),
            ("smbfs", true),
            ("macfuse", true),
            ("apfs", false),
            ("hfs", false),
        ] {
            assert_eq!(network_by_name(name).is_some(), is_network, "{name}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_where_it_would_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let there = network(folder.path()).unwrap();
        assert_eq!(network(&folder.path().join("a/b/c")).unwrap(), there);
    }
}
