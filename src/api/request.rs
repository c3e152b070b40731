//! What the client asks for, and the exact bytes of it.

use serde::Serialize;
use serde_json::Value;

use super::id::{RevisionId, percent_encoded};
use super::image::Image;
use super::multipart::{self, Encoded};

/// Which recent jobs to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobQuery<'a> {
    /// How many, 1 to 100; the service gives 20 when it is absent.
    pub limit: Option<u8>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<&'a str>,
    /// A text to search for in titles and original prompts.
    pub q: Option<&'a str>,
}

/// What a create or a follow-up asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prompt<'a> {
    /// At most 60,000 characters, not blank.
    pub text: &'a str,
    /// At most 5.
    pub images: &'a [Image],
}

/// What a review asks for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReviewRequest<'a> {
    /// At most 60,000 characters, not blank.
    pub prompt: &'a str,
    /// The revision to look at; the current one when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_id: Option<&'a RevisionId>,
    /// Camera, selection, section, annotation or snapshot context, as the API has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewer_state: Option<&'a Value>,
}

impl JobQuery<'_> {
    /// The query string with its question mark, or nothing.
    pub(super) fn query_string(&self) -> String {
        let limit = self.limit.map(|limit| limit.to_string());
        let pairs = [
            ("limit", limit.as_deref()),
            ("cursor", self.cursor),
            ("q", self.q),
        ];
        let mut query = String::new();
        for (name, value) in pairs {
            if let Some(value) = value {
                query.push(if query.is_empty() { '?' } else { '&' });
                query.push_str(name);
                query.push('=');
                query.push_str(&percent_encoded(value));
            }
        }
        query
    }
}

impl Prompt<'_> {
    /// JSON without images, a form with them; the choice hangs on nothing else.
    pub(super) fn encode(&self) -> Encoded {
        #[derive(Serialize)]
        struct PromptJson<'a> {
            prompt: &'a str,
        }

        if self.images.is_empty() {
            json(&PromptJson { prompt: self.text })
        } else {
            multipart::encode(self.text, self.images)
        }
    }
}

impl ReviewRequest<'_> {
    pub(super) fn encode(&self) -> Encoded {
        json(self)
    }
}

fn json(body: &impl Serialize) -> Encoded {
    let body = serde_json::to_vec(body).expect("text and JSON values serialize");
    Encoded {
        content_type: "application/json".to_owned(),
        body: body.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_bytes_of_a_prompt_never_change() {
        let text = "A \"plate\",\n80 \u{d7} 60 / 6 mm\u{1}\u{7f}\\";
        let encoded = Prompt { text, images: &[] }.encode();
        let expected = "{\"prompt\":\"A \\\"plate\\\",\\n80 \u{d7} 60 / 6 mm\\u0001\u{7f}\\\\\"}";
        assert_eq!(encoded.body, expected);
        assert_eq!(encoded.content_type, "application/json");
    }

    #[test]
    fn the_bytes_of_a_review_never_change() {
        let revision = RevisionId::new("rev_1").unwrap();
        let state = json!({"zoom": 1.50, "camera": {"up": [0, 0, 1], "at": [1e3]}, "a": null});
        let full = ReviewRequest {
            prompt: "Look.",
            revision_id: Some(&revision),
            viewer_state: Some(&state),
        };
        let bare = ReviewRequest {
            prompt: "Look.",
            revision_id: None,
            viewer_state: None,
        };
        assert_eq!(bare.encode().body, r#"{"prompt":"Look."}"#);
        assert_eq!(
            full.encode().body,
            r#"{"prompt":"Look.","revision_id":"rev_1","viewer_state":{"a":null,"camera":{"at":[1000.0],"up":[0,0,1]},"zoom":1.5}}"#
        );
    }

    #[test]
    fn a_query_has_only_what_was_asked_and_encodes_it() {
        assert_eq!(JobQuery::default().query_string(), "");
        let query = JobQuery {
            limit: Some(20),
            cursor: Some("a+b/=="),
            q: Some("mounting plate & more"),
        };
        assert_eq!(
            query.query_string(),
            "?limit=20&cursor=a%2Bb%2F%3D%3D&q=mounting%20plate%20%26%20more"
        );
    }
}
