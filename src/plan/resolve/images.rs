//! The images of a manifest, which are outside of it.

use crate::plan::content::ImageRef;

/// The most images of one write (API document, "Create a CAD job").
pub const MAX_IMAGES: usize = 5;
/// The largest image (API document: 10MB).
pub const MAX_IMAGE_BYTES: u64 = 10 * 1024 * 1024;

/// Looks at the images that a manifest names.
pub trait ImageSource {
    /// What is in the image at `path`, relative to the manifest's folder.
    ///
    /// # Errors
    /// Why it can't be sent.
    fn image(&mut self, path: &str) -> Result<ImageRef, ImageProblem>;
}

/// Why an image can't be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageProblem {
    /// There is nothing at the path.
    #[error("there is no such file")]
    Missing,
    /// A folder, a pipe or a device.
    #[error("this is not a regular file")]
    NotAFile,
    /// The path leaves the manifest's folder by itself.
    #[error("this is outside of the manifest's folder")]
    Outside,
    /// The path leaves the manifest's folder through a symbolic link.
    #[error("a symbolic link leads out of the manifest's folder")]
    LinkOut,
    /// Larger than [`MAX_IMAGE_BYTES`].
    #[error("an image has at most 10 MiB, this one has {0} bytes")]
    TooLarge(u64),
    /// Its first bytes are not those of an image that the service accepts.
    #[error("this is no JPEG, PNG, WebP, GIF, HEIC or HEIF image")]
    UnknownType,
    /// Anything else that the system says.
    #[error("it can't be read: {0}")]
    Unreadable(String),
}
