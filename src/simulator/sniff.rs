//! Image types by their first bytes.

use super::attachment::ImageType;

/// How many bytes tell.
pub(crate) const HEAD: usize = 12;

/// Whether a file that begins like this is of that type. HEIC and HEIF share a container, and many files say both.
pub(crate) fn begins_as(kind: ImageType, head: &[u8]) -> bool {
    match kind {
        ImageType::Jpeg => head.starts_with(b"\xff\xd8\xff"),
        ImageType::Png => head.starts_with(b"\x89PNG\r\n\x1a\n"),
        ImageType::Gif => head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a"),
        ImageType::Webp => head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"),
        ImageType::Heic | ImageType::Heif => {
            const BRANDS: [&[u8]; 8] = [
                b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
            ];
            head.get(4..8) == Some(b"ftyp")
                && head.get(8..12).is_some_and(|brand| BRANDS.contains(&brand))
        }
    }
}
