//! Steps that read results: what they wait for, and what they ask for once it is there.
//!
//! Evaluating is a pure function of what was recorded. The same results give the same text, and so the same key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use minijinja::Value;

use super::content::{Content, ImageRef, Prompt, StepKind};
use super::ids::StepRef;
use super::remote::{JobId, ReviewResult, WriteResult};
use super::resolve::late;
use super::view::View;

/// The longest text of a result that is taken over into another text: a service must not write whole prompts of ours.
pub const MAX_RESULT_CHARS: usize = 20_000;

/// A step that is not known yet.
#[derive(Debug, Clone)]
pub struct Dynamic {
    /// Its condition, when that reads results.
    pub when: Option<Formula>,
    /// What it asks for.
    pub body: Body,
}

/// What a dynamic step asks for.
#[derive(Debug, Clone)]
pub enum Body {
    /// That is known; its condition is not, or the write that it hangs on.
    Known(Content),
    /// Its prompt reads results.
    Prompt {
        /// The prompt.
        text: Formula,
        /// Its images.
        images: Vec<ImageRef>,
        /// What a review is shown.
        view: Option<Box<View>>,
    },
}

/// A template or a condition with everything that it needs beside results.
#[derive(Debug, Clone)]
pub struct Formula {
    /// As it was written.
    pub source: String,
    /// What is known of its names.
    pub values: Value,
    /// What it reads.
    pub reads: Vec<Read>,
}

/// One thing that a formula reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// How it is called there.
    pub path: ReadPath,
    /// The steps that may have it: of those that are not skipped, the first has.
    pub of: Vec<StepRef>,
}

/// How a result is called in a formula.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadPath {
    /// The other part, as in `parts['plate']`; none for a step of the same part.
    pub part: Option<String>,
    /// The step; none for what a part came to.
    pub step: Option<String>,
    /// What of it.
    pub field: Field,
}

/// What can be read of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The job's id.
    JobId,
    /// The id of the revision that a write made.
    Revision,
    /// The service's words about a revision.
    Explanation,
    /// The files of a revision.
    Artifacts,
    /// What the review assistant said.
    Message,
    /// How many files a check found.
    Files,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 6] = [
        Self::JobId,
        Self::Revision,
        Self::Explanation,
        Self::Artifacts,
        Self::Message,
        Self::Files,
    ];

    /// Its name in templates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JobId => "job_id",
            Self::Revision => "revision",
            Self::Explanation => "explanation",
            Self::Artifacts => "artifacts",
            Self::Message => "message",
            Self::Files => "files",
        }
    }

    /// Whether a step of this kind has it.
    #[must_use]
    pub const fn is_of(self, kind: StepKind) -> bool {
        match self {
            Self::JobId | Self::Revision | Self::Explanation | Self::Artifacts => kind.is_write(),
            Self::Message => matches!(kind, StepKind::Review),
            Self::Files => matches!(kind, StepKind::Check),
        }
    }
}

impl fmt::Display for ReadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(part) = &self.part {
            write!(f, "parts['{part}'].")?;
        }
        match &self.step {
            Some(step) if is_plain(step) => write!(f, "steps.{step}.")?,
            Some(step) => write!(f, "steps['{step}'].")?,
            None => {}
        }
        f.write_str(self.field.as_str())
    }
}

/// Whether a template can write `name` behind a dot.
fn is_plain(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// How far a step came whose result is read.
#[derive(Debug, Clone, Copy)]
pub enum Upstream<'a> {
    /// It may still bring another result.
    Pending,
    /// It does not exist.
    Skipped,
    /// It ended well.
    Done(Facts<'a>),
}

/// What a step that ended well left behind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// Its job.
    pub job: Option<&'a JobId>,
    /// The result of the write, or of the one that it is about.
    pub write: Option<&'a WriteResult>,
    /// What a review said.
    pub review: Option<&'a ReviewResult>,
}

/// What a dynamic step turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Its condition is false.
    Skipped,
    /// It asks for this.
    For(Content),
}

impl Dynamic {
    /// What the step asks for if it exists, where no result changes that.
    #[must_use]
    pub const fn fixed_content(&self) -> Option<&Content> {
        match &self.body {
            Body::Known(content) => Some(content),
            Body::Prompt { .. } => None,
        }
    }

    /// Everything that it reads.
    pub fn reads(&self) -> impl Iterator<Item = &Read> {
        let text = match &self.body {
            Body::Prompt { text, .. } => Some(text),
            Body::Known(_) => None,
        };
        self.when
            .iter()
            .chain(text)
            .flat_map(|formula| &formula.reads)
    }

    /// The steps whose results it reads, those first that have them.
    #[must_use]
    pub fn waits_for(&self) -> BTreeSet<&StepRef> {
        self.reads().filter_map(|read| read.of.first()).collect()
    }

    /// What the step of this kind turns out to ask for; nothing while a result that it reads is not there yet.
    ///
    /// # Errors
    /// Why it can't be asked: a result is null or too long, or the text that comes out is.
    pub fn ask<'a>(
        &self,
        kind: StepKind,
        upstream: impl Fn(&StepRef) -> Upstream<'a>,
    ) -> Result<Option<Asked>, String> {
        if let Some(when) = &self.when {
            let Some(results) = Results::of(when, &upstream)? else {
                return Ok(None);
            };
            if !results.evaluate(|values| late::holds(&when.source, values))? {
                return Ok(Some(Asked::Skipped));
            }
        }
        let (text, images, view) = match &self.body {
            Body::Known(content) => return Ok(Some(Asked::For(content.clone()))),
            Body::Prompt { text, images, view } => (text, images.clone(), view.clone()),
        };
        let Some(results) = Results::of(text, &upstream)? else {
            return Ok(None);
        };
        let rendered = results.evaluate(|values| late::render(&text.source, values))?;
        let prompt = Prompt::new(&rendered);
        prompt.check().map_err(|why| why.to_string())?;
        Ok(Some(Asked::For(match kind {
            StepKind::Create => Content::Create { prompt, images },
            StepKind::Review => Content::Review { prompt, view },
            _ => Content::Iterate { prompt, images },
        })))
    }
}

/// The values of a formula, with the results that it reads.
struct Results {
    values: Value,
    /// What it reads and has no value.
    absent: Vec<String>,
}

impl Results {
    fn of<'a>(
        formula: &Formula,
        upstream: &impl Fn(&StepRef) -> Upstream<'a>,
    ) -> Result<Option<Self>, String> {
        let (mut steps, mut parts) = (Shelf::default(), BTreeMap::<&str, Shelf<'_>>::new());
        let mut absent = Vec::new();
        for Read { path, of } in &formula.reads {
            let mut found = None;
            for step in of {
                match upstream(step) {
                    Upstream::Pending => return Ok(None),
                    Upstream::Skipped => {}
                    Upstream::Done(facts) => {
                        found = Some(facts);
                        break;
                    }
                }
            }
            let value = match found {
                Some(facts) => value_of(path, facts)?,
                None => None,
            };
            let shelf = match &path.part {
                Some(part) => parts.entry(part).or_default(),
                None => &mut steps,
            };
            if value.is_none() {
                let why = if found.is_some() {
                    "null"
                } else {
                    "not there: its step was skipped"
                };
                absent.push(format!("`{path}` is {why}"));
            }
            shelf.put(path, value);
        }
        let mut values: BTreeMap<String, Value> = BTreeMap::new();
        for key in formula.values.try_iter().into_iter().flatten() {
            if let (Some(name), Ok(value)) = (key.as_str(), formula.values.get_item(&key)) {
                values.insert(name.to_owned(), value);
            }
        }
        values.insert("steps".to_owned(), steps.steps_value());
        let parts = parts
            .into_iter()
            .map(|(id, shelf)| (id.to_owned(), shelf.value()));
        let parts: BTreeMap<String, Value> = parts.collect();
        values.insert("parts".to_owned(), Value::from(parts));
        Ok(Some(Self {
            values: Value::from(values),
            absent,
        }))
    }

    fn evaluate<T>(&self, work: impl FnOnce(&Value) -> Result<T, String>) -> Result<T, String> {
        work(&self.values).map_err(|why| match self.absent.is_empty() {
            true => why,
            false => self.absent.join(", "),
        })
    }
}

/// Results of one part, by their names.
#[derive(Default)]
struct Shelf<'p> {
    own: BTreeMap<String, Value>,
    steps: BTreeMap<&'p str, BTreeMap<String, Value>>,
}

impl<'p> Shelf<'p> {
    /// What is absent has no entry: it is undefined, which templates are strict about.
    fn put(&mut self, path: &'p ReadPath, value: Option<Value>) {
        let fields = match &path.step {
            Some(step) => self.steps.entry(step).or_default(),
            None => &mut self.own,
        };
        fields.extend(value.map(|value| (path.field.as_str().to_owned(), value)));
    }

    fn steps_value(&self) -> Value {
        let steps = self.steps.iter();
        let steps: BTreeMap<String, Value> = steps
            .map(|(id, fields)| ((*id).to_owned(), Value::from(fields.clone())))
            .collect();
        Value::from(steps)
    }

    fn value(self) -> Value {
        let mut own = self.own.clone();
        own.insert("steps".to_owned(), self.steps_value());
        Value::from(own)
    }
}

/// The value that `path` has; none where it is null.
fn value_of(path: &ReadPath, facts: Facts<'_>) -> Result<Option<Value>, String> {
    let text = |text: &str| {
        let chars = text.chars().count();
        if chars > MAX_RESULT_CHARS {
            return Err(format!(
                "`{path}` has {chars} characters, and at most {MAX_RESULT_CHARS} are taken into a text"
            ));
        }
        Ok((!text.is_empty()).then(|| Value::from(text)))
    };
    match path.field {
        Field::JobId => facts.job.map_or(Ok(None), |job| text(&job.0)),
        Field::Revision => {
            let revision = facts.write.and_then(|write| write.revision.as_ref());
            revision.map_or(Ok(None), |revision| text(&revision.0))
        }
        Field::Explanation => facts
            .write
            .map_or(Ok(None), |write| text(&write.explanation)),
        Field::Message => {
            let message = facts.review.map(|review| review.message.as_str());
            message.map_or(Ok(None), text)
        }
        Field::Files => Ok(facts.write.map(|write| Value::from(write.artifacts.len()))),
        Field::Artifacts => {
            let Some(write) = facts.write else {
                return Ok(None);
            };
            let mut artifacts = Vec::new();
            for artifact in &write.artifacts {
                let label = text(&artifact.label)?.unwrap_or_else(|| Value::from(""));
                let mut one = BTreeMap::from([
                    ("label".to_owned(), label),
                    ("kind".to_owned(), Value::from(artifact.kind.as_str())),
                ]);
                if let Some(stored) = artifact.stored {
                    one.insert("sha256".to_owned(), Value::from(stored.sha256.to_string()));
                    one.insert("bytes".to_owned(), Value::from(stored.bytes));
                }
                artifacts.push(Value::from(one));
            }
            Ok(Some(Value::from(artifacts)))
        }
    }
}
