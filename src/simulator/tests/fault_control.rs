//! Rules of faults, by control calls.

use super::*;

#[tokio::test(start_paused = true)]
async fn rules_come_and_go_by_control_calls() {
    let client = Client::new(Config::default());
    let rules = json!({ "rules": [{ "on": "balance", "nth": 2, "fault": "empty" }] });
    let added = client.post("/_sim/faults", "", rules).await;
    assert_eq!(added.status, 200, "{added:?}");
    client.available().await;
    assert!(client.get("/api/v1/billing/balance").await.bytes.is_empty());
    let listed = client.get("/_sim/faults").await.json();
    assert_eq!(listed["rules"][0]["calls"], 2);
    assert_eq!(listed["rules"][0]["hits"], 1);
    assert_eq!(listed["rules"][0]["rule"]["fault"]["kind"], "empty");
    let wrong = json!({ "rules": [{ "on": "balance", "fault": "emtpy" }] });
    let refused = client.post("/_sim/faults", "", wrong).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (400, "invalid_request".to_owned())
    );
    assert!(
        refused.json()["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("rule 1: unknown variant `emtpy`")
    );
    let request = Request::delete("/_sim/faults").body(Body::empty()).unwrap();
    assert_eq!(client.send(request).await.json()["rules"], json!([]));
}
