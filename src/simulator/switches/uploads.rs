//! How what clients send is measured.

use serde::Deserialize;

/// The switches of prompts and images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Uploads {
    /// What "10MB" is.
    pub image_size: ImageSize,
    /// What a "character" of a prompt is.
    pub characters: Characters,
    /// What makes an image an image.
    pub image_type: ImageTypeOf,
}

/// What "10MB" is, inclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum ImageSize {
    /// 10,485,760 bytes.
    #[default]
    #[serde(rename = "10-mebibytes")]
    Mebibytes,
    /// 10,000,000 bytes.
    #[serde(rename = "10-megabytes")]
    Megabytes,
}

impl ImageSize {
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::Mebibytes => 10 * 1024 * 1024,
            Self::Megabytes => 10_000_000,
        }
    }
}

/// What a "character" of a prompt is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Characters {
    /// A Unicode scalar value.
    #[default]
    ScalarValues,
    /// A UTF-16 code unit, as JavaScript counts: 😀 is two.
    Utf16Units,
}

/// What makes an image an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageTypeOf {
    /// The type it is declared as.
    #[default]
    Declared,
    /// Its first bytes too: they must be those of the declared type.
    Sniffed,
}
