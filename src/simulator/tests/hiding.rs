//! A revision that is out of sight during a follow-up is so in histories and downloads too.

use super::visibility::{THICKER, completed, shown};
use super::*;
use crate::simulator::{DuringFollowUp, Visibility};

#[tokio::test(start_paused = true)]
async fn during_a_follow_up_history_and_downloads_have_the_last_revision_or_lack_it() {
    for during_follow_up in [DuringFollowUp::Visible, DuringFollowUp::Hidden] {
        let hidden = during_follow_up == DuringFollowUp::Hidden;
        let client = shown(Visibility {
            during_follow_up,
            ..Visibility::default()
        });
        let job = completed(&client, PLATE).await;
        let download = async || {
            let artifacts = client.get(&job).await.json()["artifacts"].clone();
            artifacts[0]["download_url"].as_str().unwrap().to_owned()
        };
        let first = download().await;
        let thicker = json!({ "prompt": THICKER });
        client.post(&format!("{job}/messages"), "k2", thicker).await;
        pass(100).await;
        let second = download().await;
        let at_rest = client.get(&format!("{job}/messages")).await.json();
        assert_eq!(at_rest["messages"][3]["revision"], "B");

        // The one that fails brings the last revision back as the one that succeeds does.
        for (key, ordered) in [("k3", "[sim:fail]"), ("k4", "")] {
            let prompt = format!("Make it 9 mm thick. [sim:duration=100] {ordered}");
            let body = json!({ "prompt": prompt });
            client.post(&format!("{job}/messages"), key, body).await;
            for half in 0..2 {
                let history = client.get(&format!("{job}/messages")).await.json();
                let mut made = at_rest["messages"].as_array().unwrap().clone();
                if hidden {
                    made[3]["revision_id"] = Value::Null;
                    made[3]["revision"] = Value::Null;
                    made[3]["artifacts"] = json!([]);
                }
                let seen = &history["messages"].as_array().unwrap()[..4];
                assert_eq!(seen, made, "{during_follow_up:?} {key} {half}");
                let status = client.get(&second).await.status.as_u16();
                assert_eq!(status, if hidden { 404 } else { 302 });
                assert_eq!(client.get(&first).await.status, 302, "not the last one");
                pass(50).await;
            }
            let history = client.get(&format!("{job}/messages")).await.json();
            assert_eq!(history["messages"][3], at_rest["messages"][3]);
            assert_eq!(client.get(&second).await.status, 302);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_signed_before_a_follow_up_hides_it_still_works() {
    let client = shown(Visibility {
        during_follow_up: DuringFollowUp::Hidden,
        ..Visibility::default()
    });
    let job = completed(&client, PLATE).await;
    let artifacts = client.get(&job).await.json()["artifacts"].clone();
    let url = artifacts[0]["download_url"].as_str().unwrap();
    let link = client.get(&format!("{url}?redirect=false")).await;
    let thicker = json!({ "prompt": THICKER });
    client.post(&format!("{job}/messages"), "k2", thicker).await;
    assert_eq!(client.get(url).await.code(), "not_found");
    let signed = link.text("url");
    let at = signed.find("/_storage/").unwrap();
    assert_eq!(client.get(&signed[at..]).await.status, 200);
}
