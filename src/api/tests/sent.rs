//! The client held to the API document's own requests.

use serde_json::Value;

use super::documented::{self, parsed};
use super::scripted::{Scripted, answer, key};
use crate::api::{Image, ImageType, JobId, Prompt, ReviewRequest, RevisionId};

fn job_id() -> JobId {
    JobId::new("cadjob_385f3130-1ebc-40b7-85d9-6ded5ecc8a0f").unwrap()
}

#[tokio::test]
async fn the_documented_requests_are_what_is_sent() {
    let client_sends = async |example: &str, path: &str| {
        let example = parsed(example);
        let text = example["prompt"].as_str().unwrap();
        let answered = if path.ends_with("/review") {
            documented::REVIEW
        } else {
            documented::FOLLOW_UP
        };
        let script = Scripted::new([answer(202, &[], answered)]);
        let client = script.client();
        let prompt = Prompt { text, images: &[] };
        match path {
            "/cad/jobs" => drop(client.create_job(prompt, &key()).await.unwrap()),
            "/messages" => drop(client.follow_up(&job_id(), prompt, &key()).await.unwrap()),
            _ => {
                let revision = example
                    .get("revision_id")
                    .map(|revision| RevisionId::new(revision.as_str().unwrap()).unwrap());
                let request = ReviewRequest {
                    prompt: text,
                    revision_id: revision.as_ref(),
                    viewer_state: example.get("viewer_state"),
                };
                drop(client.review(&job_id(), request, &key()).await.unwrap());
            }
        }
        let [sent] = script.requests().try_into().unwrap();
        assert_eq!(sent.method(), "POST");
        assert!(sent.uri().path().ends_with(path), "{}", sent.uri());
        assert_eq!(sent.headers()["content-type"], "application/json");
        assert_eq!(sent.headers()["idempotency-key"], key().as_str());
        let body: Value = serde_json::from_slice(sent.body()).unwrap();
        assert_eq!(body, example);
    };
    client_sends(documented::CREATE_REQUEST, "/cad/jobs").await;
    client_sends(documented::FOLLOW_UP_REQUEST, "/messages").await;
    client_sends(documented::REVIEW_REQUEST, "/review").await;
    client_sends(documented::SNAPSHOT_REQUEST, "/review").await;
}

#[tokio::test]
async fn a_request_with_images_is_a_form_with_repeated_fields_named_images() {
    let script = Scripted::new([answer(202, &[], documented::CREATE)]);
    let image = |media_type, bytes: &'static [u8]| Image {
        bytes: bytes.into(),
        media_type,
    };
    let images = [
        image(ImageType::Png, b"one"),
        image(ImageType::Heic, b"two"),
    ];
    let prompt = Prompt {
        text: "From these sketches.",
        images: &images,
    };
    script.client().create_job(prompt, &key()).await.unwrap();
    let [sent] = script.requests().try_into().unwrap();
    let body = std::str::from_utf8(sent.body()).unwrap();
    assert_eq!(body.matches("name=\"prompt\"\r\n\r\nFrom these").count(), 1);
    assert_eq!(body.matches("name=\"images\"; filename=").count(), 2);
}

#[tokio::test]
async fn each_image_type_is_declared_by_its_documented_name() {
    for (media_type, name) in [
        (ImageType::Jpeg, "image/jpeg"),
        (ImageType::Png, "image/png"),
        (ImageType::Webp, "image/webp"),
        (ImageType::Gif, "image/gif"),
        (ImageType::Heic, "image/heic"),
        (ImageType::Heif, "image/heif"),
    ] {
        let script = Scripted::new([answer(202, &[], documented::CREATE)]);
        let bytes = "bytes".into();
        let prompt = Prompt {
            text: "From this sketch.",
            images: &[Image { bytes, media_type }],
        };
        script.client().create_job(prompt, &key()).await.unwrap();
        let [sent] = script.requests().try_into().unwrap();
        let body = std::str::from_utf8(sent.body()).unwrap();
        assert!(
            body.contains(&format!("Content-Type: {name}\r\n")),
            "{body}"
        );
    }
}
