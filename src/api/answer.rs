//! From a response on the wire to a typed [`Reply`] or a [`CallError`].

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::classify::{Shape, Verdict, classify};
use super::depth::is_too_deep;
use super::error::{CallError, UnknownReason, shortened, without_secrets};
use super::error_code::ErrorCode;
use super::id::RequestId;
use super::retry_after::retry_after;
use super::surrogates;
use super::transport::Body;
use crate::untrusted::Untrusted;

/// The longest JSON answer that is read, in bytes.
pub const MAX_JSON_BYTES: usize = 8 * 1024 * 1024;

/// A successful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<T> {
    /// What the API answered.
    pub value: T,
    /// The HTTP status, 2xx.
    pub status: u16,
    /// The ids under which the service logged the request.
    pub request_ids: RequestIds,
}

/// The request ids of one answer. A replayed answer may carry the first request's id in its body
/// and its own in the header, so both are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestIds {
    /// `request_id` of the body.
    pub body: Option<RequestId>,
    /// The header `X-Request-Id`.
    pub header: Option<RequestId>,
}

impl RequestIds {
    /// The body's id, or else the header's.
    #[must_use]
    pub fn preferred(&self) -> Option<&RequestId> {
        self.body.as_ref().or(self.header.as_ref())
    }
}

/// An answer of the API, read but not yet understood.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    request_ids: RequestIds,
    retry_after: Option<Duration>,
    /// `None` when the body is not a JSON object.
    object: Option<Map<String, Value>>,
}

impl Answer {
    /// Reads the whole body.
    pub(super) async fn read(response: Response<Body>) -> Result<Self, CallError> {
        let (head, body) = response.into_parts();
        let mut answer = Self {
            status: head.status,
            request_ids: RequestIds {
                body: None,
                header: header_request_id(&head.headers),
            },
            retry_after: retry_after(&head.headers),
            object: None,
        };
        match collect(&head.headers, body, MAX_JSON_BYTES).await {
            Ok(bytes) => {
                answer.object = object(&bytes);
                answer.request_ids.body = answer.text("request_id").and_then(request_id);
                Ok(answer)
            }
            Err(CollectError::TooLong) => Err(answer.unknown(UnknownReason::TooLong)),
            Err(CollectError::Lost(reason)) => Err(answer.unknown(UnknownReason::Lost(reason))),
        }
    }

    /// Judges the answer and takes the value out of a success.
    pub(super) fn into_reply<T: DeserializeOwned>(mut self) -> Result<Reply<T>, CallError> {
        let code = self.error_code();
        let shape = match (&code, &self.object) {
            (Some(code), _) => Shape::Error(code),
            (None, Some(_)) => Shape::Object,
            (None, None) => Shape::Other,
        };
        match classify(self.status, shape) {
            Verdict::Success => {
                let object = self.object.take().unwrap_or_default();
                match serde_json::from_value(Value::Object(object)) {
                    Ok(value) => Ok(Reply {
                        value,
                        status: self.status.as_u16(),
                        request_ids: self.request_ids,
                    }),
                    Err(error) => {
                        let missing = without_secrets(&error.to_string());
                        Err(self.unknown(UnknownReason::Incomplete(missing)))
                    }
                }
            }
            Verdict::Refused(code) => Err(CallError::Refused {
                status: self.status.as_u16(),
                code,
                message: self.error_message(),
                request_ids: Box::new(self.request_ids),
                retry_after: self.retry_after,
            }),
            Verdict::Unknown(reason) => Err(self.unknown(reason)),
        }
    }

    fn unknown(self, reason: UnknownReason) -> CallError {
        CallError::Unknown {
            reason,
            status: Some(self.status.as_u16()),
            code: self.error_code(),
            message: self.error_message(),
            request_ids: Box::new(self.request_ids),
            retry_after: self.retry_after,
        }
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.object.as_ref()?.get(field)?.as_str()
    }

    fn error_field(&self, field: &str) -> Option<&str> {
        self.object.as_ref()?.get("error")?.get(field)?.as_str()
    }

    fn error_code(&self) -> Option<ErrorCode> {
        let code = self.error_field("code").filter(|code| !code.is_empty())?;
        Some(ErrorCode::from(code))
    }

    fn error_message(&self) -> Untrusted {
        without_secrets(self.error_field("message").unwrap_or_default())
    }
}

/// The JSON object that `bytes` are, unless it is too deep. Half a character in a text is no reason to lose the rest.
fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    if is_too_deep(bytes) {
        return None;
    }
    serde_json::from_slice(bytes)
        .or_else(|_| serde_json::from_slice(&surrogates::without_unpaired(bytes)))
        .ok()
}

/// Why a body could not be read to its end.
#[derive(Debug)]
pub(super) enum CollectError {
    TooLong,
    Lost(String),
}

/// Reads a body of at most `limit` bytes and holds it against `Content-Length`.
pub(super) async fn collect(
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
) -> Result<Bytes, CollectError> {
    let told: Option<usize> = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if told.is_some_and(|length| length > limit) {
        return Err(CollectError::TooLong);
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| CollectError::Lost(error.reason().to_owned()))?;
        if let Some(data) = frame.data_ref() {
            if data.len() > limit - bytes.len() {
                return Err(CollectError::TooLong);
            }
            bytes.extend_from_slice(data);
        }
    }
    match told {
        Some(length) if length != bytes.len() => Err(CollectError::Lost(format!(
            "{} of {length} bytes arrived",
            bytes.len()
        ))),
        _ => Ok(bytes.freeze()),
    }
}

pub(super) fn header_request_id(headers: &HeaderMap) -> Option<RequestId> {
    request_id(headers.get("x-request-id")?.to_str().ok()?)
}

fn request_id(text: &str) -> Option<RequestId> {
    RequestId::new(shortened(text)).ok()
}
