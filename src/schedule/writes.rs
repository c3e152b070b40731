//! Which writes may start now: as many as there are free places and balances that allow them.

use super::agenda::{Agenda, Item, Lane};
use super::charges;
use super::decide::{Decision, Turn};
use super::errand::Errand;
use super::money::{self, Shut};
use super::slot::Class;
use crate::plan::family::StepIx;
use crate::plan::key::LineageId;
use crate::plan::money::Cents;
use crate::plan::settings::{BalanceCheck, Profile};
use crate::run::step::Reading;
use crate::run::stop::StopReason;

impl Turn<'_> {
    pub(super) fn writes(&mut self, agenda: &mut Agenda) {
        if !self.memory.scanned {
            return;
        }
        let settings = &self.plan.family.settings;
        let at_once = match settings.limits.profile {
            Profile::Steady => 1,
            Profile::Window => self.room(),
        };
        let active = settings.limits.active_jobs.get() as usize;
        let free = active
            .saturating_sub(self.memory.active_jobs)
            .min(at_once)
            .min(self.room());
        let step = |item| {
            if let Item::Step(step) = item {
                Some(step)
            } else {
                None
            }
        };
        let steps: Vec<StepIx> = agenda
            .ready(Lane::Write, self.moment.now)
            .filter_map(step)
            .filter(|step| !self.is_asked_about(*step))
            .take(free)
            .collect();
        let Some(first) = steps.first() else { return };
        if settings.budget.balance == BalanceCheck::Unchecked {
            if agenda.is_free(&Class::CadWrites, self.moment.now) {
                self.start(&steps, &[]);
            }
            return;
        }
        let (readings, waiting) = match self.usable_readings(*first) {
            Ok(readings) => readings,
            Err(shut) => return self.refuse(*first, shut),
        };
        if agenda.is_free(&Class::CadWrites, self.moment.now) {
            self.start(&steps[..steps.len().min(readings.len())], &readings);
        }
        let may_read = match settings.limits.profile {
            // After the reply to the write before: then the figure knows of it.
            Profile::Steady => self.moment.out.writes == 0,
            Profile::Window => true,
        };
        if may_read
            && !waiting
            && self.run.balance_not_before <= self.moment.now
            && agenda.is_free(&Class::Balance, self.moment.now)
        {
            let wanted = steps
                .len()
                .saturating_sub(readings.len() + self.moment.out.balances);
            self.decisions.extend(std::iter::repeat_n(
                Decision::Send(Errand::ReadBalance),
                wanted,
            ));
        }
    }

    /// The remote job of the step's part.
    pub(super) fn lineage_of(&self, step: StepIx) -> Option<LineageId> {
        self.plan.lineage(self.plan.family.step(step).part)
    }

    fn is_asked_about(&self, step: StepIx) -> bool {
        let lineage = self.lineage_of(step);
        let lineage = lineage.and_then(|lineage| self.memory.lineages.get(&lineage));
        let job = lineage.and_then(|lineage| lineage.job.as_ref());
        job.is_some_and(|job| charges::is_asked(self.memory, job))
    }

    /// The balances that were read and allow a write. One that is short only because it may not know of sends of ours
    /// proves nothing, and is passed over; whether reading another one would show the same is the second answer.
    fn usable_readings(&self, step: StepIx) -> Result<(Vec<Reading>, bool), Shut> {
        let (mut usable, mut waiting) = (Vec::new(), false);
        for reading in self
            .run
            .readings
            .iter()
            .filter(|reading| reading.is_fresh(self.moment.now))
        {
            let outdated = reading.settled < self.memory.settled_holds();
            match self.gate(step, Some(reading), Cents::ZERO) {
                Err(Shut::Run(StopReason::Balance { .. }))
                    if outdated || self.memory.open_holds > Cents::ZERO =>
                {
                    waiting |= !outdated;
                }
                Err(shut) => return Err(shut),
                Ok(()) => usable.push(*reading),
            }
        }
        Ok((usable, waiting))
    }

    fn start(&mut self, steps: &[StepIx], readings: &[Reading]) {
        let mut proposed = Cents::ZERO;
        for (n, step) in steps.iter().enumerate() {
            let reading = readings.get(n);
            match self.gate(*step, reading, proposed) {
                Ok(()) => {
                    let hold = self.hold(reading);
                    proposed += hold;
                    self.decisions
                        .push(Decision::Send(Errand::Start(*step, hold)));
                }
                // What was proposed before it comes first; if the gate is still shut then, it stops the run.
                Err(_) if n > 0 => return,
                Err(shut) => return self.refuse(*step, shut),
            }
        }
    }

    fn refuse(&mut self, step: StepIx, shut: Shut) {
        self.decisions.push(match shut {
            Shut::Part(why) => Decision::Cap(step, why),
            Shut::Run(reason) => Decision::Stop(reason),
        });
    }

    fn hold(&self, reading: Option<&Reading>) -> Cents {
        reading
            .map(|reading| reading.hold)
            .unwrap_or_default()
            .max(self.memory.ledger.dearest())
    }

    fn gate(&self, step: StepIx, reading: Option<&Reading>, proposed: Cents) -> Result<(), Shut> {
        let Some(send) = self.run.send_id(step) else {
            return Err(Shut::Part("what it asks for is not known yet".to_owned()));
        };
        let question = money::Question {
            max_spend: self
                .run
                .sheet
                .max_spend
                .into_iter()
                .chain(self.plan.family.settings.budget.max_spend)
                .min(),
            lineage: send.lineage,
            hold: self.hold(reading),
            reading,
            proposed,
        };
        money::admit(
            &self.plan.family.settings.budget,
            self.memory,
            self.run,
            question,
        )
    }
}
