//! Untrusted text made safe for the name of a file.

/// The longest name, in bytes.
const MAX_BYTES: usize = 100;

/// What a name is when nothing of the text can be in one.
const UNNAMED: &str = "unnamed";

/// The types that a name may keep. Any other would let the service choose what opens the file.
const TYPES: [&str; 2] = [".step", ".stp"];

/// Names that some systems take for devices, whatever follows them.
const DEVICES: [&str; 24] = [
    "con", "prn", "aux", "nul", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7",
    "com8", "com9", "lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// `text` as one component of a path, in ASCII letters, digits, `-` and `_`, at most 100 bytes; a STEP file's extension
/// stays, any other dot does not. Two texts may have the same name: who writes files has to tell them apart, in upper
/// and lower case too.
#[must_use]
pub fn component(text: &str) -> String {
    let (stem, extension) = parted(text.trim());
    let mut safe = String::new();
    for c in stem.chars() {
        let c = if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        };
        // Neither an option's dash at the beginning nor a row of blanks.
        if c.is_ascii_alphanumeric() || !(safe.is_empty() || safe.ends_with(['_', '-'])) {
            safe.push(c);
        }
    }
    safe.truncate(MAX_BYTES - extension.len());
    safe.truncate(safe.trim_end_matches(['_', '-']).len());
    if safe.is_empty() {
        safe.push_str(UNNAMED);
    }
    if DEVICES.contains(&safe.to_ascii_lowercase().as_str()) {
        safe.push('_');
    }
    safe + extension
}

/// The text before its STEP extension, and that extension.
fn parted(text: &str) -> (&str, &'static str) {
    for extension in TYPES {
        let at = text.len().wrapping_sub(extension.len());
        if let (Some(stem), Some(end)) = (text.get(..at), text.get(at..))
            && end.eq_ignore_ascii_case(extension)
        {
            return (stem, extension);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_component_that_no_system_takes_for_something_else() {
        let long = "x".repeat(300) + ".step";
        for (text, name) in [
            ("449_mounting_plate.step", "449_mounting_plate.step"),
            ("Base Plate.STP", "Base_Plate.stp"),
            ("../../etc/passwd", "etc_passwd"),
            ("..\\..\\x.step", "x.step"),
            ("/abs.step", "abs.step"),
            ("C:x", "C_x"),
            ("a:ads", "a_ads"),
            ("a\0b", "a_b"),
            ("CON", "CON_"),
            ("con.step", "con_.step"),
            ("nul .step", "nul_.step"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("~", "unnamed"),
            ("a. ", "a"),
            ("", "unnamed"),
            (".", "unnamed"),
            ("..", "unnamed"),
            (".step", "unnamed.step"),
            ("\u{202e}pets.x", "pets_x"),
            ("%2e%2e%2f", "2e_2e_2f"),
            ("x.step.desktop", "x_step_desktop"),
            ("x.html", "x_html"),
            ("pl\u{e4}tte", "pl_tte"),
            ("\u{6f22}\u{5b57}.step", "unnamed.step"),
            (&long, &("x".repeat(95) + ".step")),
        ] {
            assert_eq!(component(text), name, "{text:?}");
        }
    }
}
