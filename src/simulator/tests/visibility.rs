//! Both positions of each switch of what is shown, seen at the edge.

use super::*;
use crate::simulator::{
    AcceptedStatus, AfterFailure, BillingCodes, Cents, DuringFollowUp, HistoryContent, Limits,
    ListOrder, OlderArtifacts, PollAfter, ProposalForm, ReviewCodes, ReviewedStatus, SignedUrls,
    Switches, Visibility,
};

pub(super) const THICKER: &str = "Make it 8 mm thick. [sim:duration=100]";

pub(super) fn shown(visibility: Visibility) -> Client {
    Client::new(Config {
        limits: Limits::off(),
        switches: Switches {
            visibility,
            ..Switches::default()
        },
        ..Config::default()
    })
}

/// A job with its first revision.
pub(super) async fn completed(client: &Client, prompt: &str) -> String {
    let created = client.create("k1", prompt).await;
    pass(100).await;
    format!("/api/v1/cad/jobs/{}", created.text("id"))
}

#[tokio::test(start_paused = true)]
async fn the_last_revision_is_visible_or_hidden_during_a_follow_up() {
    for during_follow_up in [DuringFollowUp::Visible, DuringFollowUp::Hidden] {
        let client = shown(Visibility {
            during_follow_up,
            ..Visibility::default()
        });
        let job = completed(&client, PLATE).await;
        let first = client.get(&job).await.text("latest_revision_id");
        let failing = json!({ "prompt": "Thicker [sim:fail][sim:duration=100]" });
        client.post(&format!("{job}/messages"), "k2", failing).await;
        pass(50).await;
        let seen = async || {
            let status = client.get(&job).await.json();
            let listed = client.get("/api/v1/cad/jobs").await.json();
            let artifacts = client.get(&format!("{job}/artifacts")).await.json();
            assert_eq!(
                status["artifacts"], artifacts["artifacts"],
                "{during_follow_up:?}"
            );
            [
                status["latest_revision_id"].clone(),
                listed["jobs"][0]["latest_revision_id"].clone(),
                artifacts["revision_id"].clone(),
            ]
        };
        let during = match during_follow_up {
            DuringFollowUp::Visible => json!(first),
            DuringFollowUp::Hidden => Value::Null,
        };
        assert_eq!(seen().await, [during.clone(), during.clone(), during]);
        pass(50).await;
        let after = json!(first);
        assert_eq!(seen().await, [after.clone(), after.clone(), after]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_job_takes_follow_ups_or_refuses_them() {
    for (after_failure, code) in [
        (AfterFailure::Accepted, ""),
        (AfterFailure::Refused, "job_not_completed"),
    ] {
        let client = shown(Visibility {
            after_failure,
            ..Visibility::default()
        });
        let job = completed(&client, "A plate [sim:fail][sim:duration=100]").await;
        let thicker = json!({ "prompt": THICKER });
        let followed = client.post(&format!("{job}/messages"), "k2", thicker).await;
        assert_eq!(followed.code(), code);
    }
}

#[tokio::test(start_paused = true)]
async fn older_artifacts_can_be_downloaded_or_are_gone() {
    for (older_artifacts, status) in [
        (OlderArtifacts::Downloadable, 302),
        (OlderArtifacts::Gone, 404),
    ] {
        let client = shown(Visibility {
            older_artifacts,
            ..Visibility::default()
        });
        let job = completed(&client, PLATE).await;
        let url = async || {
            let artifacts = client.get(&job).await.json()["artifacts"].clone();
            artifacts[0]["download_url"].as_str().unwrap().to_owned()
        };
        let first = url().await;
        let thicker = json!({ "prompt": THICKER });
        client.post(&format!("{job}/messages"), "k2", thicker).await;
        assert_eq!(
            client.get(&first).await.status,
            302,
            "it is still the latest"
        );
        pass(100).await;
        assert_eq!(client.get(&first).await.status, status);
        assert_eq!(client.get(&url().await).await.status, 302);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_is_newest_first_or_in_any_order_and_hides_what_is_hidden() {
    for order in [ListOrder::NewestFirst, ListOrder::Any] {
        let client = shown(Visibility {
            order,
            ..Visibility::default()
        });
        let mut newest_first = Vec::new();
        for index in 0..8 {
            let created = client.create(&format!("k{index}"), PLATE).await;
            newest_first.insert(0, created.text("id"));
        }
        let listed = async || {
            let (mut ids, mut path) = (Vec::new(), "/api/v1/cad/jobs?limit=3".to_owned());
            loop {
                let page = client.get(&path).await.json();
                let jobs = page["jobs"].as_array().unwrap().iter();
                ids.extend(jobs.map(|job| job["id"].as_str().unwrap().to_owned()));
                match page["next_cursor"].as_str() {
                    Some(cursor) => path = format!("/api/v1/cad/jobs?cursor={cursor}"),
                    None => return ids,
                }
            }
        };
        let mut ids = listed().await;
        assert_eq!(ids == newest_first, order == ListOrder::NewestFirst);
        assert_eq!(ids, listed().await);

        let hidden = ids.remove(2);
        let control = format!("/_sim/jobs/{hidden}/hidden");
        client.post(&control, "", json!({ "hidden": true })).await;
        assert_eq!(listed().await, ids);
        let status = client.get(&format!("/api/v1/cad/jobs/{hidden}")).await;
        assert_eq!(status.status, 200, "who knows its id can still read it");
        client.post(&control, "", json!({ "hidden": false })).await;
        assert_eq!(listed().await.len(), 8);
    }
}

#[tokio::test(start_paused = true)]
async fn the_history_has_the_users_words_or_something_like_them() {
    let long = format!("  A cafe\u{301}\r\n table, \u{a0} {} ", "x".repeat(1_000));
    for (history, content) in [
        (HistoryContent::AsSent, long.clone()),
        (HistoryContent::Trimmed, long.trim().to_owned()),
        (
            HistoryContent::Normalized,
            format!("A caf\u{e9} table, {}", "x".repeat(1_000)),
        ),
        (
            HistoryContent::Shortened,
            long.chars().take(1_000).collect(),
        ),
    ] {
        let client = shown(Visibility {
            history,
            ..Visibility::default()
        });
        let job = client.job("k", &long).await;
        pass(240).await;
        let asked = json!({ "prompt": long });
        client.post(&format!("{job}/review"), "r", asked).await;
        let messages = client.get(&format!("{job}/messages")).await.json();
        assert_eq!(messages["messages"][0]["content"], content, "{history:?}");
        assert_eq!(messages["messages"][2]["content"], content, "{history:?}");
        assert_eq!(client.simulator.books().jobs[0].prompt, long);
    }
}

#[tokio::test(start_paused = true)]
async fn a_proposal_is_an_object_or_something_else() {
    let prompt = "Break all sharp edges of revision A with a 0.5 mm chamfer.";
    let summary = "Break the sharp edges of revision A";
    for (proposals, form) in [
        (
            ProposalForm::Object,
            json!({ "summary": summary, "prompt": prompt }),
        ),
        (ProposalForm::Null, Value::Null),
        (ProposalForm::Text, json!(prompt)),
        (
            ProposalForm::OtherKeys,
            json!({ "title": summary, "instructions": [prompt] }),
        ),
    ] {
        let client = shown(Visibility {
            proposals,
            ..Visibility::default()
        });
        let job = completed(&client, PLATE).await;
        let asked = json!({ "prompt": "Any risks? [sim:propose]" });
        let review = format!("{job}/review");
        let answered = client.post(&review, "r", asked.clone()).await.json();
        assert_eq!(answered["review"]["iteration_proposal"], form);
        let messages = client.get(&format!("{job}/messages")).await.json();
        assert_eq!(messages["messages"][3]["review"], answered["review"]);
        let again = client.post(&review, "r", asked).await.json();
        assert_eq!(again["review"], answered["review"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_active_job_tells_when_to_poll_or_nothing() {
    for (poll_after, told) in [
        (PollAfter::Told, json!(30)),
        (PollAfter::Null, Value::Null),
        (PollAfter::Decimals, json!(30.25)),
    ] {
        let client = shown(Visibility {
            poll_after,
            ..Visibility::default()
        });
        let created = client.create("k", PLATE).await.json();
        assert_eq!(created["poll_after_seconds"], told);
        let job = format!("/api/v1/cad/jobs/{}", created["id"].as_str().unwrap());
        tokio::time::advance(Duration::from_millis(30_000)).await;
        assert_eq!(client.get(&job).await.json()["poll_after_seconds"], told);
        let early = client.simulator.books().early_polls.count;
        assert_eq!(early, u64::from(poll_after == PollAfter::Decimals));
        pass(70).await;
        let done = client.get(&job).await.json();
        assert_eq!(done["poll_after_seconds"], Value::Null);
    }
}

#[tokio::test(start_paused = true)]
async fn success_has_one_status_or_another() {
    for (accepted, reviewed, statuses) in [
        (
            AcceptedStatus::Accepted,
            ReviewedStatus::Ok,
            [202, 202, 200],
        ),
        (AcceptedStatus::Ok, ReviewedStatus::Created, [200, 200, 201]),
        (
            AcceptedStatus::Created,
            ReviewedStatus::Created,
            [201, 201, 201],
        ),
    ] {
        let client = shown(Visibility {
            accepted,
            reviewed,
            ..Visibility::default()
        });
        let job = completed(&client, PLATE).await;
        let replayed = client.create("k1", PLATE).await.status;
        let asked = json!({ "prompt": "Any risks?" });
        let reviewed = client.post(&format!("{job}/review"), "r", asked).await;
        let thicker = json!({ "prompt": THICKER });
        let followed = client.post(&format!("{job}/messages"), "k2", thicker).await;
        let seen = [replayed, followed.status, reviewed.status].map(|status| status.as_u16());
        assert_eq!(seen, statuses);
    }
}

#[tokio::test(start_paused = true)]
async fn the_codes_of_reviews_have_one_status_or_another() {
    for (review_codes, statuses) in [
        (ReviewCodes::Usual, [409, 409, 502, 503]),
        (ReviewCodes::Unusual, [400, 404, 500, 502]),
    ] {
        let client = shown(Visibility {
            review_codes,
            ..Visibility::default()
        });
        let failed = completed(&client, "A plate [sim:fail][sim:duration=1]").await;
        let done = client.job("k2", PLATE).await;
        let ask = async |job: &str, prompt: &str| {
            let asked = json!({ "prompt": prompt });
            let answer = client.post(&format!("{job}/review"), "r", asked).await;
            (answer.code(), answer.status.as_u16())
        };
        let early = ask(&done, "Risks?").await;
        pass(100).await;
        let seen = [
            early,
            ask(&failed, "Risks?").await,
            ask(&done, "Risks? [sim:review-fails]").await,
            ask(&done, "Risks? [sim:review-unavailable]").await,
        ];
        let codes = [
            "job_not_completed",
            "cad_revision_required",
            "review_agent_failed",
            "review_agent_unavailable",
        ];
        for ((code, status), expected) in seen.iter().zip(codes.iter().zip(statuses)) {
            assert_eq!((code.as_str(), *status), (*expected.0, expected.1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_review_assistant_fails_as_often_as_it_is_ordered_to() {
    let client = shown(Visibility::default());
    let job = completed(&client, PLATE).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let asked = json!({ "prompt": "Risks? [sim:review-fails=2]" });
        let answer = client.post(&format!("{job}/review"), "r", asked).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [502, 502, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_signed_url_works_until_it_expires_or_once() {
    for (signed_urls, again) in [(SignedUrls::UntilTheyExpire, 200), (SignedUrls::Once, 403)] {
        let client = shown(Visibility {
            signed_urls,
            ..Visibility::default()
        });
        let job = completed(&client, PLATE).await;
        let artifacts = client.get(&job).await.json()["artifacts"].clone();
        let url = artifacts[0]["download_url"].as_str().unwrap().to_owned();
        let link = async || {
            let told = client.get(&url).await.header("location").to_owned();
            told.strip_prefix("http://127.0.0.1:8081")
                .unwrap()
                .to_owned()
        };
        let fetch = async |link: &str| {
            let request = Request::get(link).body(Body::empty()).unwrap();
            client.send(request).await.status.as_u16()
        };
        let look = Request::head(link().await).body(Body::empty()).unwrap();
        assert_eq!(client.send(look).await.status, 405, "no download");
        let first = link().await;
        let second = link().await;
        assert_eq!(fetch(&first).await, 200);
        assert_eq!(fetch(&first).await, again);
        assert_eq!(fetch(&second).await, 200, "another link of the same moment");
        pass(900).await;
        assert_eq!(fetch(&second).await, 403);
    }
}

#[tokio::test(start_paused = true)]
async fn the_codes_of_billing_have_one_status_or_another() {
    for (billing_codes, statuses) in [
        (BillingCodes::Usual, [402, 402, 402, 429]),
        (BillingCodes::Unusual, [403, 409, 400, 402]),
    ] {
        let mut seen = Vec::new();
        for (control, body) in [
            ("/_sim/billing", json!({ "state": "required" })),
            ("/_sim/billing", json!({ "state": "needs-review" })),
            ("/_sim/balance", json!({ "cents": 0 })),
            ("/_sim/billing", json!({ "state": "open" })),
        ] {
            let client = Client::new(Config {
                balance_cents: Cents(300),
                switches: Switches {
                    visibility: Visibility {
                        billing_codes,
                        ..Visibility::default()
                    },
                    ..Switches::default()
                },
                ..Config::default()
            });
            if body["state"] == "open" {
                client.job("k1", PLATE).await;
            }
            client.post(control, "", body).await;
            let answer = client.create("k2", PLATE).await;
            seen.push((answer.code(), answer.status.as_u16()));
        }
        let codes = [
            "billing_required",
            "billing_needs_review",
            "insufficient_balance",
            "projected_balance_exceeded",
        ];
        let expected = codes.map(str::to_owned).into_iter().zip(statuses);
        assert_eq!(seen, expected.collect::<Vec<_>>());
    }
}
