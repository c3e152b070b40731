//! Both positions of each switch of how uploads are measured, seen at the edge.

use super::uploads::{FORM, JOBS, PROMPT, form};
use super::*;
use crate::simulator::{Characters, ImageSize, ImageTypeOf, Limits, Switches, Uploads};

fn measured(uploads: Uploads) -> Client {
    Client::new(Config {
        limits: Limits::off(),
        switches: Switches {
            uploads,
            ..Switches::default()
        },
        ..Config::default()
    })
}

#[tokio::test(start_paused = true)]
async fn ten_megabytes_are_binary_or_decimal() {
    for (image_size, limit) in [
        (ImageSize::Mebibytes, 10 * 1024 * 1024),
        (ImageSize::Megabytes, 10_000_000),
    ] {
        let client = measured(Uploads {
            image_size,
            ..Uploads::default()
        });
        for (key, size, code) in [("k1", limit, ""), ("k2", limit + 1, "file_too_large")] {
            let bytes = vec![7; size];
            let image = ("images", Some("a.png"), Some("image/png"), bytes.as_slice());
            let body = form(&[PROMPT, image]);
            let answer = client.post_as(JOBS, key, FORM, body).await;
            assert_eq!(answer.code(), code, "{image_size:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn characters_are_scalar_values_or_utf_16_units() {
    for (characters, most) in [
        (Characters::ScalarValues, 60_000),
        (Characters::Utf16Units, 30_000),
    ] {
        let client = measured(Uploads {
            characters,
            ..Uploads::default()
        });
        assert_eq!(client.create("k1", &"😀".repeat(most)).await.status, 202);
        let too_long = client.create("k2", &"😀".repeat(most + 1)).await;
        assert_eq!(too_long.code(), "prompt_too_long");
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_is_what_it_says_or_what_it_begins_as() {
    let heads: [(&str, &[u8]); 6] = [
        ("image/jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
        ("image/png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"),
        ("image/webp", b"RIFF\x24\x00\x00\x00WEBPVP8 "),
        ("image/gif", b"GIF89a\x01\x00\x01\x00"),
        ("image/heic", b"\x00\x00\x00\x18ftypheic\x00\x00"),
        ("image/heif", b"\x00\x00\x00\x18ftypmif1\x00\x00"),
    ];
    for (image_type, lies) in [
        (ImageTypeOf::Declared, ""),
        (ImageTypeOf::Sniffed, "invalid_file_type"),
    ] {
        let client = measured(Uploads {
            image_type,
            ..Uploads::default()
        });
        let send = async |declared: &str, bytes: &[u8]| {
            let key = format!("{declared} {}", bytes.len());
            let body = form(&[PROMPT, ("images", Some("a"), Some(declared), bytes)]);
            client.post_as(JOBS, &key, FORM, body).await.code()
        };
        for (declared, head) in heads {
            assert_eq!(send(declared, head).await, "", "{declared}");
            assert_eq!(send(declared, b"<html>").await, lies, "{declared}");
            assert_eq!(send(declared, b"").await, lies, "{declared}");
        }
        assert_eq!(send("image/png", heads[0].1).await, lies);
    }
}
