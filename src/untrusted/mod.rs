//! Text that others wrote, and what it must become before it reaches a terminal, a table, a page or a path.
//!
//! [`Untrusted`] holds a text of the service. It has no `Display`, so that it can't be printed by mistake; each way out
//! makes it safe for one place. Who wants the text itself, to keep it or to send it on, asks for it by a long name.

pub mod csv;
pub mod file_name;
pub mod html;
pub mod terminal;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;

use serde::Deserialize;

pub use value::UntrustedValue;

/// A text that someone else wrote.
///
/// ```
/// use millrun::untrusted::Untrusted;
///
/// let title = Untrusted::from("=1+1\u{1b}[2J/../x");
/// assert_eq!(title.for_terminal(), "=1+1\\u{1b}[2J/../x");
/// assert_eq!(title.for_csv(), "\"'=1+1\\u{1b}[2J/../x\"");
/// assert_eq!(title.for_file_name(), "1_1_2J_x");
/// ```
///
/// It can't be formatted:
///
/// ```compile_fail
/// let title = millrun::untrusted::Untrusted::from("text");
/// println!("{title}");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// For a terminal or a plain text: lines stay lines, and everything that would do more than show itself is spelled
    /// out.
    #[must_use]
    pub fn for_terminal(&self) -> String {
        terminal::lines(&self.0)
    }

    /// For one line of a terminal.
    #[must_use]
    pub fn for_terminal_line(&self) -> String {
        terminal::line(&self.0)
    }

    /// For a place of so many columns on one line of a terminal.
    #[must_use]
    pub fn for_terminal_columns(&self, columns: usize) -> String {
        terminal::clipped(&self.0, columns)
    }

    /// A field of CSV, with its quotes, that no spreadsheet takes for a formula.
    #[must_use]
    pub fn for_csv(&self) -> String {
        csv::field(&self.0)
    }

    /// For the text of an HTML element, or an attribute's value in quotes.
    #[must_use]
    pub fn for_html(&self) -> String {
        html::text(&self.0)
    }

    /// For one component of a path: never empty, hidden, special or of a dangerous type.
    #[must_use]
    pub fn for_file_name(&self) -> String {
        file_name::component(&self.0)
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text as it came: to be compared, kept, or sent back where it came from, and never shown.
    #[must_use]
    pub fn as_raw_untrusted(&self) -> &str {
        &self.0
    }

    /// As [`Untrusted::as_raw_untrusted`].
    #[must_use]
    pub fn into_raw_untrusted(self) -> String {
        self.0
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl PartialEq<str> for Untrusted {
    fn eq(&self, text: &str) -> bool {
        self.0 == text
    }
}

impl PartialEq<&str> for Untrusted {
    fn eq(&self, text: &&str) -> bool {
        self.0 == *text
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.for_terminal_line())
    }
}
