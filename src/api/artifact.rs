//! STEP files of a revision, and the assembly they make up.

use serde::Deserialize;

use super::id::{ArtifactId, JobId, RevisionId};
use super::lenient;
use crate::untrusted::Untrusted;

/// One file of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Artifact {
    /// What to download it by. Essential.
    pub id: ArtifactId,
    /// The part's name in the assembly.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub label: Option<Untrusted>,
    /// The service's name for the file.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub filename: Option<Untrusted>,
    /// What kind of file it is, such as `step`.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub kind: Option<Untrusted>,
    /// Where the API offers it; [`Client::download`](super::Client::download) goes by the id.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub download_url: Option<Untrusted>,
}

/// A node of the assembly; at most 128 levels deep, which is where JSON parsing stops.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct AssemblyNode {
    /// The node's name.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub label: Option<Untrusted>,
    /// What kind of node it is, such as `step`.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub kind: Option<Untrusted>,
    /// The service's name for the node's file.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub filename: Option<Untrusted>,
    /// The node's file.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub artifact_id: Option<ArtifactId>,
    /// The nodes below.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub children: Vec<AssemblyNode>,
}

/// The latest revision's files ("List latest artifacts").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LatestArtifacts {
    /// The job. Essential.
    pub job_id: JobId,
    /// The latest revision.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub revision_id: Option<RevisionId>,
    /// How the files make up the model.
    #[serde(default, deserialize_with = "lenient::if_valid")]
    pub assembly_tree: Option<AssemblyNode>,
    /// The files; empty before a job has completed. Essential, but may be null.
    #[serde(deserialize_with = "lenient::null_is_default")]
    pub artifacts: Vec<Artifact>,
}
