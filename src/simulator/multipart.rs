//! Reads the body of a create or follow-up: a prompt in JSON, or a prompt and images in multipart form data.

use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::attachment::{Image, ImageType};
use super::digest::Digest;
use super::errors::ApiError;
use super::file_name::file_name;
use super::json;
use super::sniff;
use super::submit::Submission;
use super::switches::{Characters, ImageTypeOf, Uploads};

/// The longest prompt, in characters.
const PROMPT_LENGTH: usize = 60_000;
/// The most images of one message.
const IMAGES: usize = 5;

/// The largest body that is read at all: five images of the largest size, with room for what surrounds them.
pub(crate) const BODY_SIZE: usize = 64 * 1024 * 1024;

/// Reads the request field by field; image bytes are hashed and dropped.
pub(crate) async fn submission(
    request: Request,
    switches: Uploads,
) -> Result<Submission, ApiError> {
    let form = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| essence(kind) == "multipart/form-data");
    if form {
        from_form(request, switches).await
    } else {
        from_json(request, switches).await
    }
}

/// Reads the whole body, for its digest; the request can still be read after.
pub(crate) async fn digested(request: Request) -> Result<(Digest, Request), ApiError> {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, BODY_SIZE)
        .await
        .map_err(|_| ApiError::PayloadTooLarge)?;
    let digest = Digest::from_sha256(Sha256::new_with_prefix(&bytes));
    Ok((digest, Request::from_parts(parts, Body::from(bytes))))
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
    match json::read(&body) {
        Some(Value::Object(object)) => Ok(object),
        Some(_) | None => Err(ApiError::InvalidJson),
    }
}

/// Takes the prompt out of a JSON object.
pub(crate) fn json_prompt(
    object: &serde_json::Map<String, Value>,
    switches: Uploads,
) -> Result<String, ApiError> {
    let prompt = object.get("prompt").and_then(Value::as_str);
    checked_prompt(prompt.ok_or(ApiError::MissingPrompt)?.to_owned(), switches)
}

async fn from_json(request: Request, switches: Uploads) -> Result<Submission, ApiError> {
    let object = object(request).await?;
    if object.contains_key("images") {
        return Err(ApiError::JsonImagesUnsupported);
    }
    Ok(Submission {
        prompt: json_prompt(&object, switches)?,
        images: Vec::new(),
    })
}

async fn from_form(request: Request, switches: Uploads) -> Result<Submission, ApiError> {
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
            outcome = parts.take(field, switches).await;
        }
    }
    outcome?;
    Ok(Submission {
        prompt: checked_prompt(parts.prompt.ok_or(ApiError::MissingPrompt)?, switches)?,
        images: parts.images,
    })
}

#[derive(Default)]
struct Parts {
    prompt: Option<String>,
    images: Vec<Image>,
}

impl Parts {
    async fn take(&mut self, field: Field<'_>, switches: Uploads) -> Result<(), ApiError> {
        let name = file_name(&field);
        let is_image = field.content_type().is_some_and(is_image);
        let is_file = name.is_some() || is_image;
        let is_nameless = name.as_deref() == Some("") && !is_image;
        match field.name() {
            // A browser's form in which no file was chosen sends one without a name and without content.
            Some("images") if is_nameless => {
                let content = field.bytes().await.map_err(|error| form_error(&error))?;
                if !content.is_empty() {
                    return Err(ApiError::InvalidFileType);
                }
            }
            Some("images") if is_file => {
                if self.images.len() == IMAGES {
                    return Err(ApiError::TooManyImages);
                }
                let name = name.unwrap_or_else(|| "image".to_owned());
                self.images.push(image(field, name, switches).await?);
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

async fn image(
    mut field: Field<'_>,
    filename: String,
    switches: Uploads,
) -> Result<Image, ApiError> {
    let declared = essence(field.content_type().unwrap_or_default());
    let content_type = ImageType::ALL
        .into_iter()
        .find(|kind| kind.mime() == declared)
        .ok_or(ApiError::InvalidFileType)?;
    let mut hasher = Sha256::new();
    let mut size_bytes = 0;
    let mut head = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| form_error(&error))? {
        size_bytes += chunk.len() as u64;
        if size_bytes > switches.image_size.bytes() {
            return Err(ApiError::FileTooLarge);
        }
        head.extend(chunk.iter().take(sniff::HEAD - head.len()));
        hasher.update(&chunk);
    }
    if switches.image_type == ImageTypeOf::Sniffed && !sniff::begins_as(content_type, &head) {
        return Err(ApiError::InvalidFileType);
    }
    Ok(Image {
        filename,
        content_type,
        size_bytes,
        sha256: Digest::from_sha256(hasher),
    })
}

/// A prompt that is neither blank nor too long.
pub(crate) fn checked_prompt(prompt: String, switches: Uploads) -> Result<String, ApiError> {
    let is_too_long = match switches.characters {
        Characters::ScalarValues => prompt.chars().nth(PROMPT_LENGTH).is_some(),
        Characters::Utf16Units => prompt.encode_utf16().nth(PROMPT_LENGTH).is_some(),
    };
    if prompt.trim().is_empty() {
        Err(ApiError::MissingPrompt)
    } else if is_too_long {
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
