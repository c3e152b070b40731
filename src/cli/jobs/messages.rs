//! `jobs messages`: the conversation of a job, with images, reviews and the revisions that it led to.

use serde_json::{Value, json};

use super::{artifacts, show};
use crate::api::{History, Message, MessageImage, ReviewNote, Role};
use crate::report::json::FORMAT_VERSION;
use crate::report::safe;

pub(super) fn text(history: &History) -> String {
    if history.messages.is_empty() {
        return "No messages.\n".to_owned();
    }
    history.messages.iter().map(message_text).collect()
}

pub(super) fn json(history: &History) -> Value {
    let messages = history.messages.iter().map(message_json);
    json!({
        "format_version": FORMAT_VERSION,
        "job_id": history.job_id,
        "messages": messages.collect::<Vec<_>>(),
    })
}

fn message_text(message: &Message) -> String {
    let mut text = format!(
        "{}, {}\n",
        safe::line(role(&message.role)),
        safe::line(message.created_at.as_deref().unwrap_or("-")),
    );
    let mut add = |indent: &str, paragraph: &str| {
        for line in safe::lines(paragraph.trim()).lines() {
            text.push_str(&format!("{indent}{line}\n"));
        }
    };
    add("    ", &message.content);
    for image in &message.images {
        add("  ", &format!("image: {}", image_text(image)));
    }
    if let Some(review) = &message.review {
        // The service repeats the review as the message itself.
        if review.message.trim() != message.content.trim() {
            add("  ", "review:");
            add("    ", &review.message);
        }
        if let Some(proposal) = proposal(review) {
            add("  ", "it proposes:");
            add("    ", &proposal);
        }
    }
    if let Some(revision) = revision(message) {
        add("  ", &format!("revision: {revision}"));
    }
    for artifact in &message.artifacts {
        add("  ", &format!("file: {}", show::file(artifact)));
    }
    text
}

fn message_json(message: &Message) -> Value {
    let image = |image: &MessageImage| {
        json!({
            "id": image.id,
            "filename": image.filename,
            "content_type": image.content_type,
            "size_bytes": image.size_bytes,
        })
    };
    let review = |review: &ReviewNote| {
        json!({
            "mode": review.mode,
            "message": review.message,
            "model": review.model,
            "iteration_proposal": review.iteration_proposal,
        })
    };
    json!({
        "id": message.id,
        "role": role(&message.role),
        "content": message.content,
        "created_at": message.created_at,
        "images": message.images.iter().map(image).collect::<Vec<_>>(),
        "revision_id": message.revision_id,
        "revision": message.revision,
        "artifacts": artifacts(&message.artifacts),
        "review": message.review.as_ref().map(review),
    })
}

/// `plate.png (image/png, 1024 bytes)`
fn image_text(image: &MessageImage) -> String {
    let name = image.filename.as_deref().or(image.id.as_deref());
    let size = image.size_bytes.map(|size| format!("{size} bytes"));
    let about: Vec<&str> = [image.content_type.as_deref(), size.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    match (name.unwrap_or("without a name"), about.as_slice()) {
        (name, []) => name.to_owned(),
        (name, about) => format!("{name} ({})", about.join(", ")),
    }
}

/// What a review proposes. The API gives no shape for it: a text, or an object with a summary and a prompt, or anything.
fn proposal(review: &ReviewNote) -> Option<String> {
    match &review.iteration_proposal {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => {
            let texts: Vec<&str> = ["summary", "prompt"]
                .iter()
                .filter_map(|field| other.get(field)?.as_str())
                .collect();
            Some(if texts.is_empty() {
                other.to_string()
            } else {
                texts.join("\n")
            })
        }
    }
}

/// `B (rev_2)`
fn revision(message: &Message) -> Option<String> {
    match (&message.revision, &message.revision_id) {
        (Some(letter), Some(id)) => Some(format!("{letter} ({})", id.as_str())),
        (Some(letter), None) => Some(letter.clone()),
        (None, Some(id)) => Some(id.as_str().to_owned()),
        (None, None) => None,
    }
}

fn role(role: &Role) -> &str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Other(text) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        serde_json::from_value(json!({
            "job_id": "cadjob_1",
            "messages": [
                {
                    "id": "msg_1", "role": "user", "content": "A plate.", "created_at": "2026-11-24T02:00:00Z",
                    "images": [{ "id": "img_1", "filename": "plate.png", "content_type": "image/png", "size_bytes": 512 }],
                },
                {
                    "id": "msg_2", "role": "assistant", "content": "Here it is.", "revision_id": "rev_1", "revision": "A",
                    "artifacts": [{ "id": "art_1", "filename": "plate.step" }],
                },
                {
                    "id": "msg_3", "role": "assistant", "content": "Sharp corners.",
                    "review": {
                        "message": "Sharp corners.",
                        "iteration_proposal": { "summary": "Round them\u{1b}[2J.", "prompt": "Radius 3 mm." },
                    },
                },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn a_conversation_is_shown_with_images_reviews_and_revisions() {
        assert_eq!(
            text(&history()),
            "user, 2026-11-24T02:00:00Z
    A plate.
  image: plate.png (image/png, 512 bytes)
assistant, -
    Here it is.
  revision: A (rev_1)
  file: art_1  plate.step
assistant, -
    Sharp corners.
  it proposes:
    Round them\\u{1b}[2J.
    Radius 3 mm.
"
        );
    }

    #[test]
    fn machines_get_the_same() {
        let told = super::json(&history());
        let messages = &told["messages"];
        assert_eq!(messages[0]["images"][0]["size_bytes"], 512);
        assert_eq!(messages[1]["revision"], "A");
        assert_eq!(messages[2]["review"]["message"], "Sharp corners.");
        assert_eq!(
            messages[2]["review"]["iteration_proposal"]["prompt"],
            "Radius 3 mm."
        );
    }
}
