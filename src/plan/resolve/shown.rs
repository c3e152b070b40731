//! What a review is shown: its texts parsed once, and rendered for each part.

use serde_json::Value;

use super::draft::Bench;
use super::reads::Sees;
use super::scope::{Context, Names};
use super::text::{Text, render_image};
use crate::manifest::shape::ReviewEntry;
use crate::manifest::{Code, Diagnostic};
use crate::plan::remote::RevisionId;
use crate::plan::view::{LATEST, Reviewed, Snapshot, View};

/// What a review is shown, with its templates parsed.
pub(super) struct Shown<'m> {
    revision: Option<Text<'m>>,
    viewer_state: Option<&'m Value>,
    snapshots: Vec<(Text<'m>, Text<'m>)>,
}

impl<'m> Shown<'m> {
    /// Parses the texts of `review`; nothing when one of them was refused.
    pub(super) fn parse(
        review: &'m ReviewEntry,
        names: &Names<'_>,
        bench: &mut Bench<'_>,
    ) -> Option<Self> {
        let mut parse = |text| Text::parse(text, names, Sees::Part, bench);
        let revision = review.revision.as_ref().map(&mut parse);
        let mut snapshots = Vec::with_capacity(review.snapshots.len());
        for snapshot in &review.snapshots {
            snapshots.push((parse(&snapshot.label), parse(&snapshot.image)));
        }
        let both = |(label, image): (Option<_>, Option<_>)| Some((label?, image?));
        Some(Self {
            revision: match revision {
                Some(revision) => Some(revision?),
                None => None,
            },
            viewer_state: review.viewer_state.as_ref(),
            snapshots: snapshots.into_iter().map(both).collect::<Option<_>>()?,
        })
    }

    /// What one part's review is shown; reports why that is not known.
    pub(super) fn render(&self, context: &Context, bench: &mut Bench<'_>) -> Option<View> {
        let revision = self.revision.as_ref();
        let revision = revision.map(|text| reviewed(text, context, bench));
        let mut snapshots = Vec::with_capacity(self.snapshots.len());
        for (label, image) in &self.snapshots {
            let label = label.render(context, bench);
            let image = render_image(image, context, bench);
            snapshots.push(
                label
                    .zip(image)
                    .map(|(label, image)| Snapshot { label, image }),
            );
        }
        Some(View {
            revision: match revision {
                Some(revision) => Some(revision?),
                None => None,
            },
            viewer_state: self.viewer_state.cloned(),
            snapshots: snapshots.into_iter().collect::<Option<_>>()?,
        })
    }
}

fn reviewed(text: &Text<'_>, context: &Context, bench: &mut Bench<'_>) -> Option<Reviewed> {
    let id = text.render(context, bench)?;
    if id == LATEST {
        return Some(Reviewed::Latest);
    }
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("`{id}` is no id of a revision");
        let problem = Diagnostic::error(Code::BadValue, text.written.span, message).help(
            "write `latest`, or an id that the service gave: `rev_...`; without it the revision of the step before is \
             reviewed",
        );
        return bench.refuse(text.uses(), problem);
    }
    Some(Reviewed::Id(RevisionId(id)))
}
