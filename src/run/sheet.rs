//! The sheet: a run's parts and steps as they were planned, recorded with its start, so that events alone tell its story.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::plan::action::{Action, Blocker};
use crate::plan::actions::Plan;
use crate::plan::content::{Content, Selection, StepKind};
use crate::plan::digest::Digest;
use crate::plan::family::{PartIx, Policy, StepIx};
use crate::plan::ids::{PartId, StepId};
use crate::plan::key::{LineageId, StepKey};
use crate::plan::memory::Claim;
use crate::plan::money::Cents;
use crate::plan::selection::Wish;
use crate::plan::send::SendId;

/// What a run set out to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The digest of the plan.
    pub plan: Digest,
    /// The family's name.
    pub family: String,
    /// The manifest, as it was given.
    pub manifest: String,
    /// Where files are published, relative to the manifest's folder.
    pub output: String,
    /// The cap of the run, if any.
    pub max_spend: Option<Cents>,
    /// The time zone for people, as an IANA name.
    pub zone: String,
    /// The saved plan that it carries out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Digest>,
    /// The remote jobs that no part has any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<LineageId>,
    /// What was selected; nothing: everything.
    #[serde(default, skip_serializing_if = "Wish::is_everything")]
    pub selection: Wish,
    /// The parts.
    pub parts: Vec<SheetPart>,
}

/// A part of the sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetPart {
    /// Its id.
    pub id: PartId,
    /// Its remote job; none when its create is not known yet.
    pub lineage: Option<LineageId>,
    /// The remote job that it had, when it is made anew on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retires: Option<LineageId>,
    /// The parts that it needs, by their places in [`Sheet::parts`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<u32>,
    /// Its steps.
    pub steps: Vec<SheetStep>,
    /// Steps that don't exist because their `when` was false.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<(StepId, StepKind)>,
}

/// A step of the sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetStep {
    /// Its id.
    pub id: StepId,
    /// Its kind.
    pub kind: StepKind,
    /// Its key; none when it is not known yet.
    pub key: Option<StepKey>,
    /// The steps of other parts that it needs, by their places in the whole sheet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<u32>,
    /// What was to be done with it.
    pub start: Start,
    /// Where a download publishes: the folder and file stem, relative to the output folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_as: Option<String>,
    /// Which artifacts a download publishes.
    #[serde(default, skip_serializing_if = "Selection::is_all")]
    pub artifacts: Selection,
    /// Whether a download publishes the job's conversation as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transcript: bool,
    /// What a gate asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What was to be done with a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "start", rename_all = "snake_case")]
pub enum Start {
    /// Nothing: it had succeeded.
    Reuse,
    /// To run it.
    Run,
    /// Nothing: its send is unresolved.
    Unresolved {
        /// What happened to it.
        why: String,
    },
    /// Nothing: its job may be there already.
    Claimed {
        /// What was found.
        claim: Claim,
    },
    /// Nothing: its part needs another one that is neither done nor selected.
    Unmet {
        /// That, in words.
        why: String,
    },
    /// Nothing: its review proposed an iteration, which fails it.
    Proposal {
        /// What was proposed.
        summary: String,
    },
}

/// What the sheet of a run says beside its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The manifest, as it was given.
    pub manifest: String,
    /// The cap of the run: the stricter of manifest and command line.
    pub max_spend: Option<Cents>,
    /// The folder of published files, relative to the manifest's folder.
    pub output: String,
    /// The time zone for people.
    pub zone: String,
}

impl Sheet {
    /// The sheet of a run of `plan`.
    #[must_use]
    pub fn new(plan: &Plan, heading: &Heading) -> Self {
        let step = |ix| {
            let step = plan.family.step(ix);
            let start = match plan.action(ix) {
                Action::Reuse => Start::Reuse,
                // That it does not exist is recorded right after it.
                Action::Skip => Start::Run,
                // What follows a blocked step is found to be blocked when that is reached, and so is what was rejected.
                Action::Run(_)
                | Action::Recreate(_)
                | Action::Blocked(Blocker::Before { .. } | Blocker::Rejected { .. }) => Start::Run,
                Action::Blocked(blocker @ Blocker::Unselected { .. }) => Start::Unmet {
                    why: blocker.to_string(),
                },
                Action::Blocked(Blocker::Claimed { claim }) => Start::Claimed {
                    claim: claim.clone(),
                },
                Action::Blocked(Blocker::Proposal { summary }) => Start::Proposal {
                    summary: summary.clone(),
                },
            };
            SheetStep {
                id: step.id.clone(),
                kind: step.kind,
                key: step.static_key(),
                needs: step.needs.iter().map(|need| need.0).collect(),
                start,
                publish_as: match &step.policy {
                    Policy::PublishAs(stem) => Some(stem.clone()),
                    Policy::None | Policy::OnProposal(_) => None,
                },
                artifacts: match step.fixed_content() {
                    Some(Content::Download { artifacts, .. }) => artifacts.clone(),
                    _ => Selection::All,
                },
                transcript: matches!(
                    step.fixed_content(),
                    Some(Content::Download {
                        transcript: true,
                        ..
                    })
                ),
                message: match step.fixed_content() {
                    Some(Content::Approve { message }) => Some(message.clone()),
                    _ => None,
                },
            }
        };
        let parts = plan.family.part_indices().map(|ix| {
            let part = plan.family.part(ix);
            SheetPart {
                id: part.id.clone(),
                lineage: plan.lineage(ix),
                retires: plan.retires(ix),
                needs: part.needs.iter().map(|need| need.0).collect(),
                steps: plan.family.steps_of(ix).map(step).collect(),
                skipped: part.skipped.clone(),
            }
        });
        Self {
            plan: plan.family.digest(),
            family: plan.family.salt.name.clone(),
            manifest: heading.manifest.clone(),
            output: heading.output.clone(),
            max_spend: heading.max_spend,
            zone: heading.zone.clone(),
            saved: None,
            orphans: plan.orphans.clone(),
            selection: Wish::default(),
            parts: parts.collect(),
        }
    }
}

impl Sheet {
    /// The parts that each part waits for, as a whole or with some step.
    #[must_use]
    pub fn needed_parts(&self) -> Vec<Vec<PartIx>> {
        let of = (0..).map(PartIx).zip(&self.parts);
        let owners: Vec<PartIx> = of
            .flat_map(|(ix, part)| std::iter::repeat_n(ix, part.steps.len()))
            .collect();
        let needs = |part: &SheetPart| {
            let steps = part.steps.iter().flat_map(|step| &step.needs);
            let steps = steps.filter_map(|need| owners.get(*need as usize).copied());
            let whole = part.needs.iter().copied().map(PartIx);
            let all: BTreeSet<PartIx> = whole.chain(steps).collect();
            all.into_iter().collect()
        };
        self.parts.iter().map(needs).collect()
    }

    /// The step at `ix`, counted over all parts.
    pub(super) fn step_mut(&mut self, ix: StepIx) -> Option<&mut SheetStep> {
        let steps = self.parts.iter_mut().flat_map(|part| &mut part.steps);
        steps.skip(ix.0 as usize).take(1).next()
    }
}

impl SheetPart {
    /// The work of `step` on this part's job, once both are known.
    #[must_use]
    pub fn send_id(&self, step: &SheetStep) -> Option<SendId> {
        Some(SendId {
            lineage: self.lineage?,
            key: step.key?,
        })
    }
}
