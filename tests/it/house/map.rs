//! The map of the house, `docs/architecture.md`, names every file that exists and none that doesn't.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::walk;

#[test]
fn the_map_shows_every_room_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let named: BTreeSet<String> = map
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|text| text.starts_with("src/") && (text.ends_with('/') || text.ends_with(".rs")))
        .map(|text| text.trim_end_matches('/').to_owned())
        .collect();
    for name in &named {
        assert!(
            root.join(name).exists(),
            "docs/architecture.md names {name}, which does not exist"
        );
    }
    let mut rooms = BTreeSet::new();
    walk(&root.join("src"), &mut |path| {
        let path = path.strip_prefix(root).unwrap();
        let mut parts = path
            .components()
            .map(|part| part.as_os_str().to_str().unwrap());
        if let (Some("src"), Some(room), Some(_)) = (parts.next(), parts.next(), parts.next()) {
            rooms.insert(format!("src/{room}"));
        }
    });
    for room in rooms {
        assert!(
            named.contains(&room),
            "docs/architecture.md does not name {room}/"
        );
    }
}
