//! Somebody edits the manifest between two processes: what that may cost. An edit that makes a part anew is taken back.

use std::collections::BTreeSet;

use millrun::plan::action::Action;
use millrun::plan::actions::Plan;
use millrun::plan::family::Family;
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
    if makes_anew(&after) {
        story.tell(
            house.now_ms(),
            "the edit makes a part anew, and is taken back",
        );
        if !may_make_anew(edit, &records) {
            story.broken("I15", format!("{edit:?} makes a part anew"));
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

fn makes_anew(plan: &Plan) -> bool {
    let is_recreated = |action: &Action| matches!(action, Action::Recreate(_));
    plan.actions.iter().any(is_recreated)
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

/// Only what may have been applied can't be asked for otherwise.
fn may_make_anew(edit: &Edit, records: &[Record]) -> bool {
    let memory = History::of(records).memory;
    let is_follow_up = |send: &&millrun::plan::send::Send| {
        send.target.is_some() && send.content.kind().is_write() && send.may_be_applied()
    };
    matches!(edit, Edit::Reword(..)) && memory.sends.iter().any(|send| is_follow_up(&send))
}
