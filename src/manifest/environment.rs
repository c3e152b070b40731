//! `env`: the variables of the environment that templates may see, by their names.

use super::diagnostic::{Code, Diagnostic};
use super::names::is_name;
use super::reader::Reader;
use super::shape::{EnvEntry, Refused};
use super::surroundings::Surroundings;
use super::tree::Tree;

/// What names of secrets have in them. A prompt is stored at the service, and a secret in it would be as well.
const SECRET: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASSW", "CREDENTIAL", "ORVILLE"];

/// Reads the list of names, and their values.
pub(super) fn env(
    reader: &mut Reader,
    tree: &Tree,
    surroundings: &dyn Surroundings,
) -> Option<Vec<EnvEntry>> {
    let mut entries: Vec<EnvEntry> = Vec::new();
    for item in reader.list(tree)? {
        let Some(name) = reader.text(item) else {
            continue;
        };
        if entries.iter().any(|known| known.name.value == name.value) {
            continue;
        }
        let value = match problem(&name.value) {
            Some((code, message, help)) => {
                let problem = Diagnostic::error(code, name.span, message);
                reader.diagnostics.push(problem.help(help));
                Err(Refused)
            }
            None => surroundings.variable(&name.value).ok_or_else(|| {
                let message = format!("the variable `{}` is not set", name.value);
                reader.diagnostics.push(
                    Diagnostic::error(Code::UnsetVariable, name.span, message).help(format!(
                        "set it to a text before you start millrun: `export {}=...`",
                        name.value
                    )),
                );
                Refused
            }),
        };
        entries.push(EnvEntry { name, value });
    }
    Some(entries)
}

fn problem(name: &str) -> Option<(Code, String, &'static str)> {
    if !is_name(name) {
        let message = format!("`{name}` can't be the name of a variable");
        let help = "a name is made of ASCII letters, digits and `_`, and starts with no digit";
        return Some((Code::BadValue, message, help));
    }
    let upper = name.to_ascii_uppercase();
    (SECRET.iter().any(|word| upper.contains(word))).then(|| {
        let message =
            format!("`{name}` looks like the name of a secret, and no prompt may have one");
        let help = "if it is none, give it another name";
        (Code::SecretVariable, message, help)
    })
}
