//! Adoption: which writes of a part a job that is there has seen, as its history tells.

use super::witness::{Likeness, Message, Quarry};

/// Why a job can't be a part's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Its history has no message of a user.
    #[error("its history is empty")]
    Empty,
    /// It was made from something else.
    #[error("it was made from another prompt")]
    Create,
    /// It went on with something that the part does not ask for.
    #[error("it went on otherwise than the part: {0:?}")]
    WentOn(String),
}

/// How many of the part's writes `wanted`, in their order, the job with this history has seen; at least its create.
///
/// # Errors
/// When it has seen anything else: what the part asks for next would be done to something that it does not know.
pub fn seen(wanted: &[Quarry], history: &[Message]) -> Result<usize, Misfit> {
    let writes = writes(history);
    if writes.is_empty() {
        return Err(Misfit::Empty);
    }
    for (nth, message) in writes.iter().enumerate() {
        let is_wanted = wanted
            .get(nth)
            .is_some_and(|wanted| wanted.likeness(message) == Likeness::Same);
        match (is_wanted, nth) {
            (true, _) => {}
            (false, 0) => return Err(Misfit::Create),
            (false, _) => return Err(Misfit::WentOn(message.text.clone())),
        }
    }
    Ok(writes.len())
}

/// The messages that changed the job, or are about to: no questions to the review assistant, and nothing that failed,
/// but for the first.
fn writes(history: &[Message]) -> Vec<&Message> {
    let by_user = history
        .iter()
        .enumerate()
        .filter(|(_, message)| message.by_user);
    by_user
        .enumerate()
        .filter(|(nth, (place, _))| {
            let answer = history.get(place + 1).filter(|answer| !answer.by_user);
            *nth == 0 || answer.is_none_or(|answer| answer.review.is_none() && answer.made_revision)
        })
        .map(|(_, (_, message))| message)
        .collect()
}
