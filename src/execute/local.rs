//! Steps that are done at home: checks and publication of files that are in the content store.

use std::path::Path;

use super::ports::{Files, StorageError};
use crate::geometry::part21;
use crate::plan::actions::Plan;
use crate::plan::content::StepKind;
use crate::plan::family::{Policy, StepIx};
use crate::plan::memory::Memory;
use crate::plan::publish;
use crate::plan::remote::WriteResult;
use crate::run::event::Event;

/// Carries out the check or download at `ix`.
pub(super) fn carry_out(plan: &Plan, memory: &Memory, files: &dyn Files, ix: StepIx) -> Event {
    let step = plan.family.step_ref(ix);
    let write = plan.family.step(ix).write.map(|write| plan.send_id(write));
    let outcome = match write.and_then(|write| memory.write_result(&write)) {
        None => Err("there is no result of a write before it".to_owned()),
        Some(result) if result.artifacts.is_empty() => Err("the job brought no files".to_owned()),
        Some(result) => match plan.family.step(ix).content.kind() {
            StepKind::Check => {
                check(result, files)
                    .map_err(|error| error.to_string())
                    .map(|(errors, warnings)| Event::Checked {
                        step: step.clone(),
                        check: plan.send_id(ix),
                        errors,
                        warnings,
                    })
            }
            _ => publish_all(plan, memory, files, ix, result).map_err(|error| error.to_string()),
        },
    };
    outcome.unwrap_or_else(|error| Event::StepFailed { step, error })
}

/// What is wrong and what is odd about the files of a revision.
fn check(
    result: &WriteResult,
    files: &dyn Files,
) -> Result<(Vec<String>, Vec<String>), StorageError> {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    for artifact in &result.artifacts {
        let Some(stored) = artifact.stored else {
            errors.push(format!("{}: is not at home", artifact.label));
            continue;
        };
        let examination = part21::examine(&files.read(stored.sha256)?);
        errors.extend(
            examination
                .errors
                .as_slice()
                .iter()
                .map(|finding| format!("{}: {finding}", artifact.label)),
        );
        warnings.extend(
            examination
                .warnings
                .as_slice()
                .iter()
                .map(|finding| format!("{}: {finding}", artifact.label)),
        );
    }
    Ok((errors, warnings))
}

fn publish_all(
    plan: &Plan,
    memory: &Memory,
    files: &dyn Files,
    ix: StepIx,
    result: &WriteResult,
) -> Result<Event, StorageError> {
    let step = plan.family.step_ref(ix);
    let Policy::PublishAs(stem) = &plan.family.step(ix).policy else {
        return Ok(Event::StepFailed {
            step,
            error: "it is no download".to_owned(),
        });
    };
    let mut published = Vec::new();
    for file in publish::files(stem, result) {
        let Some(stored) = file.stored else {
            return Ok(Event::StepFailed {
                step,
                error: format!("{} is not at home", file.path),
            });
        };
        published.push(files.publish(
            Path::new(&file.path),
            stored,
            memory.published.get(&file.path),
        )?);
    }
    Ok(Event::FilesPublished {
        step,
        files: published,
    })
}
