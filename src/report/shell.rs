//! Words for a shell: what is advised can be copied and typed.

use super::safe;

/// `text` as one word of a shell.
#[must_use]
pub fn word(text: &str) -> String {
    let text = safe::line(text);
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+@:=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_word_of_a_shell() {
        for (text, quoted) in [
            ("manifests/plates.yaml", "manifests/plates.yaml"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("it's $HOME.yaml", "'it'\\''s $HOME.yaml'"),
            ("a; rm -rf ~", "'a; rm -rf ~'"),
            ("~/plates.yaml", "'~/plates.yaml'"),
            ("two\nlines", "'two lines'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), quoted);
        }
    }
}
