//! The open points of the API document, each a switch whose default is our first reading.
//!
//! A client must live with every position of every switch. None of them changes what was recorded: a world that is
//! reopened with others keeps its jobs, charges and answers.

pub(crate) mod billing;
pub(crate) mod idempotency;
pub(crate) mod limiting;
pub(crate) mod uploads;
pub(crate) mod visibility;

use serde::Deserialize;

pub use billing::{
    Billing, ChargedCents, Charges, FailedRuns, FollowUpHold, Insufficient, ShownBalance,
    UnknownCost,
};
pub use idempotency::{Checked, Compared, Idempotency, InFlight, KeyLife, KeyScope, Remembered};
pub use limiting::{Algorithm, Counted, Limiting, ReadClass, RetryAfterForm, RetryAfterOn};
pub use uploads::{Characters, ImageSize, ImageTypeOf, Uploads};
pub use visibility::{
    AcceptedStatus, AfterFailure, BillingCodes, CodeNames, DuringFollowUp, Failures,
    HistoryContent, ListOrder, OlderArtifacts, PollAfter, ProposalForm, ReviewCodes,
    ReviewedStatus, SignedUrls, ViewerActions, Visibility,
};

/// Every switch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Switches {
    /// How requests are limited.
    pub limiting: Limiting,
    /// What an idempotency key stands for.
    pub idempotency: Idempotency,
    /// How money is held, charged and shown.
    pub billing: Billing,
    /// What is shown, and how.
    pub visibility: Visibility,
    /// How what clients send is measured.
    pub uploads: Uploads,
}
