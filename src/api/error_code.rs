//! The machine-readable codes of the API's errors.

use std::fmt;

use super::error::shortened;
use crate::untrusted::terminal;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal),+ $(,)?) => {
        /// What an API error says it is: the documented codes, the undocumented ones that an HTTP
        /// status implies, and whatever else may come.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)+
            /// A code this client does not know, as the service wrote it, cut to
            /// [`MAX_MESSAGE_CHARS`](super::MAX_MESSAGE_CHARS). Untrusted
            /// text.
            Other(String),
        }

        impl ErrorCode {
            /// The code as the API writes it: one that is not known is untrusted text, which only
            /// `Display` makes safe for a terminal.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $code,)+
                    Self::Other(code) => code,
                }
            }
        }

        impl From<&str> for ErrorCode {
            fn from(code: &str) -> Self {
                match code {
                    $($code => Self::$variant,)+
                    other => Self::Other(shortened(other)),
                }
            }
        }
    };
}

error_codes! {
    /// `prompt` is required.
    MissingPrompt = "missing_prompt",
    /// `prompt` is longer than 60,000 characters.
    PromptTooLong = "prompt_too_long",
    /// The request body is not valid JSON.
    InvalidJson = "invalid_json",
    /// The multipart request body is invalid.
    InvalidFormData = "invalid_form_data",
    /// Images were provided in JSON instead of multipart form data.
    JsonImagesUnsupported = "json_images_unsupported",
    /// Image files were attached with a field name other than `images`.
    UnsupportedImageField = "unsupported_image_field",
    /// The image type is not JPEG, PNG, WebP, GIF, HEIC, or HEIF.
    InvalidFileType = "invalid_file_type",
    /// An image is larger than 10MB.
    FileTooLarge = "file_too_large",
    /// More than 5 images were attached.
    TooManyImages = "too_many_images",
    /// A CAD write request is missing `Idempotency-Key`.
    IdempotencyKeyRequired = "idempotency_key_required",
    /// The same `Idempotency-Key` was reused with a different request body.
    IdempotencyKeyConflict = "idempotency_key_conflict",
    /// A follow-up was sent while the job already had an active run.
    JobAlreadyRunning = "job_already_running",
    /// A review request was sent before the CAD job completed.
    JobNotCompleted = "job_not_completed",
    /// A review request was sent before a CAD revision was available.
    CadRevisionRequired = "cad_revision_required",
    /// The review assistant could not complete the request.
    ReviewAgentFailed = "review_agent_failed",
    /// The review assistant is temporarily unavailable.
    ReviewAgentUnavailable = "review_agent_unavailable",
    /// The workspace needs prepaid billing before starting CAD jobs.
    BillingRequired = "billing_required",
    /// Workspace billing needs review before more CAD jobs can start.
    BillingNeedsReview = "billing_needs_review",
    /// The workspace balance is empty.
    InsufficientBalance = "insufficient_balance",
    /// The workspace balance is too low for the active job load.
    ProjectedBalanceExceeded = "projected_balance_exceeded",
    /// The API key or workspace exceeded a rate limit.
    RateLimited = "rate_limited",
    /// The API key is missing, invalid, revoked, or expired (401; the document names no code).
    Unauthorized = "unauthorized",
    /// The API key does not include the required scope (403; the document names no code).
    InsufficientScope = "insufficient_scope",
    /// There is no such thing (404; the document names no code).
    NotFound = "not_found",
    /// The path does not take this method (405; the document names no code).
    MethodNotAllowed = "method_not_allowed",
    /// The service failed (500; the document names no code).
    InternalError = "internal_error",
    /// A billing or background service check is temporarily unavailable (503; the document names no code).
    ServiceUnavailable = "service_unavailable",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&terminal::line(self.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes_have_variants_and_unknown_ones_are_preserved() {
        assert_eq!(ErrorCode::from("rate_limited"), ErrorCode::RateLimited);
        assert_eq!(ErrorCode::from("odd_one").as_str(), "odd_one");
        assert_eq!(
            ErrorCode::from("x".repeat(9_999).as_str()).as_str().len(),
            500
        );
    }
}
