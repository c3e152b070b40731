//! What a rehearsal takes for granted: every step is known, there is money, and people approve at once.

use crate::plan::actions::Plan;
use crate::plan::content::{Content, Prompt, StepKind};
use crate::plan::family::Ask;
use crate::plan::gate::{Approval, Verdict as Word};
use crate::plan::key::{LineageId, StepKey};
use crate::plan::memory::Memory;
use crate::plan::settings::Budget;

/// The same plan, with money no object and with every step known: one that waits for results gets some text.
pub(super) fn known(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let balance = plan.family.settings.budget.balance;
    plan.family.settings.budget = Budget {
        balance,
        ..Budget::default()
    };
    let mut parent = None;
    for (nth, step) in plan.family.steps.iter_mut().enumerate() {
        if step.write.is_none() {
            parent = None;
        }
        if step.key().is_none() {
            let prompt = Prompt::new(&format!("step {nth}"));
            let content = match step.kind {
                StepKind::Create => Content::Create {
                    prompt,
                    images: Vec::new(),
                },
                _ => Content::Iterate {
                    prompt,
                    images: Vec::new(),
                },
            };
            let key = StepKey::new(&content, parent);
            step.ask = Ask::Known { content, key };
        }
        if step.kind.is_write() {
            parent = step.key();
        }
    }
    for part in 0..plan.lineages.len() {
        if plan.lineages[part].is_none() {
            let first = plan.family.parts[part].steps.start as usize;
            let create = plan
                .family
                .steps
                .get(first)
                .and_then(crate::plan::family::Step::key);
            plan.lineages[part] = create.map(|create| LineageId {
                create,
                ordinal: u32::MAX,
                generation: 0,
            });
        }
    }
    plan
}

/// Nobody knows how long people take: they have said yes to every gate already.
pub(super) fn approve_all(plan: &Plan, memory: &mut Memory) {
    for ix in plan.family.step_indices() {
        let is_asked = plan.action(ix).runs();
        if plan.family.step(ix).kind == StepKind::Approve
            && is_asked
            && let Some(gate) = plan.send_id(ix)
        {
            let approval = Approval {
                verdict: Word::Approved,
                user: String::new(),
                host: String::new(),
                reason: None,
                at: memory.last_at,
            };
            memory.approvals.insert(gate, approval);
        }
    }
}

/// What is asked for is of no matter here, and may be long.
pub(super) fn light(kind: StepKind, content: &Content) -> Content {
    let prompt = Prompt::new("");
    match kind {
        StepKind::Create => Content::Create {
            prompt,
            images: Vec::new(),
        },
        StepKind::Iterate => Content::Iterate {
            prompt,
            images: Vec::new(),
        },
        _ => content.clone(),
    }
}
