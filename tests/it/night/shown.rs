//! What a review is shown, as it goes over the wire.

use std::sync::{Arc, Mutex};

use millrun::run::history::History;
use millrun::run::outcome::Outcome::{Reused, Succeeded};
use millrun::run::step::StepState::Done;
use millrun::simulator::Config;
use serde_json::{Value, json};

use super::harness::{Night, assert_clean};
use super::wire::Fate;

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nmarked";

/// A plate that is iterated between two reviews, the second with the fields `shown`.
fn manifest(shown: &str) -> String {
    format!(
        "version: 1\nname: plates\nuid: u\nbudget: {{ max_spend: 60.00 usd }}\nvars: {{ where: corner }}\nparts:\n\
         - id: plate\n  steps:\n  - create: {{ prompt: 'A plate 80 x 40 x 6 mm.' }}\n  \
         - iterate: {{ prompt: Make it 8 mm thick. }}\n  \
         - review: {{ prompt: Is it strong enough?{shown} }}\n  - download: {{}}\n"
    )
}

/// The bodies of all reviews that are sent from now on.
fn reviews(night: &Night) -> Arc<Mutex<Vec<Value>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    night.beset(move |request| {
        if request.uri().path().ends_with("/review") {
            assert_eq!(request.headers()["content-type"], "application/json");
            let body = serde_json::from_slice(request.body()).unwrap();
            kept.lock().unwrap().push(body);
        }
        Fate::Arrives
    });
    seen
}

#[tokio::test(start_paused = true)]
async fn a_review_names_the_revision_before_it_or_another_one_or_the_latest() {
    let night = Night::new(Config::default());
    let seen = reviews(&night);
    let history = night.run(&manifest("")).await.history();
    assert_eq!(history.run.unwrap().steps[2].state, Done(Succeeded));
    let bare = seen.lock().unwrap().pop().unwrap();
    let latest = bare["revision_id"].as_str().unwrap().to_owned();
    assert_eq!(
        bare,
        json!({ "prompt": "Is it strong enough?", "revision_id": latest })
    );

    night.run(&manifest(", revision: latest")).await.history();
    let body = seen.lock().unwrap().pop().unwrap();
    assert_eq!(body, json!({ "prompt": "Is it strong enough?" }));

    let first = first_revision(&night);
    assert_ne!(first, latest);
    let older = manifest(&format!(", revision: {first}"));
    let history = night.run(&older).await.history();
    assert_eq!(history.run.unwrap().steps[2].state, Done(Succeeded));
    let body = seen.lock().unwrap().pop().unwrap();
    assert_eq!(body["revision_id"], first.as_str());

    let history = night.run(&older).await.history();
    assert_eq!(history.run.unwrap().steps[2].state, Done(Reused));
    assert!(seen.lock().unwrap().is_empty());
    assert_clean(&night.books());
    assert_eq!(night.books().totals.writes, 2);
}

/// The revision that the create left.
fn first_revision(night: &Night) -> String {
    let memory = History::of(&night.records()).memory;
    let result = memory.write_result(&memory.sends[0].id).unwrap();
    result.revision.as_ref().unwrap().0.clone()
}

#[tokio::test(start_paused = true)]
async fn the_viewers_state_and_pictures_are_sent_as_the_document_has_them() {
    let night = Night::new(Config::default());
    night.place("marked.png", PICTURE);
    let seen = reviews(&night);
    let shown = |label: &str| {
        manifest(&format!(
            ", viewer_state: {{ camera: {{ up: [0, 0, 1] }}, zoom: 1.5 }}, \
             snapshots: [{{ label: '{label}', image: marked.png }}]"
        ))
    };
    let marked = shown("Marked {{ where }}");
    night.run(&marked).await.history();
    let body = seen.lock().unwrap().pop().unwrap();
    assert_eq!(
        body["viewer_state"],
        json!({
            "camera": { "up": [0, 0, 1] },
            "zoom": 1.5,
            "snapshots": [{
                "label": "Marked corner",
                "mime_type": "image/png",
                "data_base64": data_encoding::BASE64.encode(PICTURE),
                "source": "viewer_snapshot",
            }],
        })
    );
    let documented: Value = serde_json::from_str(include_str!(
        "../../fixtures/api/ask_the_review_assistant.snapshot.request.json"
    ))
    .unwrap();
    let keys = |body: &Value| {
        let snapshot = body["viewer_state"]["snapshots"][0].as_object().unwrap();
        snapshot.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(&body), keys(&documented));
    assert_eq!(
        body["viewer_state"]["snapshots"][0]["source"],
        documented["viewer_state"]["snapshots"][0]["source"]
    );

    let history = night.run(&marked).await.history();
    assert_eq!(history.run.unwrap().steps[2].state, Done(Reused));
    // A changed review runs alone.
    let history = night.run(&shown("Somewhere else")).await.history();
    let run = history.run.unwrap();
    assert_eq!(run.steps[2].state, Done(Succeeded));
    assert_eq!(run.steps[1].state, Done(Reused));
    assert_eq!(seen.lock().unwrap().len(), 1);
    assert_clean(&night.books());
    assert_eq!(night.books().totals.writes, 2);
}
