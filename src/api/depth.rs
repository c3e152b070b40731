//! How deep JSON is nested. A parser that calls itself for each level must not be led to the end of its stack, nor whoever
//! reads what it made.

/// The deepest JSON answer that is read: so many arrays and objects in one another.
pub const MAX_JSON_DEPTH: usize = 64;

/// Whether `json` is nested deeper than [`MAX_JSON_DEPTH`]. Of what is no JSON it may say either: the parser refuses it.
pub(super) fn is_too_deep(json: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_text(&mut bytes),
            _ => {}
        }
        if depth > MAX_JSON_DEPTH {
            return true;
        }
    }
    false
}

/// Goes behind the quote that ends a text.
fn skip_text<'a>(bytes: &mut impl Iterator<Item = &'a u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_open_at_once_counts() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for (json, too_deep) in [
            (nested(64), false),
            (nested(65), true),
            (format!("[{}]", vec![nested(63); 9].join(",")), false),
            (format!("[0,{}]", nested(64)), true),
            (r#"{"a":[{"a":[0]}]}"#.repeat(100), false),
            (r#"{"a":"#.repeat(65), true),
            (format!("{:?}", "[".repeat(100)), false),
            (format!(r#"["\"{}"]"#, "{".repeat(100)), false),
            (format!(r#"["\\",{}]"#, nested(64)), true),
            ("]".repeat(100) + &nested(64), false),
        ] {
            assert_eq!(is_too_deep(json.as_bytes()), too_deep, "{json}");
        }
    }
}
