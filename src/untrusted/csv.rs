//! Untrusted text made safe for CSV, and for the spreadsheets that CSV ends up in.

use super::terminal;

/// `text` as one field, always in quotes (RFC 4180): a program that splits at other characters than commas still sees one
/// field. What a spreadsheet would take for a formula begins with an apostrophe; controls are spelled out, since CSV is
/// printed too.
#[must_use]
pub fn field(text: &str) -> String {
    let text = terminal::lines(text);
    let apostrophe = if begins_a_formula(&text) { "'" } else { "" };
    format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
}

/// Whether a spreadsheet could take `text` for a formula: some skip blanks before it, some take wide characters for it.
fn begins_a_formula(text: &str) -> bool {
    let first = text.chars().find(|c| !c.is_whitespace());
    first.is_some_and(|c| "=+-@|%\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}\u{2212}".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_quotes_are_doubled() {
        for (text, safe) in [
            ("plate", "\"plate\""),
            ("", "\"\""),
            ("a, \"b\"\nc", "\"a, \"\"b\"\"\nc\""),
            ("=cmd|'/C calc'!A0", "\"'=cmd|'/C calc'!A0\""),
            ("-2+3", "\"'-2+3\""),
            ("+1", "\"'+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            (" \u{a0}=1", "\"' \u{a0}=1\""),
            ("\t=1", "\"' =1\""),
            ("\r\n=1", "\"'\n=1\""),
            ("\r=1", "\"\\r=1\""),
            ("\0=1", "\"\\u{0}=1\""),
            ("\u{feff}=1", "\"\\u{feff}=1\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("\";=1", "\"\"\";=1\""),
        ] {
            assert_eq!(field(text), safe, "{text:?}");
        }
    }
}
