//! Which application protocol a file says it follows.

use std::fmt;

/// The application protocol named by `FILE_SCHEMA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schema {
    /// AP203, configuration controlled 3D designs, in any edition.
    Ap203,
    /// AP214, automotive design.
    Ap214,
    /// AP242, managed model-based 3D engineering.
    Ap242,
    /// Another name (untrusted text, at most 100 characters), or none: empty.
    Unknown(String),
}

impl Schema {
    /// Reads the schema's name, such as `AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }`.
    pub(super) fn from_name(name: &[u8]) -> Self {
        let text: String = String::from_utf8_lossy(name)
            .trim()
            .chars()
            .take(100)
            .collect();
        let upper = text.to_ascii_uppercase();
        let starts_with = |prefixes: &[&str]| prefixes.iter().any(|p| upper.starts_with(p));
        if starts_with(&[
            "CONFIG_CONTROL_DESIGN",
            "CONFIGURATION_CONTROL_3D_DESIGN",
            "AP203",
        ]) {
            Self::Ap203
        } else if starts_with(&["AUTOMOTIVE_DESIGN", "AP214"]) {
            Self::Ap214
        } else if starts_with(&["AP242"]) {
            Self::Ap242
        } else {
            Self::Unknown(text)
        }
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self::Unknown(String::new())
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ap203 => "AP203",
            Self::Ap214 => "AP214",
            Self::Ap242 => "AP242",
            Self::Unknown(name) if name.is_empty() => "no schema",
            Self::Unknown(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_known_by_each_of_its_names() {
        for (name, schema) in [
            ("CONFIG_CONTROL_DESIGN", Schema::Ap203),
            (
                "AP203_CONFIGURATION_CONTROLLED_3D_DESIGN_OF_MECHANICAL_PARTS_AND_ASSEMBLIES_MIM_LF",
                Schema::Ap203,
            ),
            (
                "CONFIGURATION_CONTROL_3D_DESIGN_ED2_MIM_LF { 1 0 10303 403 }",
                Schema::Ap203,
            ),
            ("AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }", Schema::Ap214),
            ("automotive_design", Schema::Ap214),
            (
                "AP242_MANAGED_MODEL_BASED_3D_ENGINEERING_MIM_LF",
                Schema::Ap242,
            ),
            ("ISO-10303-042", Schema::Unknown("ISO-10303-042".into())),
            ("", Schema::default()),
        ] {
            assert_eq!(Schema::from_name(name.as_bytes()), schema, "{name}");
        }
    }
}
