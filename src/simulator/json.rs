//! Reads JSON as services written in JavaScript do: half a character, escaped, is no reason to refuse a body.
//!
//! The grammar takes an escape of a lone surrogate (`"\ud800"`), and `JSON.parse` does too; such a text becomes U+FFFD at
//! the latest where it is stored as UTF-8. The document calls `invalid_json` what is not valid JSON, and this is.

use serde::de::DeserializeOwned;

/// The length of `\uXXXX`.
const ESCAPE: usize = 6;

/// The value that a body is.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let strict = serde_json::from_slice(body);
    strict
        .or_else(|_| serde_json::from_slice(&mended(body)))
        .ok()
}

/// The body with its numbered escapes read and written anew, run by run: what pairs up stays, what is left alone is U+FFFD.
fn mended(body: &[u8]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((&first, after)) = rest.split_first() {
        let units: Vec<u16> = rest.chunks_exact(ESCAPE).map_while(unit).collect();
        if !units.is_empty() {
            let quoted = serde_json::Value::from(String::from_utf16_lossy(&units)).to_string();
            mended.extend_from_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
            rest = &rest[ESCAPE * units.len()..];
            continue;
        }
        mended.push(first);
        rest = after;
        // What a backslash escapes goes along with it, and begins nothing of its own.
        if let (b'\\', Some((&escaped, after))) = (first, rest.split_first()) {
            mended.push(escaped);
            rest = after;
        }
    }
    mended
}

/// The UTF-16 unit that an escape stands for.
fn unit(escape: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(escape.strip_prefix(br"\u")?).ok()?;
    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hexadecimal.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_surrogate_is_a_replacement_character_and_all_else_is_itself() {
        for (json, text) in [
            (r#""\ud800""#, Some("\u{fffd}")),
            (r#""\udc00\ud800x""#, Some("\u{fffd}\u{fffd}x")),
            (r#""\ud800\ud83d\ude00""#, Some("\u{fffd}\u{1f600}")),
            (
                r#""\u0022\ud800\u0022\u005c\u000a""#,
                Some("\"\u{fffd}\"\\\n"),
            ),
            (r#""\ud800\u0022""#, Some("\u{fffd}\"")),
            (r#""\\ud800 \\\ud800""#, Some("\\ud800 \\\u{fffd}")),
            (r#""\n\ud800\t\"""#, Some("\n\u{fffd}\t\"")),
            (
                "\"\u{e9}\\ud800\u{1f600}\"",
                Some("\u{e9}\u{fffd}\u{1f600}"),
            ),
            (r#""\ud8""#, None),
            (r#""\u+800\ud800""#, None),
            (r#""\ud800"#, None),
            (r"\ud800", None),
            ("\"\\ud800\n\"", None),
            ("\"\\ud800\u{0}\"", None),
        ] {
            assert_eq!(read(json.as_bytes()), text.map(str::to_owned), "{json}");
        }
        assert_eq!(read::<String>(b"\"\\ud800\xff\""), None);
    }
}
