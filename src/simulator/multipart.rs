//! Reads the body of a create or follow-up: a prompt in JSON, or a prompt and images in multipart form data.

use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::digest::Digest;
use super::errors::ApiError;
use super::jobs::{Image, ImageType};
use super::submit::Submission;

/// The longest prompt, in Unicode scalar values.
const PROMPT_LENGTH: usize = 60_000;
/// The largest image, in bytes: "10MB" read as 10 MiB, inclusive.
const IMAGE_SIZE: u64 = 10 * 1024 * 1024;
/// The most images of one message.
const IMAGES: usize = 5;

/// The largest body that is read at all: five images of the largest size, with room for what surrounds them.
pub(crate) const BODY_SIZE: usize = 64 * 1024 * 1024;

/// Reads the request field by field; image bytes are hashed and dropped.
pub(crate) async fn submission(request: Request) -> Result<Submission, ApiError> {
    let form = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| essence(kind) == "multipart/form-data");
    if form {
        from_form(request).await
    } else {
        from_json(request).await
    }
}

/// Reads a JSON object.
pub(crate) async fn object(request: Request) -> Result<serde_json::Map<String, Value>, ApiError> {
    let body = Bytes::from_request(request, &())
        .await
        .map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::PayloadTooLarge
            } else {
                ApiError::InvalidJson
            }
        })?;
    match serde_json::from_slice(&body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) | Err(_) => Err(ApiError::InvalidJson),
    }
}

/// Takes the prompt out of a JSON object.
pub(crate) fn json_prompt(object: &serde_json::Map<String, Value>) -> Result<String, ApiError> {
    let prompt = object.get("prompt").and_then(Value::as_str);
    checked_prompt(prompt.ok_or(ApiError::MissingPrompt)?.to_owned())
}

async fn from_json(request: Request) -> Result<Submission, ApiError> {
    let object = object(request).await?;
    if object.contains_key("images") {
        return Err(ApiError::JsonImagesUnsupported);
    }
    Ok(Submission {
        prompt: json_prompt(&object)?,
        images: Vec::new(),
    })
}

async fn from_form(request: Request) -> Result<Submission, ApiError> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| ApiError::InvalidFormData)?;
    let mut parts = Parts::default();
    let mut outcome = Ok(());
    // After an error the rest is still read: a client that is busy sending would miss the answer.
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|error| form_error(&error))?
    {
        if outcome.is_ok() {
            outcome = parts.take(field).await;
        }
    }
    outcome?;
    Ok(Submission {
        prompt: checked_prompt(parts.prompt.ok_or(ApiError::MissingPrompt)?)?,
        images: parts.images,
    })
}

#[derive(Default)]
struct Parts {
    prompt: Option<String>,
    images: Vec<Image>,
}

impl Parts {
    async fn take(&mut self, field: Field<'_>) -> Result<(), ApiError> {
        let is_file = field.file_name().is_some() || field.content_type().is_some_and(is_image);
        match field.name() {
            Some("images") if is_file => {
                if self.images.len() == IMAGES {
                    return Err(ApiError::TooManyImages);
                }
                self.images.push(image(field).await?);
            }
            Some("images") => return Err(ApiError::InvalidFormData),
            Some("prompt") if self.prompt.is_none() => {
                let text = field.bytes().await.map_err(|error| form_error(&error))?;
                let text = String::from_utf8(text.into()).map_err(|_| ApiError::InvalidFormData)?;
                self.prompt = Some(text);
            }
            Some("prompt") => return Err(ApiError::InvalidFormData),
            _ if is_file => return Err(ApiError::UnsupportedImageField),
            _ => {}
        }
        Ok(())
    }
}

async fn image(mut field: Field<'_>) -> Result<Image, ApiError> {
    let declared = essence(field.content_type().unwrap_or_default());
    let content_type = ImageType::ALL
        .into_iter()
        .find(|kind| kind.mime() == declared)
        .ok_or(ApiError::InvalidFileType)?;
    let filename = field.file_name().unwrap_or("image").to_owned();
    let mut hasher = Sha256::new();
    let mut size_bytes = 0;
    while let Some(chunk) = field.chunk().await.map_err(|error| form_error(&error))? {
        size_bytes += chunk.len() as u64;
        if size_bytes > IMAGE_SIZE {
            return Err(ApiError::FileTooLarge);
        }
        hasher.update(&chunk);
    }
    Ok(Image {
        filename,
        content_type,
        size_bytes,
        sha256: Digest::from_sha256(hasher),
    })
}

/// A prompt that is neither blank nor too long.
pub(crate) fn checked_prompt(prompt: String) -> Result<String, ApiError> {
    if prompt.trim().is_empty() {
        Err(ApiError::MissingPrompt)
    } else if prompt.chars().nth(PROMPT_LENGTH).is_some() {
        Err(ApiError::PromptTooLong)
    } else {
        Ok(prompt)
    }
}

fn form_error(error: &MultipartError) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::PayloadTooLarge
    } else {
        ApiError::InvalidFormData
    }
}

fn is_image(content_type: &str) -> bool {
    essence(content_type).starts_with("image/")
}

/// A media type without its parameters, in lower case.
fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}
