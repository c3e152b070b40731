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
use super::switches::{BillingCodes, ReviewCodes, Visibility};

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
    pub(crate) fn status(&self, switches: &Visibility) -> StatusCode {
        let review = |usual, unusual| match switches.review_codes {
            ReviewCodes::Usual => usual,
            ReviewCodes::Unusual => unusual,
        };
        let billing = |usual, unusual| match switches.billing_codes {
            BillingCodes::Usual => usual,
            BillingCodes::Unusual => unusual,
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
            Self::Billing(BillingState::NeedsReview) => {
                billing(StatusCode::PAYMENT_REQUIRED, StatusCode::CONFLICT)
            }
            Self::Billing(_) => billing(StatusCode::PAYMENT_REQUIRED, StatusCode::FORBIDDEN),
            Self::InsufficientBalance => {
                billing(StatusCode::PAYMENT_REQUIRED, StatusCode::BAD_REQUEST)
            }
            Self::ProjectedBalanceExceeded { .. } => {
                billing(StatusCode::TOO_MANY_REQUESTS, StatusCode::PAYMENT_REQUIRED)
            }
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
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

    /// The machine-readable code.
    pub(crate) fn code(&self) -> Cow<'static, str> {
        let code = match self {
            Self::Unauthorized | Self::KeyEnded(_) => "unauthorized",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::NotFound(_) => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::InvalidRequest(_) => "invalid_request",
            Self::PayloadTooLarge => "payload_too_large",
            Self::ServiceUnavailable => "service_unavailable",
            Self::MissingPrompt => "missing_prompt",
            Self::PromptTooLong => "prompt_too_long",
            Self::InvalidJson => "invalid_json",
            Self::InvalidFormData => "invalid_form_data",
            Self::JsonImagesUnsupported => "json_images_unsupported",
            Self::UnsupportedImageField => "unsupported_image_field",
            Self::InvalidFileType => "invalid_file_type",
            Self::FileTooLarge => "file_too_large",
            Self::TooManyImages => "too_many_images",
            Self::IdempotencyKeyRequired => "idempotency_key_required",
            Self::IdempotencyKeyConflict | Self::IdempotencyKeyInFlight => {
                "idempotency_key_conflict"
            }
            Self::JobAlreadyRunning => "job_already_running",
            Self::JobNotCompleted => "job_not_completed",
            Self::CadRevisionRequired => "cad_revision_required",
            Self::ReviewFailed { how, .. } => match how {
                ReviewFailure::Failed => "review_agent_failed",
                ReviewFailure::Unavailable => "review_agent_unavailable",
            },
            Self::Billing(state) => state.code(),
            Self::InsufficientBalance => "insufficient_balance",
            Self::ProjectedBalanceExceeded { .. } => "projected_balance_exceeded",
            Self::RateLimited { .. } => "rate_limited",
            Self::Repeated(refusal) => return refusal.code.clone().into(),
        };
        code.into()
    }

    /// The message for people.
    pub(crate) fn message(&self) -> String {
        let message = match self {
            Self::Unauthorized => "The API key is missing or invalid",
            Self::KeyEnded(KeyState::Expired) => "The API key has expired",
            Self::KeyEnded(_) => "The API key was revoked",
            Self::InsufficientScope(scope) => {
                return format!("The API key does not include the {} scope", scope.name());
            }
            Self::NotFound(message) | Self::InvalidRequest(message) => message,
            Self::MethodNotAllowed => "This endpoint does not take that method",
            Self::PayloadTooLarge => "The request body is too large",
            Self::ServiceUnavailable => "The service is temporarily unavailable",
            Self::MissingPrompt => "prompt is required",
            Self::PromptTooLong => "prompt is longer than 60,000 characters",
            Self::InvalidJson => "The request body is not valid JSON",
            Self::InvalidFormData => "The multipart request body is invalid",
            Self::JsonImagesUnsupported => "Images must be sent as multipart form data",
            Self::UnsupportedImageField => "Image files must be attached as images",
            Self::InvalidFileType => "Images must be JPEG, PNG, WebP, GIF, HEIC, or HEIF",
            Self::FileTooLarge => "An image is larger than 10MB",
            Self::TooManyImages => "More than 5 images were attached",
            Self::IdempotencyKeyRequired => "The Idempotency-Key header is required",
            Self::IdempotencyKeyConflict => {
                "The Idempotency-Key was already used with a different request body"
            }
            Self::IdempotencyKeyInFlight => {
                "A request with this Idempotency-Key is still in progress"
            }
            Self::JobAlreadyRunning => "CAD job already has an active run",
            Self::JobNotCompleted => "The CAD job is not completed",
            Self::CadRevisionRequired => "The CAD job has no revision to review",
            Self::ReviewFailed { how, .. } => match how {
                ReviewFailure::Failed => "The review assistant could not complete the request",
                ReviewFailure::Unavailable => "The review assistant is temporarily unavailable",
            },
            Self::Billing(state) => state.message(),
            Self::InsufficientBalance => "The workspace balance is empty",
            Self::ProjectedBalanceExceeded { .. } => {
                "The workspace balance is too low for the active job load"
            }
            Self::RateLimited { .. } => "Rate limit exceeded",
            Self::Repeated(refusal) => return refusal.message.clone(),
        };
        message.to_owned()
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
