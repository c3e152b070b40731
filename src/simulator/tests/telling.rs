//! Both positions of the switches of what reviews, failures and errors look like, seen at the edge.

use super::*;
use crate::simulator::{
    ApiKey, CodeNames, Failures, Limits, Scope, Switches, ViewerActions, Visibility,
};

fn shown(visibility: Visibility) -> Client {
    Client::new(Config {
        limits: Limits::off(),
        keys: vec![
            ApiKey::new(SIM_API_KEY, Scope::ALL),
            ApiKey::new("gcad_sim_reader", [Scope::CadRead]),
        ],
        switches: Switches {
            visibility,
            ..Switches::default()
        },
        ..Config::default()
    })
}

#[tokio::test(start_paused = true)]
async fn viewer_actions_are_none_or_objects_or_anything() {
    for (viewer_actions, actions) in [
        (ViewerActions::None, Some(0)),
        (ViewerActions::Objects, Some(2)),
        (ViewerActions::Anything, None),
    ] {
        let client = shown(Visibility {
            viewer_actions,
            ..Visibility::default()
        });
        let job = client.job("k", PLATE).await;
        pass(100).await;
        let asked = json!({ "prompt": "Any risks?" });
        let answered = client.post(&format!("{job}/review"), "r", asked).await;
        let seen = answered.json()["review"]["viewer_actions"].clone();
        assert_eq!(seen.as_array().map(Vec::len), actions);
        assert!(seen.is_array() || seen.is_object());
        let messages = client.get(&format!("{job}/messages")).await.json();
        assert_eq!(messages["messages"][3]["review"]["viewer_actions"], seen);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_job_says_so_in_its_history_or_also_in_an_error() {
    let regret = "The CAD model could not be generated for this request.";
    for (failures, message) in [
        (Failures::History, Value::Null),
        (Failures::ErrorField, json!(regret)),
    ] {
        let client = shown(Visibility {
            failures,
            ..Visibility::default()
        });
        let job = client
            .job("k1", "A plate [sim:fail][sim:duration=30]")
            .await;
        let running = client.get(&job).await.json();
        pass(30).await;
        let failed = client.get(&job).await.json();
        assert_eq!(failed["error"]["message"], message);
        assert_eq!(
            failed.get("error").is_some(),
            failures == Failures::ErrorField
        );
        assert_eq!(running.get("error"), None);
        let messages = client.get(&format!("{job}/messages")).await.json();
        assert_eq!(messages["messages"][1]["content"], regret);
    }
}

#[tokio::test(start_paused = true)]
async fn codes_that_the_document_does_not_name_are_ours_or_others() {
    for (code_names, codes) in [
        (
            CodeNames::Ours,
            [
                "unauthorized",
                "insufficient_scope",
                "not_found",
                "method_not_allowed",
                "service_unavailable",
            ],
        ),
        (
            CodeNames::Others,
            [
                "invalid_api_key",
                "forbidden",
                "resource_missing",
                "unsupported_method",
                "try_again_later",
            ],
        ),
    ] {
        let mut client = shown(Visibility {
            code_names,
            ..Visibility::default()
        });
        let not_found = client.get("/api/v1/cad/jobs/x").await.code();
        let method = client.post("/api/v1/billing/balance", "k", json!({})).await;
        let unavailable = json!({ "state": "unavailable" });
        client.post("/_sim/billing", "", unavailable).await;
        let unavailable = client.create("k", PLATE).await.code();
        assert_eq!(client.create("k", "").await.code(), "missing_prompt");
        client.api_key = "gcad_sim_reader".to_owned();
        let scope = client.create("k", PLATE).await.code();
        client.api_key = "gcad_sim_stranger".to_owned();
        let key = client.create("k", PLATE).await.code();
        assert_eq!([key, scope, not_found, method.code(), unavailable], codes);
    }
}
