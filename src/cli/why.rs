//! `why`: why a run would do with a part, or with one of its steps, what it would do. Nothing is sent.

use super::args::{Globals, WhyArgs};
use super::error::CliError;
use super::exit::ExitCode;
use super::open::open;
use super::output::Output;
use crate::plan::family::{Family, PartIx, StepIx};
use crate::plan::selection::{States, Wish};
use crate::report::why::Why;
use crate::session::SessionError;

pub(super) fn why(
    args: &WhyArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let session = open(&args.manifest, globals)?;
    let (plan, memory) = session.plan(&Wish::default())?;
    let (part, step) = match args.what.split_once('/') {
        Some((part, step)) => (part, Some(step)),
        None => (args.what.as_str(), None),
    };
    let part = part_of(&plan.family, part)?;
    let step = step.map(|step| step_of(&plan.family, part, step));
    let why = Why::new(&plan, &memory, part, step.transpose()?);
    let text = if output.is_json() {
        why.json()
    } else {
        why.text(output.palette())
    };
    output.print(&text)?;
    Ok(ExitCode::Success)
}

fn part_of(family: &Family, name: &str) -> Result<PartIx, CliError> {
    let wish = Wish {
        select: vec![name.to_owned()],
        exclude: Vec::new(),
    };
    let parts = wish.parts(family, &States::default());
    match parts.map_err(SessionError::from)?[..] {
        [part] => Ok(part),
        ref parts => Err(CliError::usage(
            format!(
                "`{name}` names {} parts, and one is asked about",
                parts.len()
            ),
            "`millrun plan -v` shows all parts and their steps",
        )),
    }
}

fn step_of(family: &Family, part: PartIx, name: &str) -> Result<StepIx, CliError> {
    let mut steps = family.steps_of(part);
    let step = steps.find(|ix| family.step(*ix).id.as_str() == name);
    step.ok_or_else(|| {
        CliError::usage(
            format!("part {} has no step `{name}`", family.part(part).id),
            "`millrun why MANIFEST PART` shows all its steps",
        )
    })
}
