//! Which idempotency keys are on their way through: from a request's headers until its answer is ready.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::keys::Endpoint;
use super::switches::{Idempotency, InFlight, KeyScope};

/// A key, with its endpoint where that is its scope.
type Label = (Option<Endpoint>, String);

/// The keys of all writes that are not answered yet, where anybody minds.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<BTreeSet<Label>>);

/// One write on its way. It has landed when this is dropped, also because its client hung up.
#[derive(Debug)]
pub(crate) enum Flight<'a> {
    /// Nobody minds what else is on its way.
    Unwatched,
    Alone(&'a Flights, Label),
    /// Another write with this key is on its way.
    Doubled,
}

impl Flights {
    pub(crate) fn begin(&self, switches: Idempotency, endpoint: Endpoint, key: &str) -> Flight<'_> {
        if switches.in_flight == InFlight::Replayed {
            return Flight::Unwatched;
        }
        let scope = (switches.scope == KeyScope::Endpoint).then_some(endpoint);
        let label = (scope, key.to_owned());
        if self.keys().insert(label.clone()) {
            Flight::Alone(self, label)
        } else {
            Flight::Doubled
        }
    }

    fn keys(&self) -> MutexGuard<'_, BTreeSet<Label>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if let Self::Alone(flights, label) = self {
            flights.keys().remove(label);
        }
    }
}
