//! What a step of one part reads: its own part's steps are known here, those of other parts when all parts are.

use std::ops::Range;

use super::problem::Problem;
use super::reads::Site;
use super::scope::Context;
use super::template::Engine;
use crate::manifest::{Code, did_you_mean};
use crate::plan::content::StepKind;
use crate::plan::dynamic::{Read, ReadPath};
use crate::plan::ids::{PartId, StepId, StepRef};

/// What is read, and what of it is other parts', with its place.
type Reads = (Vec<Read>, Vec<(ReadPath, Range<usize>)>);

/// The part whose step is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own<'a> {
    /// Its id; none when that is not known.
    pub(super) part: Option<&'a PartId>,
    /// The steps before this one.
    pub(super) before: &'a [(StepId, StepKind)],
    /// The steps that it does not have.
    pub(super) skipped: &'a [(StepId, StepKind)],
}

impl Own<'_> {
    /// What `sites` read where names have the values of `context`.
    pub(super) fn reads(
        &self,
        sites: &[Site<'_>],
        engine: &Engine,
        context: &Context,
    ) -> Result<Reads, Problem> {
        let (mut reads, mut of_parts): (Vec<Read>, _) = (Vec::new(), Vec::new());
        for site in sites {
            let path = site.path(engine, &context.values)?;
            if reads.iter().any(|read| read.path == path) {
                continue;
            }
            let of = match (&path.part, &path.step) {
                (None, Some(step)) => self.step(step, site)?,
                _ => None,
            };
            if path.part.is_some() {
                of_parts.push((path.clone(), site.range.clone()));
            }
            let of = of.into_iter().collect();
            reads.push(Read { path, of });
        }
        Ok((reads, of_parts))
    }

    /// The step `id` of this part.
    fn step(&self, id: &str, site: &Site<'_>) -> Result<Option<StepRef>, Problem> {
        let problem =
            |message: String| Problem::new(Code::UndefinedName, site.range.clone(), message);
        let is_it = |(known, _): &&(StepId, StepKind)| known.as_str() == id;
        if let Some((step, kind)) = self.before.iter().find(is_it) {
            if !site.field.is_of(*kind) {
                return Err(problem(format!(
                    "a {kind} has no `{}`",
                    site.field.as_str()
                )));
            }
            return Ok(self.part.map(|part| StepRef {
                part: part.clone(),
                step: step.clone(),
            }));
        }
        if self.skipped.iter().any(|known| is_it(&known)) {
            let message = format!("the step `{id}` is not there: its condition is false");
            return Err(problem(message).help("give this step the same condition"));
        }
        let known = self.before.iter().map(|(id, _)| id.as_str());
        let message = format!("there is no step `{id}` before this one");
        Err(problem(message).help_if(did_you_mean(id, known)))
    }
}
