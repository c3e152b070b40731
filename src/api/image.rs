//! Reference images, and how their type is told from their first bytes.

use bytes::Bytes;

/// An image attached to a prompt; up to 5 a request, 10 MB each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The file's bytes.
    pub bytes: Bytes,
    /// What the bytes are, as declared to the service.
    pub media_type: ImageType,
}

/// The image types that the API accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageType {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// GIF.
    Gif,
    /// HEIF with an HEVC image, as phones write it.
    Heic,
    /// Any other HEIF.
    Heif,
}

impl ImageType {
    /// The media type, such as `image/png`.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Heic => "image/heic",
            Self::Heif => "image/heif",
        }
    }

    /// The usual file name extension, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Heic => "heic",
            Self::Heif => "heif",
        }
    }

    /// Tells the type from the file's first bytes; `None` for anything the API does not accept.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::Webp),
            [a, b, c, d, b'f', b't', b'y', b'p', ..] => {
                let length = u32::from_be_bytes([*a, *b, *c, *d]);
                let end = usize::try_from(length).ok()?.min(bytes.len());
                heif_brand(bytes.get(8..end)?)
            }
            _ => None,
        }
    }
}

/// Reads an ISO base media `ftyp` box: major brand, four bytes of version, compatible brands. AVIF
/// shares the generic brands, and the API does not accept it.
fn heif_brand(brands: &[u8]) -> Option<ImageType> {
    let (major, rest) = brands.split_first_chunk::<4>()?;
    let is_avif = rest
        .chunks_exact(4)
        .any(|brand| matches!(brand, b"avif" | b"avis"));
    match major {
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
            Some(ImageType::Heic)
        }
        b"mif1" | b"msf1" if !is_avif => Some(ImageType::Heif),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_told_from_the_first_bytes() {
        for (bytes, expected) in [
            (&b"\xff\xd8\xff\xe0"[..], Some(ImageType::Jpeg)),
            (b"\x89PNG\r\n\x1a\n....", Some(ImageType::Png)),
            (b"GIF89a", Some(ImageType::Gif)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some(ImageType::Webp)),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Some(ImageType::Heic)),
            (b"\0\0\0\x14ftypmif1\0\0\0\0heix", Some(ImageType::Heif)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0miafavif", None),
            (b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf", None),
            (b"\0\0\0\x00ftypheic", None),
            (b"RIFF\x10\0\0\0WAVE", None),
            (b"%PDF-1.7", None),
            (b"", None),
        ] {
            assert_eq!(ImageType::sniff(bytes), expected, "{bytes:?}");
        }
    }
}
