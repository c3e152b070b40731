//! The client's limiter against every algorithm that the service may limit by, in virtual time.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use millrun::plan::remote::Timestamp;
use millrun::plan::settings::{Limits, Profile};
use millrun::schedule::limits::Limiter;
use millrun::schedule::slot::{Admittance, Class};
use millrun::simulator::{
    Algorithm, Cents, Clock, Config, Limiting, SIM_API_KEY, Simulator, Switches,
};
use tower::ServiceExt as _;

const START_MS: i64 = 1_779_285_600_000;
const CREATES: u64 = 200;
const ROUND_TRIP_MS: u64 = 400;

/// Sends creates as the limiter admits them; how many of them the service refused.
async fn refused(profile: Profile, algorithm: Algorithm, phase_ms: i64) -> usize {
    let config = Config {
        balance_cents: Cents(1_000_000),
        switches: Switches {
            limiting: Limiting {
                algorithm,
                ..Limiting::default()
            },
            ..Switches::default()
        },
        ..Config::default()
    };
    let clock = Clock::new(START_MS + phase_ms, 1.0);
    let simulator = Simulator::open(config, clock, None).unwrap();
    let limits = Limits {
        profile,
        ..Limits::default()
    };
    let mut limiter = Limiter::new(limits, [], []);
    let mut refused = 0;
    for index in 0..CREATES {
        let slot = loop {
            match limiter.admit(&[Class::CadWrites], Timestamp(clock.now_ms())) {
                Admittance::Granted(slots) => break slots[0],
                Admittance::NotBefore { at, .. } => {
                    let wait = u64::try_from(at.0 - clock.now_ms()).unwrap();
                    tokio::time::advance(Duration::from_millis(wait)).await;
                }
                Admittance::WhenAnswered { .. } => panic!("no request is out"),
            }
        };
        // The service counts a request somewhere between its send and its reply.
        let travel = ROUND_TRIP_MS * (index * 7 % 11) / 10;
        tokio::time::advance(Duration::from_millis(travel)).await;
        refused += usize::from(create(&simulator, index).await == 429);
        tokio::time::advance(Duration::from_millis(ROUND_TRIP_MS - travel)).await;
        limiter.answered(&Class::CadWrites, slot, Timestamp(clock.now_ms()));
    }
    assert_eq!(
        simulator.books().totals.jobs + refused,
        usize::try_from(CREATES).unwrap()
    );
    refused
}

async fn create(simulator: &Simulator, index: u64) -> u16 {
    let request = Request::post("/api/v1/cad/jobs")
        .header("authorization", format!("Bearer {SIM_API_KEY}"))
        .header("idempotency-key", format!("k{index}"))
        .header("content-type", "application/json")
        .body(Body::from(r#"{"prompt": "A plate [sim:duration=1]"}"#))
        .unwrap();
    let response = simulator.router().oneshot(request).await.unwrap();
    response.status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn the_steady_limiter_is_never_refused_whatever_the_algorithm() {
    for algorithm in Algorithm::ALL {
        for phase_ms in [0, 17_000, 31_337, 59_600] {
            assert_eq!(
                refused(Profile::Steady, algorithm, phase_ms).await,
                0,
                "{algorithm:?} from {phase_ms} ms"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_window_limiter_is_refused_by_the_algorithms_that_mind_bursts() {
    for algorithm in Algorithm::ALL {
        let minds = matches!(
            algorithm,
            Algorithm::WeightedCounter
                | Algorithm::WeightedCounterFloor
                | Algorithm::SmallBucket { .. }
                | Algorithm::Gcra
        );
        let refused = refused(Profile::Window, algorithm, 31_337).await;
        assert_eq!(refused > 0, minds, "{algorithm:?} refused {refused}");
    }
}
