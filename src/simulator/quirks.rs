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
    /// The file's name is closed before the rest of its record.
    BrokenHeader,
    /// No unit of plane angles is said.
    NoAngleUnit,
    /// The schema is one of AP203's, whatever the entities are.
    Ap203,
}

impl Quirk {
    const ALL: [(&'static str, Self); 10] = [
        ("nested-header", Self::NestedHeader),
        ("integers", Self::Integers),
        ("no-contexts", Self::NoContexts),
        ("no-semicolon", Self::NoSemicolon),
        ("metres", Self::Metres),
        ("no-geometry", Self::NoGeometry),
        ("names-none", Self::NamesNone),
        ("broken-header", Self::BrokenHeader),
        ("no-angle-unit", Self::NoAngleUnit),
        ("ap203", Self::Ap203),
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
            Self::BrokenHeader => each_line(&text, |line| match line.split_once(".step',") {
                Some((name, rest)) if line.starts_with("FILE_NAME(") => {
                    format!("{}.step'),{rest}", name.replacen('(', " (", 1))
                }
                _ => line.to_owned(),
            }),
            Self::NoAngleUnit => without_angle_unit(&text),
            Self::Ap203 => text.replacen(
                "AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }",
                "CONFIGURATION_CONTROL_3D_DESIGN_ED2_MIM_LF { 1 0 10303 403 2 1 2 }",
                1,
            ),
            Self::Metres | Self::NoGeometry => text,
        }
    }
}

/// The text without the entity of the unit, and without what refers to it.
fn without_angle_unit(text: &str) -> String {
    let mut lines = text.lines();
    let Some((unit, _)) = lines
        .find(|line| line.contains("PLANE_ANGLE_UNIT()"))
        .and_then(|line| line.split_once('='))
    else {
        return text.to_owned();
    };
    let (entity, reference) = (format!("{unit}="), format!(",{unit},"));
    let kept = text.lines().filter(|line| !line.starts_with(&entity));
    kept.map(|line| {
        if line.contains("GLOBAL_UNIT_ASSIGNED_CONTEXT(") {
            line.replacen(&reference, ",", 1) + "\n"
        } else {
            format!("{line}\n")
        }
    })
    .collect()
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
