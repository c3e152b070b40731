//! Answers whose words are meant to harm, or lead astray.

use axum::body::Bytes;
use axum::http::header::{CONTENT_DISPOSITION, LOCATION};
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::fault::Words;

/// Fields whose text a client may show, save under, or put into a document.
const TEXTS: [&str; 8] = [
    "title",
    "label",
    "filename",
    "explanation",
    "message",
    "summary",
    "content",
    "model",
];

/// Fields that say where a file is.
const ADDRESSES: [&str; 2] = ["download_url", "url"];

const TERMINAL: [&str; 6] = [
    "\u{1b}[2J\u{1b}[31mall parts failed",
    "\u{1b}]52;c;cm0gLXJmIH4K\u{7}",
    "\u{1b}]8;;https://attacker.example\u{7}part\u{1b}]8;;\u{7}",
    "\u{1b}]0;owned\u{7}part",
    "\u{9b}2Jpart",
    "part\rall parts are done\u{8}\u{7f}\n\u{0}",
];
const BIDI: [&str; 3] = [
    "part_\u{202e}pets.exe",
    "\u{2066}part\u{2069}\u{200f}",
    "pa\u{200b}rt\u{feff}\u{2060}",
];
const PATH: [&str; 10] = [
    "../../../../../../etc/cron.d/part.step",
    "/etc/passwd",
    "..\\..\\part.step",
    "C:part.step",
    "part.step:stream",
    "%2e%2e%2fpart.step",
    "CON",
    "part.step.desktop",
    "..",
    "part\u{0}.step",
];
const HTML: [&str; 4] = [
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "<a href=\"javascript:alert(1)\">part</a>",
];
const CSV: [&str; 5] = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1+1)*cmd",
    "\t=1+1",
];

impl Words {
    /// The `index`th text.
    fn text(self, index: usize) -> &'static str {
        let pick = |texts: &[&'static str], index: usize| texts[index % texts.len()];
        match self {
            Self::Terminal => pick(&TERMINAL, index),
            Self::Bidi => pick(&BIDI, index),
            Self::Path => pick(&PATH, index),
            Self::Html => pick(&HTML, index),
            Self::Csv => pick(&CSV, index),
            Self::All => {
                let kinds = [
                    Self::Terminal,
                    Self::Bidi,
                    Self::Path,
                    Self::Html,
                    Self::Csv,
                ];
                kinds[index % kinds.len()].text(index / kinds.len())
            }
        }
    }
}

/// Puts hostile words into every text of the answer, another one into each.
pub(super) fn hostile(head: &mut Parts, body: &Bytes, words: Words) -> Bytes {
    if head.headers.contains_key(CONTENT_DISPOSITION) {
        // No control character and no letter beyond ASCII fits into a header: a path does.
        let name = format!("attachment; filename=\"{}\"", PATH[0]);
        put(&mut head.headers, CONTENT_DISPOSITION, &name);
    }
    let mut index = 0;
    edit(body, |name, value| {
        if TEXTS.contains(&name) && value.is_string() {
            *value = Value::from(words.text(index));
            index += 1;
        }
    })
}

/// Names `url` wherever the answer says where a file is.
pub(super) fn foreign(head: &mut Parts, body: &Bytes, url: &str) -> Bytes {
    if head.headers.contains_key(LOCATION) {
        put(&mut head.headers, LOCATION, url);
    }
    edit(body, |name, value| {
        if ADDRESSES.contains(&name) && value.is_string() {
            *value = Value::from(url);
        }
    })
}

/// Replaces the signed part of the address that the answer hands out.
pub(super) fn resigned(head: &mut Parts, body: &Bytes, signed: &str) -> Bytes {
    let moved = |url: &str| {
        let origin = url.find("/_storage/").map_or("", |at| &url[..at]);
        format!("{origin}{signed}")
    };
    if let Some(url) = head
        .headers
        .get(LOCATION)
        .and_then(|url| url.to_str().ok())
        .map(moved)
    {
        put(&mut head.headers, LOCATION, &url);
    }
    edit(body, |name, value| {
        if name == "url"
            && let Some(url) = value.as_str().map(moved)
        {
            *value = Value::from(url);
        }
    })
}

/// Shows each field of a JSON answer to `change`; what is no JSON stays.
fn edit(body: &Bytes, mut change: impl FnMut(&str, &mut Value)) -> Bytes {
    let Ok(mut value) = serde_json::from_slice(body) else {
        return body.clone();
    };
    walk(&mut value, &mut change);
    Bytes::from(value.to_string())
}

fn walk(value: &mut Value, change: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Object(object) => {
            // What the user said is the client's own text: by it a client knows its message again.
            let asked = object.get("role").is_some_and(|role| role == "user");
            for (name, value) in object {
                if !(asked && name == "content") {
                    change(name, value);
                }
                walk(value, change);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| walk(value, change)),
        _ => {}
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Response;

    use super::*;

    fn head(name: HeaderName, value: &str) -> Parts {
        let response = Response::builder().header(name, value).body(());
        response.unwrap().into_parts().0
    }

    #[test]
    fn a_files_header_has_a_name_that_leads_elsewhere_and_its_bytes_stay() {
        let mut head = head(CONTENT_DISPOSITION, "attachment; filename=\"a.step\"");
        let bytes = Bytes::from("ISO-10303-21;");
        assert_eq!(hostile(&mut head, &bytes, Words::All), bytes);
        let name = head.headers[CONTENT_DISPOSITION].to_str().unwrap();
        assert!(name.contains("filename=\"../../"), "{name}");
    }

    #[test]
    fn only_the_signed_part_of_a_link_is_replaced() {
        let mut head = head(
            LOCATION,
            "http://127.0.0.1:1/_storage/a?expires=9&signature=x",
        );
        let body =
            Bytes::from(r#"{"url":"http://127.0.0.1:1/_storage/a?expires=9","id":"/_storage/"}"#);
        let body = resigned(&mut head, &body, "/_storage/a?expires=0");
        assert_eq!(
            head.headers[LOCATION],
            "http://127.0.0.1:1/_storage/a?expires=0"
        );
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["url"], "http://127.0.0.1:1/_storage/a?expires=0");
        assert_eq!(body["id"], "/_storage/");
    }

    #[test]
    fn each_kind_of_harm_is_among_all() {
        let all: Vec<&str> = (0..50).map(|index| Words::All.text(index)).collect();
        for kind in [
            Words::Terminal,
            Words::Bidi,
            Words::Path,
            Words::Html,
            Words::Csv,
        ] {
            for index in 0..10 {
                assert!(all.contains(&kind.text(index)), "{kind:?} {index}");
            }
        }
    }
}
