//! `--select` and `--exclude`: which parts a command is about.

use std::collections::BTreeSet;

use super::error::CliError;
use crate::plan::family::PartIx;
use crate::plan::ids::PartId;
use crate::plan::selection::{Candidate, Wish};
use crate::report::summary::Summary;
use crate::run::history::History;
use crate::session::{self, Session, SessionError};

#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Which parts")]
pub(crate) struct SelectArgs {
    /// Only these: ids, globs, tag:x, state:failed|changed|new, +x with what it needs, x+ with what needs it. Blanks and
    /// further --select unite, commas intersect
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub(crate) select: Vec<String>,
    /// All but these
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub(crate) exclude: Vec<String>,
}

impl SelectArgs {
    /// What was typed.
    pub(super) fn wish(&self) -> Wish {
        Wish {
            select: self.select.clone(),
            exclude: self.exclude.clone(),
        }
    }

    /// The ids of the selected parts of the run in `history`, which is one of `session`; `None`: all of them.
    ///
    /// # Errors
    /// When the selection can't be understood or names nothing that is there.
    pub(super) fn of_run(
        &self,
        session: &Session,
        history: &History,
    ) -> Result<Option<BTreeSet<PartId>>, CliError> {
        let wish = self.wish();
        let Some(run) = history.run.as_ref().filter(|_| !wish.is_everything()) else {
            return Ok(None);
        };
        let family = &session.loaded.family;
        let upto = session.records.iter();
        let upto: Vec<_> = upto
            .take_while(|record| record.run <= Some(run.id))
            .cloned()
            .collect();
        let states = session::states(family, &upto);
        let parts = &run.sheet.parts;
        let needs: Vec<Vec<PartIx>> = run.sheet.needed_parts();
        // A run doesn't record tags: the manifest's are meant.
        let tags: std::collections::BTreeMap<&PartId, &[String]> = family
            .parts
            .iter()
            .map(|part| (&part.id, part.tags.as_slice()))
            .collect();
        let candidates: Vec<Candidate<'_>> = parts
            .iter()
            .zip(&needs)
            .map(|(part, needs)| Candidate {
                id: part.id.as_str(),
                tags: tags.get(&part.id).copied().unwrap_or_default(),
                needs,
            })
            .collect();
        let marks = wish
            .among(&candidates, &states)
            .map_err(SessionError::from)?;
        let ids = parts.iter().zip(marks).filter(|(_, is)| *is);
        Ok(Some(ids.map(|(part, _)| part.id.clone()).collect()))
    }

    /// `summary`, of the selected parts alone.
    ///
    /// # Errors
    /// As [`SelectArgs::of_run`].
    pub(super) fn narrow(
        &self,
        summary: Summary,
        session: &Session,
        history: &History,
    ) -> Result<Summary, CliError> {
        Ok(match self.of_run(session, history)? {
            Some(ids) => summary.of_parts(&ids),
            None => summary,
        })
    }
}
