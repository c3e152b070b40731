//! Somebody edits the manifest between two processes: what that may cost. An edit that leaves a job behind is taken back.

use std::collections::BTreeSet;

use millrun::plan::actions::Plan;
use millrun::plan::family::Family;
use millrun::plan::send::Send;
use millrun::run::event::Record;
use millrun::run::history::History;
use millrun::session::begin;

use super::doc::{Doc, Edit};
use super::night::family;
use super::oracle::Auditor;
use super::process::House;
use super::story::Story;

/// Makes `edit` in `doc`, as far as it is allowed, and lets the next process have it.
pub(super) fn make(house: &mut House, auditor: &Auditor, doc: &mut Doc, edit: &Edit) {
    let Some(next) = doc.after(edit) else {
        return;
    };
    let story = house.story.clone();
    story.tell(house.now_ms(), &format!("the manifest is edited: {edit:?}"));
    let edited = family(&next.text());
    let records = house.machine.records();
    let missing = house.missing(&History::of(&records));
    let plan = |family: &Family| plan(house, family, &records, &missing);
    let (before, after) = (plan(&house.family), plan(&edited));
    // Other edits may leave a twin's job behind for its equal, which costs nothing.
    if matches!(edit, Edit::Reword(..)) && leaves_behind(&before, &after) {
        story.tell(
            house.now_ms(),
            "the edit leaves a job behind, and is taken back",
        );
        if !is_follow_up_at_stake(&records) {
            story.broken("I15", format!("{edit:?} leaves a job behind"));
        }
        return;
    }
    costs(edit, before.writes(), after.writes(), &story);
    *doc = next;
    auditor.allow(doc);
    house.has(edited);
}

fn plan(house: &House, family: &Family, records: &[Record], missing: &BTreeSet<String>) -> Plan {
    let (plan, ..) = begin(family.clone(), records, missing, &house.heading(), false).unwrap();
    plan
}

/// Whether a job that a part had is no part's any more: that part goes on with another one.
fn leaves_behind(before: &Plan, after: &Plan) -> bool {
    let is_new = |orphan| !before.orphans.contains(orphan);
    after.orphans.iter().any(is_new)
}

/// I15, I16: a manifest that only looks otherwise costs what it did, and a new part makes no other dearer.
fn costs(edit: &Edit, before: usize, after: usize, story: &Story) {
    let is_right = match edit {
        Edit::Reformat(_) | Edit::Rename(..) => after == before,
        Edit::Add(part) => after <= before + part.writes().len(),
        Edit::Remove(_) => after <= before,
        // Other words may be sent where the ones before had failed for good.
        Edit::Reword(..) => after <= before + 1,
    };
    if !is_right {
        story.broken(
            "I15",
            format!("{edit:?} makes {after} writes of {before} that were to be sent"),
        );
    }
}

/// Whether an iterate may have been applied: nothing else can keep a job from being what a part asks for.
fn is_follow_up_at_stake(records: &[Record]) -> bool {
    let memory = History::of(records).memory;
    let is_follow_up = |send: &Send| {
        send.target.is_some() && send.content.kind().is_write() && send.may_be_applied()
    };
    memory.sends.iter().any(is_follow_up)
}
