//! Forms as real clients write them: their boundaries, and the names they give to files.

use super::uploads::JOBS;
use super::*;

/// A form with a prompt and one image, whose part has these lines before its content.
fn form(boundary: &str, image: &str) -> String {
    format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nA plate\r\n\
         --{boundary}\r\n{image}\r\n\r\n\u{89}PNG\r\n--{boundary}--\r\n"
    )
}

/// The image's name and type as the message history has them.
async fn kept(kind: &str, body: String) -> (String, String) {
    let client = Client::new(Config::default());
    let created = client.post_as(JOBS, "k", kind, body).await;
    assert_eq!(created.status, 202, "{created:?}");
    let history = format!("{JOBS}/{}/messages", created.text("id"));
    let history = client.get(&history).await.json();
    let image = &history["messages"][0]["images"][0];
    let text = |field: &str| image[field].as_str().unwrap().to_owned();
    (text("filename"), text("content_type"))
}

#[tokio::test(start_paused = true)]
async fn files_keep_the_names_that_their_senders_had() {
    const NAME: &str = "Content-Disposition: form-data; name=\"images\"; ";
    for (image, filename, content_type) in [
        // Browsers, curl from 7.81 on, and reqwest: UTF-8 as it is, a quote in hexadecimals.
        (
            format!("{NAME}filename=\"Skizze für %22Träger%22 图.png\"\r\nContent-Type: image/png"),
            "Skizze für \"Träger\" 图.png",
            "image/png",
        ),
        // curl before that: a quote behind a backslash.
        (
            format!(
                r#"{NAME}filename="mark \"up\".heic"{}"#,
                "\r\nContent-Type: image/heic"
            ),
            "mark \"up\".heic",
            "image/heic",
        ),
        // Python's requests, for a name beyond ASCII.
        (
            format!(
                "{NAME}filename*=utf-8''Tr%C3%A4ger%20%E5%9B%BE.heif\r\nContent-Type: image/heif"
            ),
            "Träger 图.heif",
            "image/heif",
        ),
        // Both: the one that can say more is meant.
        (
            format!(
                "{NAME}filename=\"Tr_ger.jpg\"; filename*=UTF-8''Tr%C3%A4ger.jpg\r\nContent-Type: image/jpeg"
            ),
            "Träger.jpg",
            "image/jpeg",
        ),
        // Headers in other cases, the type with a parameter, and not in the usual order.
        (
            format!(
                "content-type: Image/WebP; q=1\r\n{}filename=a.webp",
                NAME.to_lowercase()
            ),
            "a.webp",
            "image/webp",
        ),
        // A blob that has no name.
        (
            "Content-Disposition: form-data; name=\"images\"\r\nContent-Type: image/gif".to_owned(),
            "image",
            "image/gif",
        ),
    ] {
        let kind = "multipart/form-data; boundary=XX";
        let seen = kept(kind, form("XX", &image)).await;
        assert_eq!(
            seen,
            (filename.to_owned(), content_type.to_owned()),
            "{image}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn boundaries_are_what_clients_make_of_them() {
    const IMAGE: &str = "Content-Disposition: form-data; name=\"images\"; filename=\"a.png\"\r\n\
        Content-Type: image/png";
    for (boundary, kind) in [
        (
            "------------------------d74496d66958873e",
            "multipart/form-data; boundary=------------------------d74496d66958873e",
        ),
        (
            "----WebKitFormBoundary7MA4YWxkTrZu0gW",
            "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
        ),
        (
            "0123456789abcdef'()+_,-./:=?0123456789abcdef0123456789abcdef0123456789",
            "multipart/form-data; boundary=\"0123456789abcdef'()+_,-./:=?0123456789abcdef0123456789abcdef0123456789\"",
        ),
        ("XX", "Multipart/Form-Data; charset=utf-8; Boundary=XX"),
    ] {
        let seen = kept(kind, form(boundary, IMAGE)).await;
        assert_eq!(seen.0, "a.png", "{kind}");
    }
}
