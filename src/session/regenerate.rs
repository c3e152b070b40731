//! Which parts are made anew: those that a person names.

use std::collections::BTreeSet;

use super::open::SessionError;
use super::select::selected;
use crate::plan::family::Family;
use crate::plan::ids::PartId;
use crate::plan::selection::Wish;
use crate::run::event::Record;

/// The parts of `family` that the expressions `anew` name, of those that `wish` selects.
///
/// # Errors
/// When they can't be understood, name nothing that is there, or name a part that is not selected.
pub(super) fn parts(
    family: &Family,
    anew: &[String],
    wish: &Wish,
    records: &[Record],
) -> Result<BTreeSet<PartId>, SessionError> {
    if anew.is_empty() {
        return Ok(BTreeSet::new());
    }
    let named = Wish {
        select: anew.to_vec(),
        exclude: Vec::new(),
    };
    let within: BTreeSet<_> = selected(family, wish, records)?.into_iter().collect();
    let named = selected(family, &named, records)?;
    let parts = named.into_iter().map(|part| {
        let id = family.part(part).id.clone();
        match within.contains(&part) {
            true => Ok(id),
            false => Err(SessionError::NotSelected(format!(
                "part {id} is to be made anew, and is not selected"
            ))),
        }
    });
    parts.collect()
}
