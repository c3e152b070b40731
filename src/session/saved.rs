//! Plans that are saved, and carried out later: everything that they were made from, and whether that is still the same.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::open::{Loaded, Session, SessionError};
use super::service::Origin;
use crate::plan::action::Action;
use crate::plan::actions::Plan;
use crate::plan::digest::Digest;
use crate::plan::memory::Memory;
use crate::plan::money::Cents;
use crate::plan::selection::Wish;
use crate::plan::settings::BalanceCheck;
use crate::run::event::Record;
use crate::run::history::History;

/// The newest version of a saved plan that is understood.
const FORMAT_VERSION: u32 = 1;

/// What a plan was made from, and what it may cost at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The manifest, from the root on.
    pub manifest: String,
    /// At which service.
    pub origin: String,
    /// How many events the state had.
    pub state_serial: u64,
    /// The manifest, what it includes and its tables, by name: the SHA-256 of each.
    pub sources: BTreeMap<String, Digest>,
    /// The images, by name.
    pub images: BTreeMap<String, Digest>,
    /// The variables of the environment that it sees, by name: the SHA-256 of their values.
    pub env: BTreeMap<String, Digest>,
    /// What was selected.
    #[serde(default, skip_serializing_if = "Wish::is_everything")]
    pub selection: Wish,
    /// The parts and the keys of their steps.
    pub plan: Digest,
    /// What is to be done with each step.
    pub actions: Digest,
    /// What a write reserves, as the service showed it last.
    pub hold_cents: Option<Cents>,
    /// What its run may cost at most: nothing is sent that goes beyond.
    pub max_cents: Option<Cents>,
}

/// A saved plan, as `run` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPlan {
    /// What it was made from.
    pub saved: Saved,
    /// Which document it is.
    pub digest: Digest,
}

#[derive(Deserialize)]
struct Document {
    format_version: u32,
    saved: Option<Saved>,
}

impl Saved {
    /// What `plan`, made of `session` for `wish`, rests on. `max` is what its writes may cost at most, when that is known.
    ///
    /// # Errors
    /// When nothing says what its run may cost at most.
    pub fn new(
        session: &Session,
        origin: &Origin,
        wish: &Wish,
        (plan, memory): (&Plan, &Memory),
        max: Option<Cents>,
    ) -> Result<Self, SessionError> {
        let loaded = &session.loaded;
        let budget = &plan.family.settings.budget;
        let max_cents = max.into_iter().chain(budget.max_spend).min();
        if max_cents.is_none() && plan.writes() > 0 && budget.balance == BalanceCheck::Checked {
            let why =
                "what it may cost at most is not known: no price was seen at this service yet";
            return Err(SessionError::NotSaved(why.to_owned()));
        }
        let path = std::path::absolute(&loaded.path).unwrap_or_else(|_| loaded.path.clone());
        Ok(Self {
            manifest: path.display().to_string(),
            origin: origin.name(),
            state_serial: session.records.len() as u64,
            sources: sources(loaded),
            images: images(loaded),
            env: loaded.env.clone(),
            selection: wish.clone(),
            plan: plan.family.digest(),
            actions: actions(plan),
            hold_cents: memory.hold(),
            max_cents,
        })
    }

    /// What is no longer as it was when the plan was saved; nothing: it may be carried out.
    #[must_use]
    pub fn changes(&self, loaded: &Loaded, origin: &Origin) -> Vec<String> {
        let mut changes = Vec::new();
        if self.origin != origin.name() {
            changes.push(format!(
                "it is for {}, and not for {}",
                self.origin,
                origin.name()
            ));
        }
        compare("", &self.sources, &sources(loaded), &mut changes);
        compare("the image ", &self.images, &images(loaded), &mut changes);
        compare("the variable ", &self.env, &loaded.env, &mut changes);
        changes
    }

    /// What of `plan` is not as it was saved.
    #[must_use]
    pub fn differences(&self, plan: &Plan) -> Vec<String> {
        let mut changes = Vec::new();
        if self.plan != plan.family.digest() {
            changes
                .push("its parts or steps are others: this millrun may be another one".to_owned());
        } else if self.actions != actions(plan) {
            let why = "something else is to be done: files that were published may be gone";
            changes.push(why.to_owned());
        }
        changes
    }
}

impl SavedPlan {
    /// Reads `text`; `None` when that is no saved plan.
    ///
    /// # Errors
    /// When a newer millrun wrote it.
    pub fn parse(text: &str) -> Result<Option<Self>, SessionError> {
        let Ok(document) = serde_json::from_str::<Document>(text) else {
            return Ok(None);
        };
        if document.format_version > FORMAT_VERSION {
            let version = document.format_version;
            let why = format!("a newer millrun wrote it (format version {version})");
            return Err(SessionError::Stale(vec![why]));
        }
        Ok(document.saved.map(|saved| Self {
            saved,
            digest: Digest::of(text.as_bytes()),
        }))
    }

    /// Whether the last run of `records` carries this plan out and is not finished.
    pub(super) fn is_under_way(&self, history: &History) -> bool {
        let run = history.run.as_ref();
        run.is_some_and(|run| run.sheet.saved == Some(self.digest) && !run.is_finished())
    }

    /// Refuses to carry it out once the state has moved on, other than by its own run.
    pub(super) fn check_state(
        &self,
        records: &[Record],
        history: &History,
    ) -> Result<(), SessionError> {
        if self.is_under_way(history) || records.len() as u64 == self.saved.state_serial {
            return Ok(());
        }
        let was_run = history
            .run
            .as_ref()
            .filter(|run| run.sheet.saved == Some(self.digest));
        let why = match was_run {
            Some(run) => format!("{} has carried it out", run.id),
            None => format!(
                "the state has moved on: it had {} events, and has {}",
                self.saved.state_serial,
                records.len()
            ),
        };
        Err(SessionError::Stale(vec![why]))
    }
}

fn compare(
    what: &str,
    then: &BTreeMap<String, Digest>,
    now: &BTreeMap<String, Digest>,
    changes: &mut Vec<String>,
) {
    for (name, digest) in then {
        match now.get(name) {
            None => changes.push(format!("{what}{name} is no longer used")),
            Some(now) if now != digest => changes.push(format!("{what}{name} has changed")),
            Some(_) => {}
        }
    }
    let new = now.keys().filter(|name| !then.contains_key(*name));
    changes.extend(new.map(|name| format!("{what}{name} is new")));
}

/// All texts, by their names from the manifest's folder on.
fn sources(loaded: &Loaded) -> BTreeMap<String, Digest> {
    let folder = loaded.path.parent().unwrap_or(Path::new(""));
    let named = loaded.sources.texts().map(|(name, text)| {
        let name = Path::new(name)
            .strip_prefix(folder)
            .unwrap_or(Path::new(name));
        (name.display().to_string(), Digest::of(text.as_bytes()))
    });
    named.collect()
}

fn images(loaded: &Loaded) -> BTreeMap<String, Digest> {
    let images = &loaded.family.images;
    images
        .iter()
        .map(|(digest, path)| (path.clone(), *digest))
        .collect()
}

/// What is to be done with each step, in words that don't depend on how it is told.
fn actions(plan: &Plan) -> Digest {
    let mut text = String::new();
    for ix in plan.family.step_indices() {
        let word = match plan.action(ix) {
            Action::Reuse => "reuse",
            Action::Skip => "skip",
            Action::Run(_) => "run",
            Action::Recreate(_) => "recreate",
            Action::Blocked(_) => "blocked",
        };
        text.push_str(&format!("{} {word}\n", plan.family.step_ref(ix)));
    }
    Digest::of(text.as_bytes())
}
