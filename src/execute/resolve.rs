//! A dynamic step whose turn it is: what it asks for is worked out from what was recorded, and recorded itself.

use std::collections::BTreeSet;

use crate::plan::actions::Plan;
use crate::plan::bind::chain;
use crate::plan::content::{Content, StepKind};
use crate::plan::dynamic::Asked;
use crate::plan::family::{Ask, OnProposal, Policy, StepIx};
use crate::plan::key::{LineageId, StepKey};
use crate::plan::memory::Memory;
use crate::plan::send::{SendId, SendState};
use crate::run::event::{Event, Resolution};
use crate::run::history::History;
use crate::run::progress::Run;

/// What the step at `ix` turns out to be.
pub(super) fn resolve(plan: &Plan, history: &History, ix: StepIx) -> Vec<Event> {
    let step = plan.family.step_ref(ix);
    let Some(run) = &history.run else {
        return Vec::new();
    };
    let known = work_out(plan, run, &history.memory, ix);
    known.unwrap_or_else(|error| vec![Event::StepFailed { step, error }])
}

fn work_out(plan: &Plan, run: &Run, memory: &Memory, ix: StepIx) -> Result<Vec<Event>, String> {
    let step = plan.family.step(ix);
    let resolved = |resolution| Event::Resolved {
        step: plan.family.step_ref(ix),
        resolution,
    };
    if run.is_without_job(ix) {
        return Ok(vec![resolved(Resolution::Skipped {})]);
    }
    let asked = match &step.ask {
        Ask::Dynamic(dynamic) => dynamic.ask(step.kind, |step| run.upstream(step, memory))?,
        Ask::Known { content, .. } | Ask::Resolved { content, .. } => {
            Some(Asked::For(content.clone()))
        }
        Ask::Skipped => Some(Asked::Skipped),
    };
    let content = match asked {
        Some(Asked::For(content)) => content,
        Some(Asked::Skipped) => {
            fits(run, memory, ix, None)?;
            return Ok(vec![resolved(Resolution::Skipped {})]);
        }
        None => return Err("what it reads is not there".to_owned()),
    };
    let key = StepKey::new(&content, run.parent_key(ix));
    let lineage = match step.kind {
        StepKind::Create => lineage_of(run, memory, ix, key),
        _ => run.lineage_of(ix).ok_or("its part has no job")?,
    };
    let send = SendId { lineage, key };
    let mut events = Vec::new();
    let owner = memory.lineages.get(&lineage).map(|lineage| &lineage.part);
    let part = &plan.family.part(step.part).id;
    if owner.is_some_and(|owner| owner.as_ref() != Some(part)) {
        events.push(Event::Bound {
            part: part.clone(),
            lineage,
        });
    }
    if step.kind.is_write() {
        fits(run, memory, ix, Some(send))?;
    }
    let refused = refused_proposal(memory, &send, &step.policy, &content);
    events.push(resolved(Resolution::Asks { send, content }));
    events.extend(refused.map(|summary| Event::StepFailed {
        step: plan.family.step_ref(ix),
        error: format!("the review proposes an iteration: {summary}"),
    }));
    Ok(events)
}

/// A review that was answered before, with a proposal that its step wants none of.
fn refused_proposal(
    memory: &Memory,
    send: &SendId,
    policy: &Policy,
    content: &Content,
) -> Option<String> {
    if content.kind() != StepKind::Review || *policy != Policy::OnProposal(OnProposal::Fail) {
        return None;
    }
    match &memory.find(send)?.state {
        SendState::Reviewed(review) => review.proposal.clone(),
        _ => None,
    }
}

/// The remote job of a part whose create has the key `create`: its own, as long as it was not given up; one that no part
/// has and that saw nothing but this create; or one that is still to be made.
fn lineage_of(run: &Run, memory: &Memory, ix: StepIx, create: StepKey) -> LineageId {
    let part = run.part_at(ix);
    let taken: BTreeSet<LineageId> = run.lineages().collect();
    let first = LineageId {
        create,
        ordinal: 0,
        generation: 0,
    };
    let known = memory.lineages.range(first..);
    let known: Vec<_> = known
        .take_while(|(lineage, _)| lineage.create == create)
        .collect();
    let free = known
        .iter()
        .filter(|(lineage, job)| !job.retired && !taken.contains(lineage));
    let own = (free.clone()).rfind(|(_, job)| job.part.as_ref() == Some(part));
    // Jobs of parts that were not selected are theirs.
    let is_whole = run.sheet.selection.is_everything();
    let mut others = free.filter(|(lineage, _)| is_whole && chain(memory, lineage).len() <= 1);
    if let Some((lineage, _)) = own.or_else(|| others.next()) {
        return **lineage;
    }
    let known = known.iter().map(|(lineage, _)| **lineage);
    let taken = taken.iter().copied();
    let ordinals = known.chain(taken.filter(|lineage| lineage.create == create));
    LineageId {
        ordinal: ordinals
            .map(|lineage| lineage.ordinal + 1)
            .max()
            .unwrap_or(0),
        ..first
    }
}

/// A job keeps what was done to it. What a step turned out to be must be what was applied in its place, or come after
/// everything that was; `send` is none for a step that was skipped.
fn fits(run: &Run, memory: &Memory, ix: StepIx, send: Option<SendId>) -> Result<(), String> {
    let lineage = send.map(|send| send.lineage).or_else(|| run.lineage_of(ix));
    let Some(known) = lineage.and_then(|lineage| memory.lineages.get(&lineage)) else {
        return Ok(());
    };
    let (before, after) = run.writes_around(ix);
    let applied = memory.applied(known);
    let is_other = match send {
        Some(send) => applied
            .get(before)
            .is_some_and(|there| there.id.key != send.key),
        None => false,
    };
    let wanted = before + usize::from(send.is_some()) + after;
    if !is_other && applied.len() <= wanted {
        return Ok(());
    }
    Err("what it reads has changed, and its part's job was changed by what it asked for before: the part has to be made \
         anew; `millrun plan` shows what that costs"
        .to_owned())
}
