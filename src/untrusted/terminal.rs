//! Untrusted text made safe for a terminal: nothing in it moves the cursor, sets a clipboard, or turns a line around.
//!
//! The service's explanations, errors, labels, ids and currency all pass through here before a person sees them, be they
//! [`Untrusted`](super::Untrusted) still or read back from a journal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `text` on one line: line ends and tabs become spaces, everything that a terminal would act on is spelled out.
#[must_use]
pub fn line(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t').then_some(' '))
        .trim()
        .to_owned()
}

/// `text` with its line ends: everything else that a terminal would act on is spelled out.
#[must_use]
pub fn lines(text: &str) -> String {
    escaped(text, |c| match c {
        '\n' => Some('\n'),
        '\t' => Some(' '),
        _ => None,
    })
}

/// `text` on one line of at most `columns` columns; what was cut shows as `…`.
#[must_use]
pub fn clipped(text: &str, columns: usize) -> String {
    let line = line(text);
    if line.width() <= columns {
        return line;
    }
    let mut cut = String::new();
    let mut used = 1;
    for c in line.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        cut.push(c);
    }
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Serialized JSON in which no character does more than show itself: the data is the same. What would do more can only
/// stand inside of strings, where an escape means the same.
#[must_use]
pub fn json(serialized: &str) -> String {
    let mut safe = String::with_capacity(serialized.len());
    for c in serialized.chars() {
        if c != '\n' && is_active(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

fn escaped(text: &str, kept: impl Fn(char) -> Option<char>) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match kept(c) {
            Some(kept) => safe.push(kept),
            None if is_active(c) => safe.extend(c.escape_default()),
            None => safe.push(c),
        }
    }
    safe
}

/// Whether `c` does anything but show itself: controls (C0, DEL, C1), marks of direction, and what can't be seen.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_gets_through() {
        for (hostile, shown) in [
            ("\u{1b}]52;c;cm0gLXJm\u{7}", "\\u{1b}]52;c;cm0gLXJm\\u{7}"),
            ("\u{1b}[2J\u{1b}[31mred", "\\u{1b}[2J\\u{1b}[31mred"),
            ("failed\rok", "failed\\rok"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("\u{2066}a\u{2069}", "\\u{2066}a\\u{2069}"),
            ("a\u{200b}b\u{7f}", "a\\u{200b}b\\u{7f}"),
            ("a\u{2028}b\u{e0041}", "a\\u{2028}b\\u{e0041}"),
        ] {
            assert_eq!(line(hostile), shown);
            assert_eq!(lines(hostile), shown);
        }
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line(" two\r\nlines\tand a tab\n"), "two lines and a tab");
        assert_eq!(lines("two\r\nlines"), "two\nlines");
        assert_eq!(line("Ø 12,5 mm — ok 漢字"), "Ø 12,5 mm — ok 漢字");
    }

    #[test]
    fn a_clipped_text_is_as_wide_as_it_may_be() {
        assert_eq!(clipped("plate", 5), "plate");
        assert_eq!(clipped("plates", 5), "plat…");
        assert_eq!(clipped("漢字漢字", 5), "漢字…");
        assert_eq!(clipped("a \u{1b}[1m", 5), "a \\u…");
        assert_eq!(clipped("ab cd", 4), "ab…");
    }

    #[test]
    fn json_keeps_its_data_and_loses_its_teeth() {
        let data = serde_json::json!({ "why": "\u{1b}[2J\u{9b}\u{202e}\u{e0041} \\ \"é\"" });
        let safe = json(&serde_json::to_string_pretty(&data).unwrap());
        assert!(safe.chars().all(|c| c == '\n' || !is_active(c)), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            data
        );
    }
}
