//! The faults of a night, drawn: what happens to requests, which of them, and how often.

use millrun::simulator::{
    Copied, Endpoint, Fault, FaultRule, KeyLife, On, Reached, Shape, When, Words,
};

use super::draw::Draw;

/// The rules of a service that remembers keys for `life`.
pub(super) fn rules(draw: &mut Draw, life: KeyLife) -> Vec<FaultRule> {
    let count = draw.one(&[0, 1, 1, 2, 3, 4]);
    (0..count)
        .map(|_| {
            let (on, fault) = loop {
                let on = on(draw);
                let fault = fault(draw, life);
                if fits(on, &fault) {
                    break (on, fault);
                }
            };
            let when = match draw.within(0, 2) {
                0 => When::Nth(u64::from(draw.of_any_size(1, 12))),
                _ => When::Chance(f64::from(draw.within(3, 60)) / 100.0),
            };
            let times = Some(u64::from(draw.of_any_size(1, 15)));
            FaultRule {
                on,
                when,
                times,
                fault,
            }
        })
        .collect()
}

fn on(draw: &mut Draw) -> On {
    draw.one(&[
        On::Any,
        On::Any,
        On::Only(Endpoint::Create),
        On::Only(Endpoint::Create),
        On::Only(Endpoint::FollowUp),
        On::Only(Endpoint::Review),
        On::Only(Endpoint::Status),
        On::Only(Endpoint::Download),
        On::Only(Endpoint::Storage),
        On::Only(Endpoint::Balance),
    ])
}

/// Whether the simulator takes this fault at this endpoint.
fn fits(on: On, fault: &Fault) -> bool {
    let rule = serde_json::json!({"rules": [FaultRule::always(on, fault.clone())]});
    FaultRule::parse_all(&rule.to_string()).is_ok()
}

fn fault(draw: &mut Draw, life: KeyLife) -> Fault {
    let effect = draw.one(&[Reached::None, Reached::Applied]);
    match draw.within(0, 19) {
        0..=3 => Fault::Reset { effect },
        4..=6 => Fault::Answer {
            status: draw.one(&[500, 502, 503, 504, 520]),
            shape: draw.one(&[Shape::Documented, Shape::Html, Shape::Text, Shape::Empty]),
            code: None,
            message: None,
            retry_after: draw
                .happens(30)
                .then(|| draw.one(&["0", "7", "120", "soon"]).to_owned()),
            effect,
        },
        7 => Fault::Hang { effect },
        8 => Fault::RateLimited {
            retry_after: draw.one(&["1", "5", "61", "-1"]).to_owned(),
        },
        9 => Fault::Slow {
            seconds: f64::from(draw.of_any_size(1, 400)),
        },
        10 | 11 => Fault::Truncated {},
        12 => Fault::NotJson {},
        13 => Fault::Html {},
        14 => Fault::Empty {},
        15 => Fault::ExpiredUrl {},
        16 => Fault::Hostile { words: Words::All },
        17 => Fault::Duplicated {
            copy: Copied::SameKey,
        },
        // Later than the service remembers keys, nobody could tell it from a new request.
        _ => Fault::Late {
            seconds: f64::from(match life {
                KeyLife::None => 0,
                KeyLife::HalfHour => draw.of_any_size(1, 1_000),
                _ => draw.of_any_size(1, 3_600),
            }),
        },
    }
}
