//! Hostile text in every place where the service can put text: what is formatted of it moves no cursor.

use serde_json::Value;

use super::documented::{self, parsed};
use super::scripted::{Scripted, answer, key};
use crate::api::{CallError, JobId, JobQuery, Prompt, ReviewRequest};

/// A clipboard, a cleared screen in seven and in eight bits, an overwritten line, a turned one, and the unseen.
const HOSTILE: &str =
    "\u{1b}]52;c;cm0=\u{7}\u{1b}[2J\u{9b}2J\u{90}x\rok\u{7f}\u{202e}\u{2066}\u{200b}\u{feff}\0";

fn assert_harmless(shown: &str) {
    let is_active = |c: char| c.is_control() && c != '\n' || HOSTILE.contains(c) && !c.is_ascii();
    assert!(!shown.contains(is_active), "{shown:?}");
}

/// `value` with every text in it made hostile.
fn hostile(value: &mut Value) {
    match value {
        Value::String(text) => text.push_str(HOSTILE),
        Value::Array(values) => values.iter_mut().for_each(hostile),
        Value::Object(object) => object.values_mut().for_each(hostile),
        Value::Null => *value = HOSTILE.into(),
        Value::Bool(_) | Value::Number(_) => {}
    }
}

#[tokio::test]
async fn no_answer_is_shown_as_it_came() {
    let job = JobId::new("cadjob_1").unwrap();
    let review = ReviewRequest {
        prompt: "Risks?",
        revision_id: None,
        viewer_state: None,
    };
    let script = |example| {
        let mut body = parsed(example);
        hostile(&mut body);
        Scripted::new([answer(200, &[], body.to_string())]).client()
    };
    let list = script(documented::LIST);
    let page = list.list_jobs(JobQuery::default()).await.unwrap();
    let told = [
        format!("{page:?}"),
        format!("{:?}", script(documented::POLL).job(&job).await.unwrap()),
        format!(
            "{:?}",
            script(documented::MESSAGES).messages(&job).await.unwrap()
        ),
        format!(
            "{:?}",
            script(documented::ARTIFACTS).artifacts(&job).await.unwrap()
        ),
        format!("{:?}", script(documented::BALANCE).balance().await.unwrap()),
        format!(
            "{:?}",
            script(documented::REVIEW)
                .review(&job, review, &key())
                .await
                .unwrap()
        ),
    ];
    for shown in told {
        assert!(shown.contains("52;c;cm0="), "the text is there: {shown}");
        assert_harmless(&shown);
    }
    let summary = &page.value.jobs[0];
    assert_harmless(&format!(
        "{} {}",
        summary.id,
        page.request_ids.body.unwrap()
    ));
}

#[tokio::test]
async fn no_error_is_shown_as_it_came() {
    let prompt = Prompt {
        text: "A plate.",
        images: &[],
    };
    let mut error = parsed(documented::ERROR);
    hostile(&mut error);
    let mut wrong = parsed(documented::CREATE);
    wrong["id"] = HOSTILE.repeat(2).into();
    wrong["status"] = serde_json::json!({ HOSTILE: HOSTILE });
    for (status, body) in [(400, &error), (409, &error), (503, &error), (200, &wrong)] {
        let script = Scripted::new([answer(status, &[], body.to_string())]);
        let told = script.client().create_job(prompt, &key()).await;
        let error: CallError = told.unwrap_err();
        assert_harmless(&error.to_string());
        assert_harmless(&format!("{error:?}"));
        if let Some(code) = error.code() {
            assert_harmless(&code.to_string());
        }
    }
}
