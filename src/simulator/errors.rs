//! The errors of the API document, each with its status, code and message (section "Errors").
//!
//! Codes the document does not name: `unauthorized`, `insufficient_scope`, `not_found`, `method_not_allowed`,
//! `invalid_request` (400), `payload_too_large` (413), `service_unavailable`.

use std::borrow::Cow;

use axum::http::StatusCode;

use super::billing::BillingState;
use super::config::{KeyState, Scope};
use super::digest::Digest;
use super::keys::Refusal;
use super::limits::Class;
use super::switches::ReviewCodes;

/// Why a request was not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApiError {
    Unauthorized,
    /// A key that was accepted once.
    KeyEnded(KeyState),
    InsufficientScope(Scope),
    NotFound(&'static str),
    MethodNotAllowed,
    InvalidRequest(&'static str),
    PayloadTooLarge,
    ServiceUnavailable,
    MissingPrompt,
    PromptTooLong,
    InvalidJson,
    InvalidFormData,
    JsonImagesUnsupported,
    UnsupportedImageField,
    InvalidFileType,
    FileTooLarge,
    TooManyImages,
    IdempotencyKeyRequired,
    IdempotencyKeyConflict,
    /// Another request with this key is not answered yet.
    IdempotencyKeyInFlight,
    JobAlreadyRunning,
    JobNotCompleted,
    CadRevisionRequired,
    /// The review assistant did not answer.
    ReviewFailed {
        how: ReviewFailure,
        /// The question, for those who count.
        question: Digest,
    },
    Billing(BillingState),
    InsufficientBalance,
    ProjectedBalanceExceeded {
        wait_ms: i64,
    },
    RateLimited {
        class: Class,
        wait_ms: i64,
    },
    /// What was told the first time.
    Repeated(Refusal),
}

/// How the review assistant did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReviewFailure {
    Failed,
    Unavailable,
}

impl ApiError {
    pub(crate) const NO_JOB: Self = Self::NotFound("CAD job not found");

    /// Its status, as far as the document says; where it does not, as the switch has it.
    pub(crate) fn status(&self, codes: ReviewCodes) -> StatusCode {
        let review = |usual, unusual| match codes {
            ReviewCodes::Usual => usual,
            ReviewCodes::Unusual => unusual,
        };
        match self {
            Self::Unauthorized | Self::KeyEnded(_) => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::InvalidRequest(_)
            | Self::MissingPrompt
            | Self::PromptTooLong
            | Self::InvalidJson
            | Self::InvalidFormData
            | Self::JsonImagesUnsupported
            | Self::UnsupportedImageField
            | Self::InvalidFileType
            | Self::FileTooLarge
            | Self::TooManyImages
            | Self::IdempotencyKeyRequired => StatusCode::BAD_REQUEST,
            Self::IdempotencyKeyConflict
            | Self::IdempotencyKeyInFlight
            | Self::JobAlreadyRunning => StatusCode::CONFLICT,
            Self::Billing(BillingState::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            Self::InsufficientBalance | Self::Billing(_) => StatusCode::PAYMENT_REQUIRED,
            Self::ProjectedBalanceExceeded { .. } | Self::RateLimited { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::JobNotCompleted => review(StatusCode::CONFLICT, StatusCode::BAD_REQUEST),
            Self::CadRevisionRequired => review(StatusCode::CONFLICT, StatusCode::NOT_FOUND),
            Self::ReviewFailed { how, .. } => match how {
                ReviewFailure::Failed => {
                    review(StatusCode::BAD_GATEWAY, StatusCode::INTERNAL_SERVER_ERROR)
                }
                ReviewFailure::Unavailable => {
                    review(StatusCode::SERVICE_UNAVAILABLE, StatusCode::BAD_GATEWAY)
                }
            },
            Self::Repeated(refusal) => {
                StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// The machine-readable code and the message for people.
    pub(crate) fn words(&self) -> (Cow<'static, str>, String) {
        let (code, message) = match self {
            Self::Unauthorized => ("unauthorized", "The API key is missing or invalid"),
            Self::InsufficientScope(scope) => {
                let message = format!("The API key does not include the {} scope", scope.name());
                return ("insufficient_scope".into(), message);
            }
            Self::KeyEnded(KeyState::Expired) => ("unauthorized", "The API key has expired"),
            Self::KeyEnded(_) => ("unauthorized", "The API key was revoked"),
            Self::NotFound(message) => ("not_found", *message),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                "This endpoint does not take that method",
            ),
            Self::InvalidRequest(message) => ("invalid_request", *message),
            Self::PayloadTooLarge => ("payload_too_large", "The request body is too large"),
            Self::ServiceUnavailable => (
                "service_unavailable",
                "The service is temporarily unavailable",
            ),
            Self::MissingPrompt => ("missing_prompt", "prompt is required"),
            Self::PromptTooLong => ("prompt_too_long", "prompt is longer than 60,000 characters"),
            Self::InvalidJson => ("invalid_json", "The request body is not valid JSON"),
            Self::InvalidFormData => ("invalid_form_data", "The multipart request body is invalid"),
            Self::JsonImagesUnsupported => (
                "json_images_unsupported",
                "Images must be sent as multipart form data",
            ),
            Self::UnsupportedImageField => (
                "unsupported_image_field",
                "Image files must be attached as images",
            ),
            Self::InvalidFileType => (
                "invalid_file_type",
                "Images must be JPEG, PNG, WebP, GIF, HEIC, or HEIF",
            ),
            Self::FileTooLarge => ("file_too_large", "An image is larger than 10MB"),
            Self::TooManyImages => ("too_many_images", "More than 5 images were attached"),
            Self::IdempotencyKeyRequired => (
                "idempotency_key_required",
                "The Idempotency-Key header is required",
            ),
            Self::IdempotencyKeyConflict => (
                "idempotency_key_conflict",
                "The Idempotency-Key was already used with a different request body",
            ),
            Self::IdempotencyKeyInFlight => (
                "idempotency_key_conflict",
                "A request with this Idempotency-Key is still in progress",
            ),
            Self::JobAlreadyRunning => ("job_already_running", "CAD job already has an active run"),
            Self::JobNotCompleted => ("job_not_completed", "The CAD job is not completed"),
            Self::CadRevisionRequired => (
                "cad_revision_required",
                "The CAD job has no revision to review",
            ),
            Self::ReviewFailed { how, .. } => match how {
                ReviewFailure::Failed => (
                    "review_agent_failed",
                    "The review assistant could not complete the request",
                ),
                ReviewFailure::Unavailable => (
                    "review_agent_unavailable",
                    "The review assistant is temporarily unavailable",
                ),
            },
            Self::Billing(state) => state.words(),
            Self::InsufficientBalance => ("insufficient_balance", "The workspace balance is empty"),
            Self::ProjectedBalanceExceeded { .. } => (
                "projected_balance_exceeded",
                "The workspace balance is too low for the active job load",
            ),
            Self::RateLimited { .. } => ("rate_limited", "Rate limit exceeded"),
            Self::Repeated(refusal) => {
                return (refusal.code.clone().into(), refusal.message.clone());
            }
        };
        (code.into(), message.to_owned())
    }

    /// How long to wait, where that is known.
    pub(crate) fn wait_ms(&self) -> Option<i64> {
        match self {
            Self::RateLimited { wait_ms, .. } | Self::ProjectedBalanceExceeded { wait_ms } => {
                Some(*wait_ms)
            }
            Self::Repeated(refusal) => refusal.wait_ms,
            _ => None,
        }
    }
}
