//! The name of an uploaded file, as its sender had it. Forms say it in more than one way.

use axum::extract::multipart::Field;
use axum::http::header::CONTENT_DISPOSITION;

/// The name that a form's field gives its file, if it is one.
pub(crate) fn file_name(field: &Field<'_>) -> Option<String> {
    let disposition = field.headers().get(CONTENT_DISPOSITION);
    let extended =
        disposition.and_then(|value| extended(std::str::from_utf8(value.as_bytes()).ok()?));
    extended.or_else(|| field.file_name().map(plain))
}

/// Browsers and curl write these three characters in hexadecimals, and none else.
fn plain(name: &str) -> String {
    name.replace("%22", "\"")
        .replace("%0D", "\r")
        .replace("%0A", "\n")
}

/// What stands in `filename*=UTF-8''%C3%A4.png`, which Python's `requests` sends for names beyond ASCII.
fn extended(disposition: &str) -> Option<String> {
    let mut parameters = disposition.split(';').map(str::trim);
    let (charset, rest) = parameters
        .find_map(|parameter| parameter.strip_prefix("filename*="))?
        .split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| after.get(..2).and_then(octet));
        match escaped.flatten() {
            Some(octet) => {
                bytes.push(octet);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn octet(digits: &[u8]) -> Option<u8> {
    let digit = |index: usize| char::from(*digits.get(index)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extended_name_is_read_if_it_can_be() {
        for (parameter, name) in [
            ("filename*=UTF-8''%C3%A4.png", Some("ä.png")),
            ("filename*=utf-8'de'a%20b%22%25.png", Some("a b\"%.png")),
            ("filename*=UTF-8''100%.png", Some("100%.png")),
            ("filename*=UTF-8''%zz%4", Some("%zz%4")),
            ("filename*=UTF-8''", Some("")),
            ("filename*=UTF-8''%ff", None),
            ("filename*=iso-8859-1''%e4.png", None),
            ("filename*=a.png", None),
            ("filename=\"a.png\"", None),
        ] {
            let disposition = format!("form-data; name=\"images\"; {parameter}");
            let found = extended(&disposition);
            assert_eq!(found.as_deref(), name, "{parameter}");
        }
    }
}
