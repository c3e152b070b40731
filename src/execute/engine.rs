//! The loop: decide, record, send, judge, record. Nothing else calls the service or looks at the clock.
//!
//! A turn of the loop takes in all replies that came, decides what to do about the new state, and makes everything that it
//! recorded durable in one commit, before anything of it leaves this machine. A crash before the commit loses replies,
//! which exact retries bring again; a crash after it leaves intents, which count as sent.
//!
//! It is one long file on purpose: nothing else of this room may wait, spawn or hold state, and a test holds it to that.

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::watch;

use super::dispatch::{self, Awaited, Desk, Dispatch};
use super::local;
use super::ports::{Ports, Request, StopLevel};
use super::resolve;
pub use super::start::{Begin, EngineError};
use crate::plan::actions::Plan;
use crate::plan::family::StepIx;
use crate::plan::ids::RunId;
use crate::plan::remote::Timestamp;
use crate::plan::send::SendId;
use crate::run::control::CommandId;
use crate::run::event::{Event, Record};
use crate::run::history::History;
use crate::run::stop::StopReason;
use crate::schedule::agenda::{Agenda, Item};
use crate::schedule::answer::Reply;
use crate::schedule::decide::{self, Decision, Moment};
use crate::schedule::errand::{Errand, Outstanding};
use crate::schedule::slot::{Admittance, Class, SlotId};
use crate::schedule::{charges, judge, looks, sweep};
use crate::teeth::{Bug, bites};

/// Runs `plan` to its end, and gives back what is true then.
///
/// # Errors
/// When storage fails, or when it was asked to stop at once.
pub async fn run<'a>(
    ports: Ports<'a>,
    plan: &'a Plan,
    history: History,
    begin: Begin,
    fail_fast: bool,
    stop: watch::Receiver<StopLevel>,
) -> Result<History, EngineError> {
    let drained = stop.clone();
    let mut engine = Engine {
        ports,
        plan,
        history,
        run: RunId(0),
        agenda: Agenda::default(),
        out: FuturesUnordered::new(),
        outstanding: Outstanding::default(),
        unsaved: Vec::new(),
        fail_fast,
    };
    engine.begin(begin)?;
    match engine.turns(stop).await {
        Err(EngineError::Storage(error)) => {
            // Nothing is sent any more. Requests that are out may end: what they were paid for is kept where it still can be.
            tokio::select! {
                () = engine.drain() => {}
                () = asked_to_end(drained) => {}
            }
            Err(error.into())
        }
        other => other.map(|()| engine.history),
    }
}

/// A request that is out.
struct Out {
    awaited: Awaited,
    slots: Vec<(Class, SlotId)>,
}

struct Engine<'a> {
    ports: Ports<'a>,
    plan: &'a Plan,
    history: History,
    run: RunId,
    agenda: Agenda,
    out: FuturesUnordered<BoxFuture<'static, (Out, Reply)>>,
    outstanding: Outstanding,
    /// Recorded in this turn, not yet durable.
    unsaved: Vec<Record>,
    fail_fast: bool,
}

impl Engine<'_> {
    fn begin(&mut self, begin: Begin) -> Result<(), EngineError> {
        let (run, events) = begin.opening(&self.history);
        self.run = run;
        self.record_all(events);
        self.commit()?;
        let run = self.history.run.as_ref().ok_or(EngineError::Stuck)?;
        self.agenda = Agenda::new(self.plan, &self.history, run);
        Ok(())
    }

    async fn turns(&mut self, mut stop: watch::Receiver<StopLevel>) -> Result<(), EngineError> {
        loop {
            match *stop.borrow_and_update() {
                StopLevel::Now => {
                    self.commit()?;
                    return Err(EngineError::Abandoned);
                }
                StopLevel::Settle if !self.stops().contains(&StopReason::Signal {}) => {
                    self.record(Event::Stopping {
                        reason: StopReason::Signal {},
                    });
                }
                StopLevel::Settle | StopLevel::Go => {}
            }
            // The same moment decides what is due and what is next: what falls due in between would be in neither.
            let now = self.ports.clock.now();
            let commands = self.look();
            let busy = self.act(now)?;
            if !commands.is_empty() {
                self.ports.control.obeyed(&commands);
            }
            if !busy && self.is_over(now) {
                return self.end();
            }
            if busy {
                self.take_in_what_is_here();
                continue;
            }
            let run = self.history.run.as_ref().ok_or(EngineError::Stuck)?;
            let wake = decide::next_moment(&self.agenda, &self.history.memory, run, now);
            if self.out.is_empty() && wake.is_none() && run.paused.is_none() {
                return Err(EngineError::Stuck);
            }
            let sleep = match wake {
                Some(at) => self.ports.clock.sleep_until(at),
                None => std::future::pending().boxed(),
            };
            let control = self.ports.control.due();
            tokio::select! {
                biased;
                Some((out, reply)) = self.out.next() => {
                    self.take_in(&out, reply);
                    self.take_in_what_is_here();
                }
                () = sleep => {}
                () = changed(stop.clone()) => {}
                () = control => {}
            }
        }
    }

    /// Records what people asked for since the last look.
    fn look(&mut self) -> Vec<CommandId> {
        let commands = self.ports.control.look();
        let ids = commands.iter().map(|command| command.id.clone()).collect();
        for command in commands {
            self.record(command.event());
        }
        ids
    }

    fn stops(&self) -> &[StopReason] {
        let run = self.history.run.as_ref();
        run.map(|run| run.stops.as_slice()).unwrap_or_default()
    }

    /// Nothing is out, and nothing that is still allowed is left to do.
    fn is_over(&self, now: Timestamp) -> bool {
        self.out.is_empty()
            && !self.agenda.has_any(decide::lanes(self.stops()))
            && !charges::are_awaited(&self.history.memory, self.stops(), now)
    }

    fn end(&mut self) -> Result<(), EngineError> {
        let run = self.history.run.as_ref().ok_or(EngineError::Stuck)?;
        let end = judge::end(run);
        let is_without_reason = end.reasons.is_empty() && run.has_blocked();
        let is_left = !run.is_done() && !run.is_at_gates();
        if run.stops.is_empty() && (is_left || is_without_reason) {
            return Err(EngineError::Stuck);
        }
        self.record(Event::RunEnded {
            end,
            wall_ms: self.ports.clock.wall_ms(),
        });
        self.commit()
    }

    /// Decides, records, commits, sends. Whether anything was done.
    fn act(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        self.fail_fast();
        let moment = Moment {
            now,
            out: self.outstanding,
        };
        let run = self.history.run.as_ref().ok_or(EngineError::Stuck)?;
        let decisions = decide::decide(&mut self.agenda, self.plan, &self.history, run, moment);
        let (mut departures, mut searching) = (Vec::new(), false);
        for decision in decisions {
            match decision {
                Decision::Stop(reason) => self.record(Event::Stopping { reason }),
                Decision::Cap(ix, why) => {
                    self.agenda.remove(Item::Step(ix));
                    let step = self.plan.family.step_ref(ix);
                    self.record(Event::Capped { step, why });
                }
                Decision::Search { sends, scan } => {
                    let search = self.desk().search(&sends, scan, now)?;
                    self.agenda.search = Some(search);
                    searching = true;
                }
                Decision::Doubt(ix, why) => {
                    let send = self.history.memory.send(ix).id;
                    self.record(Event::Doubted {
                        send,
                        call: None,
                        why,
                    });
                }
                Decision::Local(ix) => {
                    self.agenda.remove(Item::Step(ix));
                    self.carry_out(ix);
                }
                Decision::Send(errand) => departures.extend(self.depart(errand, now)?),
            }
        }
        let busy = searching || !self.unsaved.is_empty() || !departures.is_empty();
        if !bites(Bug::SendBeforeSlot) {
            self.ports.admission.commit()?;
        }
        if !bites(Bug::SendBeforeIntent) || departures.is_empty() {
            self.commit()?;
        }
        for (out, request) in departures {
            self.count(&out, 1);
            let call = self.ports.api.call(request);
            self.out.push(call.map(move |reply| (out, reply)).boxed());
        }
        Ok(busy)
    }

    /// Does what is to be done at home about a step: when it is dynamic, that is first to find out what it asks for.
    fn carry_out(&mut self, ix: StepIx) {
        let run = self.history.run.as_ref();
        let events = match run.and_then(|run| run.send_id(ix)) {
            None => resolve::resolve(self.plan, &self.history, ix),
            Some(_) => vec![local::carry_out(
                self.plan,
                &self.history,
                self.ports.files,
                ix,
            )],
        };
        self.record_all(events);
    }

    /// Takes the slots of `errand`, makes its request and records its intent.
    fn depart(
        &mut self,
        errand: Errand,
        now: Timestamp,
    ) -> Result<Option<(Out, Request)>, EngineError> {
        let mut classes = errand.classes(self.plan, &self.history.memory);
        if bites(Bug::RetryWithoutSlot) && matches!(errand, Errand::Resend(_)) {
            classes.clear();
        }
        if !classes.iter().all(|class| self.agenda.is_free(class, now)) {
            return Ok(None);
        }
        let slots: Vec<(Class, SlotId)> = match self.ports.admission.admit(&classes, now) {
            Admittance::Granted(slots) => classes.into_iter().zip(slots).collect(),
            full => {
                self.agenda.wait_for(full, errand.item());
                return Ok(None);
            }
        };
        if let Some(item) = errand.item() {
            self.agenda.remove(item);
        }
        if bites(Bug::SlotEndsAtSend) {
            let ids: Vec<SlotId> = slots.iter().map(|(_, slot)| *slot).collect();
            self.ports.admission.answered(&ids, now);
        }
        let Dispatch {
            intent,
            request,
            awaited,
        } = self.desk().prepare(errand, now)?;
        match (errand, &mut self.agenda.search) {
            (Errand::Look, Some(search)) => search.is_out = true,
            (Errand::Sweep, _) => self.agenda.sweep_is_out(now),
            _ => {}
        }
        if let Some(intent) = intent {
            self.record(intent);
        }
        Ok(Some((Out { awaited, slots }, request)))
    }

    /// Takes in every reply that is here already.
    fn take_in_what_is_here(&mut self) {
        while let Some(Some((out, reply))) = self.out.next().now_or_never() {
            self.take_in(&out, reply);
        }
    }

    /// Judges a reply and records what it means.
    fn take_in(&mut self, out: &Out, reply: Reply) {
        let now = self.ports.clock.now();
        self.count(out, -1);
        let slots: Vec<SlotId> = out.slots.iter().map(|(_, slot)| *slot).collect();
        if reply.call.rate_limited {
            let retry_after = reply.retry_after();
            self.ports.admission.refused(&slots, retry_after, now);
            let until = now.after(retry_after.unwrap_or_default());
            for class in out.slots.iter().flat_map(|(class, _)| class.blamed()) {
                self.agenda.hold(class.clone(), until);
            }
        } else {
            self.ports.admission.answered(&slots, now);
        }
        for (class, _) in &out.slots {
            self.agenda.answered(class);
        }
        let events = match out.awaited {
            Awaited::Look => return self.looked(reply, now),
            Awaited::Sweep => {
                let settings = &self.plan.family.settings;
                sweep::took(&mut self.agenda, &self.history.memory, settings, reply, now)
            }
            _ => dispatch::judge(self.plan, &self.history, &out.awaited, reply, now),
        };
        self.record_all(events);
    }

    /// An answer to the search for witnesses; the last of them says what became of what was looked for.
    fn looked(&mut self, reply: Reply, now: Timestamp) {
        let policy = |id: &SendId| dispatch::on_proposal(self.plan, &self.history, id);
        let memory = &self.history.memory;
        let events = looks::took(&mut self.agenda.search, memory, reply, policy, now);
        self.record_all(events);
    }

    fn desk(&self) -> Desk<'_> {
        Desk {
            plan: self.plan,
            memory: &self.history.memory,
            run: self.history.run.as_ref(),
            files: self.ports.files,
            search: self.agenda.search.as_ref(),
            sweep: self.agenda.polls.sweep(),
        }
    }

    /// The class of a request says what kind it is.
    fn count(&mut self, out: &Out, change: isize) {
        if let Some((class, _)) = out.slots.last() {
            self.outstanding.count(class, change);
        }
    }

    fn fail_fast(&mut self) {
        let bad = self
            .history
            .run
            .as_ref()
            .filter(|run| {
                !run.stops
                    .iter()
                    .any(|stop| matches!(stop, StopReason::FailFast { .. }))
            })
            .and_then(|run| run.first_bad);
        if let Some(ix) = bad.filter(|_| self.fail_fast) {
            self.record(Event::Stopping {
                reason: StopReason::FailFast {
                    step: self.plan.family.step_ref(ix),
                },
            });
        }
    }

    fn record_all(&mut self, events: Vec<Event>) {
        events.into_iter().for_each(|event| self.record(event));
    }

    /// The one door: what is recorded here is true from now on, and durable before anything else leaves this machine.
    fn record(&mut self, event: Event) {
        let record = Record {
            at: self.ports.clock.now(),
            run: Some(self.run),
            event,
        };
        let ready = self.history.apply(&record);
        if let (Event::Cancelled { parts, .. }, Some(run)) = (&record.event, &self.history.run) {
            for ix in run.not_ready(parts) {
                self.agenda.remove(Item::Step(ix));
            }
        }
        if let Some(run) = &self.history.run {
            for ix in ready {
                self.agenda
                    .step_is_ready(self.plan, &self.history.memory, run, ix);
            }
        }
        if let Event::Transcribed { step, .. } | Event::NotTranscribed { step, .. } = &record.event
            && let Some(run) = &self.history.run
            && let Some(ix) = run.find(step).filter(|ix| run.is_ready(*ix))
        {
            let memory = &self.history.memory;
            self.agenda.step_is_ready(self.plan, memory, run, ix);
            if let Event::NotTranscribed {
                retry_at: Some(at), ..
            } = &record.event
            {
                self.agenda.postpone(Item::Step(ix), *at);
            }
        }
        if let Event::Claimed { step, .. } = &record.event
            && let Some(ix) = self.history.run.as_ref().and_then(|run| run.find(step))
        {
            self.agenda.remove(Item::Step(ix));
        }
        if let Some(run) = &self.history.run {
            for id in record.event.sends() {
                if let Some(ix) = self.history.memory.index.get(id) {
                    self.agenda.send_changed(self.plan, &self.history, run, *ix);
                }
            }
        }
        if !bites(Bug::ForgetToWrite) || !matches!(record.event, Event::Accepted { .. }) {
            self.unsaved.push(record);
        }
    }

    /// Takes in the replies to what is out after storage failed.
    async fn drain(&mut self) {
        let _ = self.commit(); // The error that is told is the first one.
        while let Some((out, reply)) = self.out.next().await {
            self.take_in(&out, reply);
            let _ = self.commit();
        }
    }

    fn commit(&mut self) -> Result<(), EngineError> {
        if self.unsaved.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.ports.journal.append(&self.unsaved) {
            self.unsaved.clear(); // It keeps them in its own way, or they are lost: they are never offered twice.
            return Err(error.into());
        }
        for record in self.unsaved.drain(..) {
            self.ports.observer.observe(&record, &self.history);
        }
        Ok(())
    }
}

/// Ends when the stop level changes; never when nobody can change it any more.
async fn changed(mut stop: watch::Receiver<StopLevel>) {
    if stop.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Ends when the run is asked to stop at once.
async fn asked_to_end(mut stop: watch::Receiver<StopLevel>) {
    if stop
        .wait_for(|level| *level == StopLevel::Now)
        .await
        .is_err()
    {
        std::future::pending::<()>().await;
    }
}
