//! A search for witnesses: the job list, page by page, then the history of each job that may be what is looked for. One
//! request at a time; what a page or a history says is kept here until the last of them came.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::answer::JobLine;
use super::witness::{Likeness, Message, Quarry, Subject, Trace, outline};
use crate::plan::remote::{JobId, ReviewResult, Timestamp};

/// A workspace with more pages of jobs than this is not looked through.
const MAX_PAGES: u32 = 1_000;

/// The next question of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A page of the job list: the first, or the one after this cursor.
    Page(Option<String>),
    /// The history of a job.
    History(JobId),
}

/// What became of a quarry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is there: this job, and the answer when it is a review that has one.
    Present(JobId, Option<ReviewResult>),
    /// It is not there.
    Absent,
    /// It can't be told, and a person has to look: these jobs, and why.
    Unclear(Vec<JobId>, String),
}

/// A search, from its first question to its last.
#[derive(Debug, Clone)]
pub struct Search {
    quarries: Vec<Quarry>,
    /// The creates that are looked for, by their outlines.
    outlines: BTreeMap<String, Vec<usize>>,
    /// Jobs of which we know what they are, or that are read already.
    seen: BTreeSet<JobId>,
    pages: Pages,
    /// Jobs whose histories are read, each with the outline of its preview.
    to_read: VecDeque<(JobId, String)>,
    /// What was found of each quarry.
    hits: BTreeMap<usize, Vec<Hit>>,
    traces: BTreeMap<usize, Trace>,
    /// Whether it is for what an earlier state may have sent, too.
    pub is_scan: bool,
    /// Whether a question is out.
    pub is_out: bool,
    /// The next question is not to be asked before.
    pub not_before: Timestamp,
    /// How many questions in a row had no answer.
    pub failures: u32,
}

#[derive(Debug, Clone)]
enum Pages {
    Next(Option<String>, u32),
    Done,
    TooMany,
}

#[derive(Debug, Clone)]
struct Hit {
    job: JobId,
    at: Option<Timestamp>,
    likeness: Likeness,
}

impl Search {
    /// A search for `quarries`, which are all creates of the plan when `is_scan` says so; `ours` are the jobs of which we know what they are.
    #[must_use]
    pub fn new(
        quarries: Vec<Quarry>,
        ours: BTreeSet<JobId>,
        is_scan: bool,
        now: Timestamp,
    ) -> Self {
        let mut outlines: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut to_read = BTreeSet::new();
        for (place, quarry) in quarries.iter().enumerate() {
            match &quarry.job {
                None => outlines
                    .entry(outline(&quarry.text))
                    .or_default()
                    .push(place),
                Some(job) => {
                    to_read.insert(job.clone());
                }
            }
        }
        // An empty scan asks for a page all the same: that the list can be read is known before money is spent.
        let pages = if outlines.is_empty() && !is_scan {
            Pages::Done
        } else {
            Pages::Next(None, 0)
        };
        Self {
            quarries,
            outlines,
            seen: ours,
            pages,
            to_read: to_read
                .into_iter()
                .map(|job| (job, String::new()))
                .collect(),
            hits: BTreeMap::new(),
            traces: BTreeMap::new(),
            is_scan,
            is_out: false,
            not_before: now,
            failures: 0,
        }
    }

    /// The next question; `None` when all are answered.
    #[must_use]
    pub fn ask(&self) -> Option<Ask> {
        match (&self.pages, self.to_read.front()) {
            (Pages::Next(cursor, _), _) => Some(Ask::Page(cursor.clone())),
            (_, Some((job, _))) => Some(Ask::History(job.clone())),
            (_, None) => None,
        }
    }

    /// A page came: which of its jobs may be what is looked for?
    pub fn took_page(&mut self, jobs: &[JobLine], next: Option<String>) {
        for job in jobs {
            if self.seen.contains(&job.id) {
                continue;
            }
            let preview = outline(&job.preview);
            let is_wanted = |place: &usize| self.quarries[*place].may_be_of(job.created_at);
            let may_be = self
                .outlines
                .range(preview.clone()..)
                .take_while(|(text, _)| text.starts_with(&preview))
                .any(|(_, places)| places.iter().any(is_wanted));
            if may_be {
                self.seen.insert(job.id.clone());
                self.to_read.push_back((job.id.clone(), preview));
            }
        }
        let Pages::Next(_, seen) = self.pages else {
            return;
        };
        self.pages = match next {
            None => Pages::Done,
            Some(_) if seen + 1 >= MAX_PAGES => Pages::TooMany,
            Some(cursor) => Pages::Next(Some(cursor), seen + 1),
        };
    }

    /// The history of the job that was asked for came; `None`: it can't be read any more.
    pub fn took_history(&mut self, history: Option<&[Message]>) {
        let Some((job, preview)) = self.to_read.pop_front() else {
            return;
        };
        for (place, quarry) in self.quarries.iter().enumerate() {
            if quarry.job.as_ref() == Some(&job) {
                let trace = history.map_or_else(
                    || Trace::Unclear("the history of its job can't be read".to_owned()),
                    |history| quarry.trace(history),
                );
                self.traces.insert(place, trace);
            }
        }
        let first = history.and_then(|history| history.iter().find(|message| message.by_user));
        let text = first.map_or(preview, |first| outline(&first.text));
        let places = self
            .outlines
            .range(text.clone()..)
            .take_while(|(wanted, _)| wanted.starts_with(&text))
            .flat_map(|(_, places)| places);
        for place in places {
            let quarry = &self.quarries[*place];
            // A history that can't be read does not say that it is another one.
            let likeness = first.map_or(Likeness::Near, |first| quarry.likeness(first));
            let at = first.and_then(|first| first.at);
            if likeness != Likeness::Other && quarry.may_be_of(at) {
                self.hits.entry(*place).or_default().push(Hit {
                    job: job.clone(),
                    at,
                    likeness,
                });
            }
        }
    }

    /// What became of each quarry, once every question is answered.
    #[must_use]
    pub fn findings(&self) -> Vec<(Subject, Finding)> {
        let mut findings = Vec::new();
        for (place, quarry) in self.quarries.iter().enumerate() {
            if let Some(job) = &quarry.job {
                findings.push((quarry.subject.clone(), self.of_trace(place, job)));
            }
        }
        // Twins can't be told apart by what they ask for: all of them together are.
        for places in self.outlines.values() {
            let mut groups: Vec<Vec<usize>> = Vec::new();
            for place in places {
                let is_twin = |group: &&mut Vec<usize>| {
                    let (a, b) = (&self.quarries[group[0]], &self.quarries[*place]);
                    (&a.text, &a.images) == (&b.text, &b.images)
                };
                match groups.iter_mut().find(is_twin) {
                    Some(group) => group.push(*place),
                    None => groups.push(vec![*place]),
                }
            }
            for group in groups {
                findings.extend(self.of_twins(&group));
            }
        }
        findings
    }

    fn of_trace(&self, place: usize, job: &JobId) -> Finding {
        match self.traces.get(&place) {
            Some(Trace::Present(review)) => Finding::Present(job.clone(), review.clone()),
            Some(Trace::Absent) => Finding::Absent,
            Some(Trace::Unclear(why)) => Finding::Unclear(vec![job.clone()], why.clone()),
            None => Finding::Unclear(vec![job.clone()], "its job was not read".to_owned()),
        }
    }

    fn of_twins(&self, group: &[usize]) -> Vec<(Subject, Finding)> {
        let mut same: BTreeMap<&JobId, Option<Timestamp>> = BTreeMap::new();
        let mut near: BTreeSet<&JobId> = BTreeSet::new();
        for hit in group
            .iter()
            .flat_map(|place| self.hits.get(place))
            .flatten()
        {
            match hit.likeness {
                Likeness::Same => {
                    same.insert(&hit.job, hit.at);
                }
                _ => {
                    near.insert(&hit.job);
                }
            }
        }
        let subjects = group
            .iter()
            .map(|place| self.quarries[*place].subject.clone());
        let unclear = |jobs: BTreeSet<&JobId>, why: &str| {
            let jobs: Vec<JobId> = jobs.into_iter().cloned().collect();
            let finding = Finding::Unclear(jobs, why.to_owned());
            subjects
                .clone()
                .map(|subject| (subject, finding.clone()))
                .collect()
        };
        if !near.is_empty() {
            let jobs = near.into_iter().chain(same.into_keys()).collect();
            return unclear(
                jobs,
                "there is a job of which no more is shown than the beginning of this prompt",
            );
        }
        if matches!(self.pages, Pages::TooMany) {
            let why = "the workspace has more jobs than can be looked through";
            return unclear(same.into_keys().collect(), why);
        }
        if same.is_empty() {
            return subjects.map(|subject| (subject, Finding::Absent)).collect();
        }
        if same.len() != group.len() {
            let why = "there are jobs with this prompt, but not one for each part that asks for it";
            return unclear(same.into_keys().collect(), why);
        }
        let mut jobs: Vec<(Option<Timestamp>, &JobId)> =
            same.into_iter().map(|(job, at)| (at, job)).collect();
        jobs.sort_unstable();
        subjects
            .zip(jobs)
            .map(|(subject, (_, job))| (subject, Finding::Present(job.clone(), None)))
            .collect()
    }
}
