//! When jobs are looked at: each by itself, or many at once with a sweep of the job list.
//!
//! A poll goes out as soon as the service allows it while there are reads enough. When there are not, waits follow the
//! square-root rule: of all timetables that fit into the reads, the one with jobs polled in proportion to √(weight × hazard)
//! sees the ends of jobs soonest, where a job weighs by what waits for it and its hazard is how likely it is to end.
//!
//! A sweep shows a hundred jobs for one read. It is made when several jobs are due at once, and it speaks only for jobs
//! that may be polled: what it says about others is not used. It tells neither files nor costs, so a job that it shows as
//! ended is then polled by itself; and so is one that it does not show.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::agenda::{Agenda, Item, Lane};
use super::decide::{Decision, Turn};
use super::errand::Errand;
use super::limits;
use super::slot::Class;
use crate::plan::memory::Memory;
use crate::plan::remote::Timestamp;
use crate::plan::send::{Running, SendIx, SendState};
use crate::plan::settings::{Limits, Rate};

/// So many jobs that are due at once are worth a sweep; and so many for each page that the last one read.
const DUE_FOR_A_SWEEP: usize = 4;
const DUE_FOR_A_PAGE: usize = 2;
/// A job that so many sweeps in a row show at work is polled by itself: the list may lag.
const SWEEPS_IN_A_ROW: u32 = 8;
/// No more due jobs than this are looked through in one turn.
const LOOKED_THROUGH: usize = 4_096;
/// How much of their rate polls use, in tenths.
const TENTHS: u32 = 9;

/// The timetable of polls.
#[derive(Debug, Default)]
pub struct Polls {
    jobs: BTreeMap<SendIx, Job>,
    /// The sum of their weights.
    sum: f64,
    pub(super) sweep: Option<Sweep>,
    /// The next sweep is not to be made before.
    pub(super) not_before: Timestamp,
    /// How many sweeps in a row had no answer.
    pub(super) failures: u32,
    /// How many pages the last sweep read.
    pub(super) pages: usize,
    /// When the next poll goes out that waits because there are too many.
    next_alone: Option<Timestamp>,
}

/// A job that is at work.
#[derive(Debug, Clone, Copy)]
struct Job {
    /// √(weight × hazard).
    root: f64,
    /// How many sweeps in a row showed it at work.
    swept: u32,
    by_itself: Option<ByItself>,
}

/// Why a job is polled by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByItself {
    /// A sweep shows that it ended.
    Ended,
    /// A sweep does not show it, or not what became of it.
    Unseen,
}

/// A sweep that is under way.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// What to ask the next page with.
    pub cursor: Option<String>,
    /// When it began: of what was due then, all that it does not show is polled by itself.
    pub(super) since: Timestamp,
    /// When its last question went out.
    pub asked_at: Timestamp,
    /// Whether a question is out.
    pub is_out: bool,
    pub(super) pages: usize,
}

impl Polls {
    /// The job of the send at `ix` is at work, or its last poll changed something; `root` is √(weight × hazard).
    pub(super) fn is_at_work(&mut self, ix: SendIx, root: f64) {
        let swept = self.leave(ix).map_or(0, |job| job.swept);
        self.sum += root;
        let job = Job {
            root,
            swept,
            by_itself: None,
        };
        self.jobs.insert(ix, job);
    }

    /// The job of the send at `ix` is at work no more, or is being polled.
    pub(super) fn is_left(&mut self, ix: SendIx) {
        self.leave(ix);
    }

    fn leave(&mut self, ix: SendIx) -> Option<Job> {
        let job = self.jobs.remove(&ix)?;
        self.sum = if self.jobs.is_empty() {
            0.0
        } else {
            self.sum - job.root
        };
        Some(job)
    }

    pub(super) fn poll_by_itself(&mut self, ix: SendIx, why: ByItself) {
        if let Some(job) = self.jobs.get_mut(&ix) {
            job.by_itself = Some(why);
        }
    }

    /// A sweep showed the job of the send at `ix` at work.
    pub(super) fn was_swept(&mut self, ix: SendIx) {
        if let Some(job) = self.jobs.get_mut(&ix) {
            job.swept += 1;
        }
    }

    /// A sweep that began at `since` is over: jobs that were due then, and of which nothing is known, are polled by
    /// themselves. `at_work` were on its last page.
    pub(super) fn sweep_ends(
        &mut self,
        memory: &Memory,
        since: Timestamp,
        at_work: &BTreeSet<SendIx>,
    ) {
        for (ix, job) in &mut self.jobs {
            let was_due = running(memory, *ix).is_some_and(|job| job.next_poll_at <= since);
            if was_due && job.by_itself.is_none() && !at_work.contains(ix) {
                job.by_itself = Some(ByItself::Unseen);
            }
        }
    }

    /// The sweep that is under way.
    #[must_use]
    pub const fn sweep(&self) -> Option<&Sweep> {
        self.sweep.as_ref()
    }

    /// When something may change by itself.
    pub(super) fn next_moment(&self) -> impl Iterator<Item = Timestamp> + use<> {
        let sweep = (self.failures > 0).then_some(self.not_before);
        sweep.into_iter().chain(self.next_alone)
    }

    /// Whether a sweep may speak for a job that is due.
    pub(super) fn is_listed(&self, ix: SendIx, running: &Running, overdue: bool) -> bool {
        let is_alone = |job: &Job| job.by_itself.is_some() || job.swept >= SWEEPS_IN_A_ROW;
        !overdue && running.unclear == 0 && !self.jobs.get(&ix).is_some_and(is_alone)
    }

    /// When a job that is due is polled by itself.
    fn alone_at(&self, ix: SendIx, running: &Running, rate: Rate) -> Timestamp {
        match self.jobs.get(&ix) {
            Some(job) if job.by_itself != Some(ByItself::Ended) => {
                let wait = square_root_rule(job.root, self.sum, rate);
                let more = wait.saturating_sub(running.wait);
                running.next_poll_at.after(more)
            }
            _ => running.next_poll_at,
        }
    }
}

/// The wait between two polls of a job with this root, when all polls together keep `rate`.
fn square_root_rule(root: f64, sum: f64, rate: Rate) -> Duration {
    let a_second = f64::from(rate.count.get() * TENTHS) / 10.0 / rate.window.as_secs_f64();
    Duration::try_from_secs_f64(sum / a_second / root).unwrap_or(Duration::ZERO)
}

impl Turn<'_> {
    /// Polls what is due, each by itself, or makes or goes on with a sweep.
    pub(super) fn polls(&mut self, agenda: &mut Agenda) {
        let now = self.moment.now;
        agenda.polls.next_alone = None;
        if !agenda.is_free(&Class::Polls, now) {
            return;
        }
        let due: Vec<SendIx> = agenda
            .ready(Lane::Poll, now)
            .filter_map(|item| match item {
                Item::Send(send) => Some(send),
                Item::Step(_) => None,
            })
            .take(LOOKED_THROUGH)
            .collect();
        let settings = &self.plan.family.settings;
        let is_overdue = |running: &Running| now.since(running.since) > settings.job_timeout;
        let polls = &mut agenda.polls;
        let (mut listed, mut alone) = (Vec::new(), Vec::new());
        for ix in due {
            if let Some(running) = running(self.memory, ix) {
                if polls.is_listed(ix, running, is_overdue(running)) {
                    listed.push((ix, running));
                } else {
                    alone.push((ix, running));
                }
            }
        }
        let enough = DUE_FOR_A_SWEEP.max(DUE_FOR_A_PAGE * polls.pages);
        if polls.sweep.is_none() && polls.not_before <= now && listed.len() >= enough {
            polls.sweep = Some(Sweep {
                cursor: None,
                since: now,
                asked_at: now,
                is_out: false,
                pages: 0,
            });
        }
        match &polls.sweep {
            Some(sweep) if !sweep.is_out => {
                self.decisions.push(Decision::Send(Errand::Sweep));
            }
            Some(_) => {}
            None => alone.append(&mut listed),
        }
        self.one_by_one(polls, alone, &settings.limits);
    }

    fn one_by_one(&mut self, polls: &mut Polls, due: Vec<(SendIx, &Running)>, limits: &Limits) {
        let rate = limits::rate(limits, &Class::Polls);
        let room = self.room();
        let mut sent = 0;
        for (ix, running) in due {
            let at = polls.alone_at(ix, running, rate);
            if at > self.moment.now {
                polls.next_alone = polls.next_alone.into_iter().chain([at]).min();
            } else if sent < room {
                sent += 1;
                self.decisions.push(Decision::Send(Errand::Poll(ix)));
            }
        }
    }
}

/// The job of the send at `ix`, when it is at work.
pub(super) fn running(memory: &Memory, ix: SendIx) -> Option<&Running> {
    match &memory.send(ix).state {
        SendState::Running(running) => Some(running),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_root_rule_fills_the_rate_and_polls_what_matters_more_often() {
        let rate = Rate::per(510, 60);
        let roots: Vec<f64> = (1..=1_000u32).map(|n| f64::from(n).sqrt()).collect();
        let sum: f64 = roots.iter().sum();
        let waits: Vec<f64> = roots
            .iter()
            .map(|root| square_root_rule(*root, sum, rate).as_secs_f64())
            .collect();
        let a_minute: f64 = waits.iter().map(|wait| 60.0 / wait).sum();
        assert!((a_minute - 459.0).abs() < 1.0, "{a_minute}");
        // Four times the weight: half the wait.
        assert!((waits[24] / waits[99] - 2.0).abs() < 0.01);
    }

    #[test]
    fn few_jobs_are_polled_as_told() {
        let mut polls = Polls::default();
        for n in 0..40 {
            polls.is_at_work(SendIx(n), 1.0);
        }
        let job = Running {
            since: Timestamp(0),
            next_poll_at: Timestamp(30_000),
            wait: Duration::from_secs(30),
            polling: false,
            unclear: 0,
        };
        let rate = Rate::per(510, 60);
        assert_eq!(polls.alone_at(SendIx(0), &job, rate), Timestamp(30_000));
        for n in 40..460 {
            polls.is_at_work(SendIx(n), 1.0);
        }
        let later = polls.alone_at(SendIx(0), &job, rate);
        assert!(
            later > Timestamp(59_000) && later < Timestamp(61_000),
            "{later:?}"
        );
        // What is known to have ended is worth its read at once.
        polls.poll_by_itself(SendIx(0), ByItself::Ended);
        assert_eq!(polls.alone_at(SendIx(0), &job, rate), Timestamp(30_000));
        for n in 0..460 {
            polls.is_left(SendIx(n));
        }
        assert_eq!(polls.sum, 0.0);
    }
}
