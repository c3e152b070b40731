//! Steps that are done at home: checks and publication of files that are in the content store.

use std::path::Path;

use super::ports::{Files, StorageError};
use crate::geometry::part21;
use crate::plan::actions::Plan;
use crate::plan::content::{Content, Expected, OnFail, Selection};
use crate::plan::family::{Policy, StepIx};
use crate::plan::publish;
use crate::plan::remote::{Stored, WriteResult};
use crate::run::event::Event;
use crate::run::history::History;

/// Carries out the check or download at `ix`.
pub(super) fn carry_out(plan: &Plan, history: &History, files: &dyn Files, ix: StepIx) -> Event {
    let step = plan.family.step_ref(ix);
    let run = history.run.as_ref();
    let send_id = |ix| run.and_then(|run| run.send_id(ix));
    let write = run.and_then(|run| run.write_before(ix)).and_then(send_id);
    let content = run.and_then(|run| run.content(plan, ix));
    let outcome = match write.and_then(|write| history.memory.write_result(&write)) {
        None => Err("there is no result of a write before it".to_owned()),
        Some(result) if result.artifacts.is_empty() => Err("the job brought no files".to_owned()),
        Some(result) => match (content, send_id(ix)) {
            (Some(Content::Check { expected }), Some(id)) => check(result, expected, files)
                .map_err(|error| error.to_string())
                .map(|(errors, warnings)| Event::Checked {
                    step: step.clone(),
                    check: id,
                    errors,
                    warnings,
                }),
            (
                Some(Content::Download {
                    artifacts,
                    transcript,
                }),
                id,
            ) => {
                let transcript = id.filter(|_| *transcript);
                let transcript = transcript.and_then(|id| history.memory.transcript(&id.lineage));
                publish_all(plan, history, files, ix, (artifacts, result, transcript))
                    .map_err(|error| error.to_string())
            }
            _ => Err("it is not done at home".to_owned()),
        },
    };
    outcome.unwrap_or_else(|error| Event::StepFailed { step, error })
}

/// What is wrong and what is odd about the files of a revision. A check that only warns finds nothing wrong.
fn check(
    result: &WriteResult,
    expected: &Expected,
    files: &dyn Files,
) -> Result<(Vec<String>, Vec<String>), StorageError> {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    let count = result.artifacts.len();
    if let Some(files) = expected.files
        && u32::try_from(count) != Ok(files.get())
    {
        errors.push(format!("it has {count} files, and {files} are expected"));
    }
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
    if expected.on_fail == OnFail::Warn {
        warnings.splice(..0, errors.drain(..));
    }
    Ok((errors, warnings))
}

fn publish_all(
    plan: &Plan,
    history: &History,
    files: &dyn Files,
    ix: StepIx,
    (selection, result, transcript): (&Selection, &WriteResult, Option<Stored>),
) -> Result<Event, StorageError> {
    let step = plan.family.step_ref(ix);
    let Policy::PublishAs(stem) = &plan.family.step(ix).policy else {
        return Ok(Event::StepFailed {
            step,
            error: "it is no download".to_owned(),
        });
    };
    let planned = publish::files(stem, selection, result);
    if planned.is_empty() {
        let error = match selection {
            Selection::Labels(pattern) => {
                format!("no file of the job has a label that matches `{pattern}`")
            }
            Selection::Root | Selection::All => {
                "the service does not say which file the assembly is".to_owned()
            }
        };
        return Ok(Event::StepFailed { step, error });
    }
    let mut published = Vec::new();
    for file in planned {
        let Some(stored) = file.stored else {
            return Ok(Event::StepFailed {
                step,
                error: format!("{} is not at home", file.path),
            });
        };
        published.push(files.publish(
            Path::new(&file.path),
            stored,
            history.memory.published.get(&file.path),
        )?);
    }
    if let Some(stored) = transcript {
        let path = publish::transcript(stem);
        let ours = history.memory.published.get(&path);
        published.push(files.publish(Path::new(&path), stored, ours)?);
    }
    Ok(Event::FilesPublished {
        step,
        files: published,
    })
}
