//! `lints`: which hints a manifest doesn't want.

use super::diagnostic::{Code, Diagnostic};
use super::reader::{Keys, Reader};
use super::suggest::{did_you_mean, list};
use super::tree::Tree;

impl Code {
    /// The codes of lints, which a manifest can silence.
    pub const LINTS: &[Self] = &[
        Self::NoUid,
        Self::NoBudget,
        Self::Twins,
        Self::UnusedVar,
        Self::UnusedEnv,
        Self::ShadowedVar,
        Self::IdleExclude,
        Self::LongWinded,
        Self::IdInPrompt,
        Self::UnreachableStep,
        Self::UnguardedStep,
    ];
}

pub(super) const LINTS: Keys = Keys {
    of: "`lints`",
    known: &["allow"],
};

/// The lints that are silenced.
pub(super) fn allowed(reader: &mut Reader, tree: &Tree) -> Option<Vec<Code>> {
    let fields = reader.fields(tree, LINTS)?;
    let names = reader.texts(fields.get("allow"));
    let mut codes = Vec::new();
    for name in names {
        let known = Code::LINTS.iter().find(|code| code.as_str() == name.value);
        if let Some(code) = known {
            codes.push(*code);
            continue;
        }
        let words: Vec<&str> = Code::LINTS.iter().map(|code| code.as_str()).collect();
        let is_error = Code::ALL.iter().any(|code| code.as_str() == name.value);
        let message = if is_error {
            format!("`{}` is an error, which can't be silenced", name.value)
        } else {
            format!("there is no lint `{}`", name.value)
        };
        reader.diagnostics.push(
            Diagnostic::error(Code::UnknownLint, name.span, message)
                .help_if(did_you_mean(&name.value, words.iter().copied()))
                .help(format!("the lints are {}", list(&words))),
        );
    }
    Some(codes)
}
