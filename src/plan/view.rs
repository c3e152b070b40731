//! What a review is shown beside the model as it stands: another revision, the viewer's state, pictures.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content::ImageRef;
use super::remote::RevisionId;

/// What a review is shown. What is absent is not sent, and is not in the key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Which revision; `None`: that of the write before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Reviewed>,
    /// Camera, selection, section and the like, as the API has them: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer_state: Option<Value>,
    /// Pictures, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<Snapshot>,
}

/// A revision that a review names itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reviewed {
    /// The one that is current when the service is asked.
    Latest,
    /// The one with this id.
    Id(RevisionId),
}

/// A picture that a review is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// What it shows.
    pub label: String,
    /// The picture.
    pub image: ImageRef,
}

/// The word for the current revision.
pub const LATEST: &str = "latest";

/// Where the API document has the pictures of a review, within the viewer's state.
pub const SNAPSHOTS: &str = "snapshots";

impl View {
    /// Nothing, when it shows nothing.
    #[must_use]
    pub fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}
