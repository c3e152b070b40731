//! What real exporters get wrong in their STEP files, on request: readers have to live with it.

use serde::{Deserialize, Serialize};

/// An oddity of a STEP file. Being cut short is none: that happens to any file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Quirk {
    /// One pair of parentheses too many around the description.
    NestedHeader,
    /// Whole reals without their point.
    Integers,
    /// The product has an empty list of contexts.
    NoContexts,
    /// One entity in the middle lacks its semicolon.
    NoSemicolon,
    /// Lengths in metres.
    Metres,
    /// A product without a body.
    NoGeometry,
    /// Everything is called `NONE`.
    NamesNone,
}

impl Quirk {
    const ALL: [(&'static str, Self); 7] = [
        ("nested-header", Self::NestedHeader),
        ("integers", Self::Integers),
        ("no-contexts", Self::NoContexts),
        ("no-semicolon", Self::NoSemicolon),
        ("metres", Self::Metres),
        ("no-geometry", Self::NoGeometry),
        ("names-none", Self::NamesNone),
    ];

    /// The quirk a directive names.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, quirk)| *quirk)
    }

    /// Makes a well-formed text odd, if that is a matter of its text alone.
    pub(crate) fn applied(self, text: String) -> String {
        match self {
            Self::NestedHeader => {
                text.replacen("(('Orville CAD Model'),", "((('Orville CAD Model')),", 1)
            }
            Self::Integers => pointless(&text),
            Self::NoContexts => each_line(&text, |line| {
                let entity = line.split_once('=').map_or("", |(_, entity)| entity);
                match line.rsplit_once(",(#") {
                    Some((product, _)) if entity.starts_with("PRODUCT(") => {
                        format!("{product},());")
                    }
                    _ => line.to_owned(),
                }
            }),
            Self::NoSemicolon => {
                let entities = text.lines().filter(|line| line.starts_with('#')).count();
                let lame = format!("#{}=", entities / 2);
                each_line(&text, |line| {
                    let is_lame = line.starts_with(&lame);
                    let end = line.len() - usize::from(is_lame);
                    line[..end].to_owned()
                })
            }
            Self::NamesNone => each_line(&text, |line| {
                if line.starts_with('#') {
                    line.replace("('',", "('NONE',")
                } else {
                    line.to_owned()
                }
            }),
            Self::Metres | Self::NoGeometry => text,
        }
    }
}

fn each_line(text: &str, change: impl Fn(&str) -> String) -> String {
    text.lines().map(|line| change(line) + "\n").collect()
}

/// The data without the points that end whole reals: `(80.,0.)` as `(80,0)`.
fn pointless(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_bare = |at: usize| {
        at > 0 && bytes[at - 1].is_ascii_digit() && matches!(bytes.get(at + 1), Some(b',' | b')'))
    };
    text.char_indices()
        .filter(|(at, c)| *c != '.' || !is_bare(*at))
        .map(|(_, c)| c)
        .collect()
}
