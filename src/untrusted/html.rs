//! Untrusted text made safe for HTML.

use super::terminal;

/// `text` for the content of an element or for an attribute's value in quotes. It is no URL: an address needs a check of
/// its scheme as well. What would turn lines around or can't be seen is spelled out.
#[must_use]
pub fn text(text: &str) -> String {
    let text = terminal::lines(text);
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '`' => safe.push_str("&#96;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_begins_a_tag_ends_an_attribute_or_forms_an_entity() {
        for (hostile, safe) in [
            (
                "</script><script>alert(1)</script>",
                "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            ("\" onload=\"x", "&quot; onload=&quot;x"),
            ("' onload='x", "&#39; onload=&#39;x"),
            ("`x`", "&#96;x&#96;"),
            ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
            ("a\u{202e}b\0", "a\\u{202e}b\\u{0}"),
            ("two\nlines", "two\nlines"),
        ] {
            assert_eq!(text(hostile), safe);
        }
    }
}
