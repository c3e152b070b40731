//! Unpaired surrogates in JSON texts: half a character, escaped.
//!
//! Services written in JavaScript cut texts by UTF-16 units and escape what is left of a character that was
//! cut in two (`"\ud83d"`). JSON's grammar takes that, and no Unicode text can hold it, so the parser
//! refuses the whole answer. An answer must not be lost for half a character of its prose.

const REPLACEMENT: &[u8] = br"\ufffd";

/// The length of `\uXXXX`.
const ESCAPE: usize = 6;

/// `json` with each unpaired surrogate escape replaced by the escape of U+FFFD; all else stays as it is.
pub(super) fn without_unpaired(json: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        whole.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let taken = match (unit(rest), rest.get(ESCAPE..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 2 * ESCAPE,
            (Some(0xD800..=0xDFFF), _) => {
                whole.extend_from_slice(REPLACEMENT);
                rest = &rest[ESCAPE..];
                continue;
            }
            // An escaped backslash goes as one, so that the second never begins an escape.
            _ => rest.len().min(2),
        };
        whole.extend_from_slice(&rest[..taken]);
        rest = &rest[taken..];
    }
    whole.extend_from_slice(rest);
    whole
}

/// The UTF-16 unit that an escape at the beginning of `json` stands for.
fn unit(json: &[u8]) -> Option<u16> {
    let digits = json.strip_prefix(br"\u")?.get(..ESCAPE - 2)?;
    digits.iter().try_fold(0, |unit, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(unit * 16 + u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unpaired_surrogates_are_replaced() {
        for (json, text) in [
            (r#""cut \ud83d""#, "cut \u{fffd}"),
            (r#""\uDE00 tail""#, "\u{fffd} tail"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\u0041\n""#, "\u{fffd}A\n"),
            (r#""\ud83d\\ude00""#, "\u{fffd}\\ude00"),
            (r#""\\ud83d \\\ud83d""#, "\\ud83d \\\u{fffd}"),
            (r#""\ud83d\ude00 \u00e4 \"""#, "\u{1f600} \u{e4} \""),
        ] {
            let whole = without_unpaired(json.as_bytes());
            let read: String = serde_json::from_slice(&whole).unwrap();
            assert_eq!(read, text, "{json}");
        }
    }

    #[test]
    fn what_is_no_escape_or_breaks_off_stays_as_it_is() {
        for json in ["", "\\", r"\u", r"\ud83", r"\ug83d", "plain", r"a\tb\\"] {
            assert_eq!(without_unpaired(json.as_bytes()), json.as_bytes(), "{json}");
        }
    }
}
