//! Both positions of each switch of the rate limits, seen at the edge.

use super::*;
use crate::simulator::{
    Algorithm, ApiKey, Cents, Counted, Limiting, Limits, Quota, ReadClass, RetryAfterForm,
    RetryAfterOn, Scope, Switches,
};

fn limited(limiting: Limiting) -> Client {
    Client::new(Config {
        switches: Switches {
            limiting,
            ..Switches::default()
        },
        ..Config::default()
    })
}

fn by(algorithm: Algorithm) -> Client {
    limited(Limiting {
        algorithm,
        ..Limiting::default()
    })
}

/// Sends creates at these seconds; which of them were let in.
async fn admitted(client: &Client, seconds: &[u64]) -> Vec<u64> {
    let (mut at, mut admitted) = (0, Vec::new());
    for (index, second) in seconds.iter().enumerate() {
        pass(second - at).await;
        at = *second;
        let answer = client.create(&format!("k{index}"), PLATE).await;
        if answer.status == 202 {
            admitted.push(*second);
        } else {
            assert_eq!(answer.code(), "rate_limited");
        }
    }
    admitted
}

#[tokio::test(start_paused = true)]
async fn every_algorithm_lets_the_same_clients_writes_in_at_its_own_times() {
    // Ten at 30 s into a minute of the clock, then one every 3 s.
    let at: Vec<u64> = [30; 10].into_iter().chain((33..=120).step_by(3)).collect();
    let every = |from: u64, to: u64, step: usize| (from..=to).step_by(step);
    let ten = || std::iter::repeat_n(30, 10);
    let cases: [(Algorithm, Vec<u64>); 10] = [
        (
            Algorithm::SlidingLog,
            ten().chain(every(90, 117, 3)).collect(),
        ),
        (Algorithm::SlidingLogWithRejects, ten().collect()),
        (
            Algorithm::FixedWindow,
            ten().chain(every(60, 87, 3)).chain([120]).collect(),
        ),
        (
            Algorithm::FirstHitWindow,
            ten().chain(every(90, 117, 3)).collect(),
        ),
        (
            Algorithm::WeightedCounter,
            ten().chain(every(66, 120, 6)).collect(),
        ),
        (
            Algorithm::WeightedCounterFloor,
            ten().chain(every(63, 117, 6)).collect(),
        ),
        (
            Algorithm::TokenBucket,
            ten().chain(every(36, 120, 6)).collect(),
        ),
        (
            Algorithm::ALL[7],
            std::iter::repeat_n(30, 3)
                .chain(every(36, 120, 6))
                .collect(),
        ),
        (
            Algorithm::Gcra,
            std::iter::once(30).chain(every(36, 120, 6)).collect(),
        ),
        (
            Algorithm::StepRefill,
            ten().chain(every(36, 120, 6)).collect(),
        ),
    ];
    for (algorithm, times) in cases {
        assert_eq!(admitted(&by(algorithm), &at).await, times, "{algorithm:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_comes_in_four_forms() {
    let cases = [
        (RetryAfterForm::Seconds, "59"),
        (RetryAfterForm::Decimals, "58.500"),
        (RetryAfterForm::Date, "Wed, 20 May 2026 14:01:00 GMT"),
        (RetryAfterForm::Absent, ""),
    ];
    for (retry_after, told) in cases {
        let client = limited(Limiting {
            retry_after,
            ..Limiting::default()
        });
        for index in 0..10 {
            client.job(&format!("k{index}"), PLATE).await;
        }
        tokio::time::advance(Duration::from_millis(1_500)).await;
        let refused = client.create("k10", PLATE).await;
        assert_eq!(
            (refused.code().as_str(), refused.header("retry-after")),
            ("rate_limited", told)
        );
        let date = match retry_after {
            RetryAfterForm::Date => "Wed, 20 May 2026 14:00:01 GMT",
            _ => "",
        };
        assert_eq!(refused.header("date"), date);
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_balance_and_a_503_have_a_retry_after_or_none() {
    for (retry_after_on, told) in [
        (RetryAfterOn::TooManyRequests, "100"),
        (RetryAfterOn::RateLimited, ""),
        (RetryAfterOn::Unavailable, "100"),
    ] {
        let client = Client::new(Config {
            balance_cents: Cents(300),
            switches: Switches {
                limiting: Limiting {
                    retry_after_on,
                    ..Limiting::default()
                },
                ..Switches::default()
            },
            ..Config::default()
        });
        client.job("k1", PLATE).await;
        let short = client.create("k2", PLATE).await;
        assert_eq!(
            (short.code().as_str(), short.header("retry-after")),
            ("projected_balance_exceeded", told)
        );
        let down = json!({ "state": "unavailable" });
        client.post("/_sim/billing", "", down).await;
        let unavailable = client.create("k3", PLATE).await;
        let is_told = retry_after_on == RetryAfterOn::Unavailable;
        assert_eq!(
            (
                unavailable.status.as_u16(),
                unavailable.header("retry-after")
            ),
            (503, if is_told { "30" } else { "" })
        );
    }
}

#[tokio::test(start_paused = true)]
async fn strangers_and_refused_requests_count_only_where_all_do() {
    for (counted, admitted) in [(Counted::Admitted, 202), (Counted::All, 429)] {
        let mut client = Client::new(Config {
            keys: vec![
                ApiKey::new(SIM_API_KEY, Scope::ALL),
                ApiKey::new("gcad_sim_reader", [Scope::CadRead]),
            ],
            switches: Switches {
                limiting: Limiting {
                    counted,
                    ..Limiting::default()
                },
                ..Switches::default()
            },
            ..Config::default()
        });
        client.api_key = "gcad_sim_reader".to_owned();
        for _ in 0..5 {
            assert_eq!(client.create("k", PLATE).await.status, 403);
        }
        client.api_key = "gcad_sim_stranger".to_owned();
        for _ in 0..5 {
            assert_eq!(client.create("k", PLATE).await.status, 401);
        }
        client.api_key = SIM_API_KEY.to_owned();
        assert_eq!(client.create("k", PLATE).await.status, admitted);
        pass(59).await;
        // Where refused requests count, the one before is still within the window.
        for _ in 0..10 {
            client.create("k", PLATE).await;
        }
        pass(1).await;
        assert_eq!(client.create("k", PLATE).await.status, admitted);
    }
}

#[tokio::test(start_paused = true)]
async fn read_requests_are_those_about_jobs_or_every_get() {
    for (reads, status) in [(ReadClass::CadReads, 200), (ReadClass::AllGets, 429)] {
        let client = Client::new(Config {
            limits: Limits {
                reads: Some(Quota {
                    count: 2,
                    window_ms: 60_000,
                }),
                ..Limits::default()
            },
            switches: Switches {
                limiting: Limiting {
                    reads,
                    ..Limiting::default()
                },
                ..Switches::default()
            },
            ..Config::default()
        });
        for _ in 0..2 {
            assert_eq!(client.get("/api/v1/billing/balance").await.status, 200);
        }
        assert_eq!(client.get("/api/v1/cad/jobs").await.status, status);
        let artifacts = client.get("/api/v1/artifacts/x/download").await.status;
        assert_eq!(artifacts == 429, reads == ReadClass::AllGets);
    }
}
