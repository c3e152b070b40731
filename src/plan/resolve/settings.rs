//! The settings of a family: what the manifest says, and the defaults for the rest.

use crate::manifest::shape;
use crate::plan::money::Cents;
use crate::plan::settings::{BalanceCheck, Budget, Limits, Profile, Rate, Retry, Settings};

/// The settings of `manifest`, whose `output` was found to be safe.
pub(super) fn settings(manifest: &shape::Manifest) -> Settings {
    let default = Settings::default();
    Settings {
        limits: limits(&manifest.limits),
        budget: manifest.budget.as_ref().map(budget).unwrap_or_default(),
        retry: retry(&manifest.retry),
        job_timeout: manifest.job_timeout.unwrap_or(default.job_timeout),
        output: match &manifest.output {
            Some(output) => output.value.clone(),
            None => default.output,
        },
    }
}

fn limits(written: &shape::Limits) -> Limits {
    let default = Limits::default();
    let rate = |written: Option<shape::Rate>, default| match written {
        Some(shape::Rate { count, window }) => Rate { count, window },
        None => default,
    };
    Limits {
        cad_writes: rate(written.cad_writes, default.cad_writes),
        reviews: rate(written.reviews, default.reviews),
        job_polls: rate(written.job_polls, default.job_polls),
        reads: rate(written.reads, default.reads),
        artifacts: rate(written.artifacts, default.artifacts),
        balance: rate(written.balance, default.balance),
        active_jobs: written.active_jobs.unwrap_or(default.active_jobs),
        profile: match written.profile {
            Some(shape::Profile::Steady) => Profile::Steady,
            Some(shape::Profile::Window) => Profile::Window,
            None => default.profile,
        },
        group: written.group.clone(),
    }
}

fn budget(written: &shape::Budget) -> Budget {
    let cents = |amount: &Option<crate::manifest::Spanned<shape::Amount>>| {
        amount.as_ref().map(|amount| Cents(amount.value.cents))
    };
    Budget {
        max_spend: cents(&written.max_spend),
        max_per_part: cents(&written.max_per_part),
        keep_balance: cents(&written.keep_balance),
        balance: if written.unchecked {
            BalanceCheck::Unchecked
        } else {
            BalanceCheck::Checked
        },
    }
}

fn retry(written: &shape::Retry) -> Retry {
    let default = Retry::default();
    let (backoff_min, backoff_max) = written
        .backoff
        .unwrap_or((default.backoff_min, default.backoff_max));
    Retry {
        attempts: written.attempts.unwrap_or(default.attempts),
        backoff_min,
        backoff_max,
    }
}
