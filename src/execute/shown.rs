//! What a review is shown, as the API document has it: pictures are part of the viewer's state.

use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::ports::{Files, StorageError};
use crate::plan::remote::RevisionId;
use crate::plan::send::Target;
use crate::plan::view::{Reviewed, SNAPSHOTS, View};

/// The revision that a review of `target` names; `None`: the service takes the current one.
pub(super) fn revision(view: Option<&View>, target: &Target) -> Option<RevisionId> {
    match view.and_then(|view| view.revision.as_ref()) {
        None => target.revision.clone(),
        Some(Reviewed::Latest) => None,
        Some(Reviewed::Id(id)) => Some(id.clone()),
    }
}

/// The viewer's state with its pictures; the same bytes each time, since pictures are stored by content.
pub(super) fn viewer_state(
    view: Option<&View>,
    files: &dyn Files,
) -> Result<Option<Value>, StorageError> {
    let Some(view) = view else { return Ok(None) };
    if view.snapshots.is_empty() {
        return Ok(view.viewer_state.clone());
    }
    let mut state = match &view.viewer_state {
        Some(Value::Object(state)) => state.clone(),
        _ => Map::new(),
    };
    let mut pictures = Vec::with_capacity(view.snapshots.len());
    for snapshot in &view.snapshots {
        pictures.push(json!({
            "label": snapshot.label,
            "mime_type": snapshot.image.image_type.media_type(),
            "data_base64": BASE64.encode(&files.read(snapshot.image.digest)?),
            "source": "viewer_snapshot",
        }));
    }
    state.insert(SNAPSHOTS.to_owned(), Value::Array(pictures));
    Ok(Some(Value::Object(state)))
}
