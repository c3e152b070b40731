//! Multipart form data whose bytes follow from its content alone.
//!
//! An exact retry repeats every byte, and a service may compare raw bodies. So the boundary is
//! derived from the content, and file names from the images' types: nothing here is random, and
//! nothing depends on where a file was found.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::image::Image;

const LINE: &[u8] = b"\r\n";

/// An encoded body with the `Content-Type` that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Encoded {
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

/// Encodes `prompt`, then one `images` field for each image in order.
pub(super) fn encode(prompt: &str, images: &[Image]) -> Encoded {
    let boundary = boundary(prompt, images);
    let payload: usize = images.iter().map(|image| image.bytes.len()).sum();
    let mut body = Vec::with_capacity(prompt.len() + payload + 256 * (images.len() + 2));

    let mut field = |head: &str, value: &[u8]| {
        body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(LINE);
    };
    field(
        "Content-Disposition: form-data; name=\"prompt\"",
        prompt.as_bytes(),
    );
    for (image, number) in images.iter().zip(1..) {
        let extension = image.media_type.extension();
        let mime = image.media_type.mime();
        let head = format!(
            "Content-Disposition: form-data; name=\"images\"; filename=\"image-{number}.{extension}\"\r\n\
             Content-Type: {mime}"
        );
        field(&head, &image.bytes);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());

    Encoded {
        content_type: format!("multipart/form-data; boundary={boundary}"),
        body: body.into(),
    }
}

fn boundary(prompt: &str, images: &[Image]) -> String {
    let mut parts = vec![prompt.as_bytes()];
    parts.extend(images.iter().map(|image| image.bytes.as_ref()));

    let mut digest = Sha256::new();
    for part in &parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    for image in images {
        digest.update(image.media_type.mime());
    }
    absent_boundary(digest.finalize().into(), &parts)
}

/// Hashes on from `seed` until the boundary occurs in no part.
fn absent_boundary(mut seed: [u8; 32], parts: &[&[u8]]) -> String {
    loop {
        let boundary = format!("millrun-{}", HEXLOWER.encode(&seed[..16]));
        let occurs = |part: &&[u8]| {
            part.windows(boundary.len())
                .any(|window| window == boundary.as_bytes())
        };
        if !parts.iter().any(occurs) {
            return boundary;
        }
        seed = Sha256::digest(seed).into();
    }
}

#[cfg(test)]
mod tests {
    use super::super::image::ImageType;
    use super::*;

    fn image(bytes: &'static [u8], media_type: ImageType) -> Image {
        let bytes = Bytes::from_static(bytes);
        Image { bytes, media_type }
    }

    #[test]
    fn the_bytes_of_a_form_never_change() {
        let images = [
            image(b"\x89PNG\r\n\x1a\n", ImageType::Png),
            image(b"\xff\xd8\xff", ImageType::Jpeg),
        ];
        let form = encode("A plate, 80 \u{d7} 60 mm.\nTwo holes.", &images);
        let b = "millrun-f9a1bb644e2815b1b4be5e037b5bf1ce";
        let expected = [
            format!("--{b}\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n").as_bytes(),
            "A plate, 80 \u{d7} 60 mm.\nTwo holes.\r\n".as_bytes(),
            format!("--{b}\r\nContent-Disposition: form-data; name=\"images\"; ").as_bytes(),
            b"filename=\"image-1.png\"\r\nContent-Type: image/png\r\n\r\n",
            b"\x89PNG\r\n\x1a\n\r\n",
            format!("--{b}\r\nContent-Disposition: form-data; name=\"images\"; ").as_bytes(),
            b"filename=\"image-2.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n",
            b"\xff\xd8\xff\r\n",
            format!("--{b}--\r\n").as_bytes(),
        ]
        .concat();
        assert_eq!(
            form.content_type,
            format!("multipart/form-data; boundary={b}")
        );
        assert_eq!(form.body, expected);
    }

    #[test]
    fn different_content_has_a_different_boundary() {
        let png = |bytes| image(bytes, ImageType::Png);
        let forms = [
            encode("ab", &[png(b"c")]),
            encode("a", &[png(b"bc")]),
            encode("ab", &[image(b"c", ImageType::Gif)]),
            encode("ab", &[png(b"c"), png(b"")]),
        ];
        let mut boundaries = forms.map(|form| form.content_type).to_vec();
        boundaries.sort();
        boundaries.dedup();
        assert_eq!(boundaries.len(), 4);
    }

    #[test]
    fn a_boundary_that_occurs_in_a_part_is_passed_over() {
        let first = absent_boundary([7; 32], &[]);
        let part = format!("text {first} text");
        let second = absent_boundary([7; 32], &[b"other", part.as_bytes()]);
        assert_ne!(first, second);
        assert!(!part.contains(&second));
    }
}
