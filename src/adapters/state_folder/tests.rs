//! Which state belongs to which manifest, and who may have it.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn manifest(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, "").unwrap();
        path
    }

    fn find(&self, manifest: &Path, name: &str, uid: &str) -> Result<StateFolder, StateError> {
        let salt = Salt {
            name: name.to_owned(),
            uid: uid.to_owned(),
        };
        StateFolder::find(&self.folder.path().join(".millrun"), manifest, &salt, "sim")
    }
}

#[test]
fn a_state_follows_its_manifest_through_renames_and_moves() {
    let f = Fixture::new();
    let a = f.manifest("a.yaml");
    let state = f.find(&a, "plates", "u1").unwrap();
    drop(state.lock("test").unwrap());
    assert_eq!(f.find(&a, "renamed", "u2").unwrap().path(), state.path());
    let b = f.folder.path().join("b.yaml");
    fs::rename(&a, &b).unwrap();
    assert_eq!(f.find(&b, "plates", "u1").unwrap().path(), state.path());
}

#[test]
fn two_manifests_never_share_a_state() {
    let f = Fixture::new();
    let (a, b) = (f.manifest("a.yaml"), f.manifest("b.yaml"));
    let state = f.find(&a, "plates", "u1").unwrap();
    drop(state.lock("test").unwrap());
    assert!(matches!(
        f.find(&b, "plates", "u1"),
        Err(StateError::Taken { .. })
    ));
    let other = f.find(&b, "plates", "u2").unwrap();
    assert_ne!(other.path(), state.path());
}

#[test]
fn families_never_share_a_folder_whatever_they_are_called() {
    let f = Fixture::new();
    let long = "n".repeat(300);
    let names = [
        ("plates", "u1"),
        ("plates", "u2"),
        ("Plates", "u3"),
        ("PLATES", "u4"),
        ("a b", "u5"),
        ("a_b", "u6"),
        ("a/b", "u7"),
        (".plates", "u8"),
        (&long, "u9"),
        (&long, "u10"),
        (&format!("{long}x"), "u11"),
        ("\u{e4}", "u12"),
        ("\u{f6}", "u13"),
    ];
    let mut folders = BTreeSet::new();
    for (name, uid) in names {
        let state = f.find(&f.manifest(uid), name, uid).unwrap();
        drop(state.lock("test").unwrap());
        let family = state.path().parent().unwrap().file_name().unwrap();
        let family = family.to_str().unwrap().to_lowercase();
        assert!(folders.insert(family.clone()), "{name:?} {uid}: {family}");
    }
    // One that took another name keeps its folder.
    let renamed = f
        .find(&f.folder.path().join("u2"), "renamed", "u14")
        .unwrap();
    drop(renamed.lock("test").unwrap());
    let second = f.find(&f.manifest("u15"), "plates", "u2").unwrap();
    assert_ne!(second.path(), renamed.path());
    let first = f.find(&f.folder.path().join("u1"), "plates", "u1").unwrap();
    assert!(first.path().ends_with("plates/sim"), "{:?}", first.path());
}

#[test]
fn a_state_into_which_others_may_write_is_refused() {
    let f = Fixture::new();
    let a = f.manifest("a.yaml");
    let state = f.find(&a, "plates", "u1").unwrap();
    drop(state.lock("test").unwrap());
    let base = f.folder.path().join(".millrun");
    for folder in [state.path(), state.path().parent().unwrap(), &base] {
        for mode in [0o720, 0o702] {
            fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
            match f.find(&a, "plates", "u1") {
                Err(error @ StateError::Shared { .. }) => {
                    let said = error.to_string();
                    assert!(said.contains("chmod go-w"), "{said}");
                }
                other => panic!("{other:?}"),
            }
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(f.find(&a, "plates", "u1").is_ok());
    }
    fs::set_permissions(state.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(state.lock("test").is_err());
}

#[test]
fn one_process_at_a_time_holds_the_lock() {
    let f = Fixture::new();
    let state = f.find(&f.manifest("a.yaml"), "plates", "u1").unwrap();
    let lock = state.lock("process 1 since noon").unwrap();
    match state.lock("process 2") {
        Err(StateError::Locked { holder }) => assert_eq!(holder, "process 1 since noon"),
        other => panic!("{other:?}"),
    }
    drop(lock);
    assert!(state.lock("process 2").is_ok());
}
