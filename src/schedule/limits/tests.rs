use super::*;
use crate::plan::remote::JobId;
use crate::plan::settings::Profile;

/// Sends `n` requests as soon as they are admitted, each answered `rtt_ms` later; the send times in milliseconds.
fn sends(limits: Limits, class: &Class, n: usize, rtt_ms: i64) -> Vec<i64> {
    let start = Timestamp(1_700_000_000_000);
    let mut limiter = Limiter::new(limits, [], []);
    let (mut now, mut sent, mut out): (Timestamp, Vec<i64>, Vec<(Timestamp, SlotId)>) =
        (start, Vec::new(), Vec::new());
    while sent.len() < n {
        while let Some((at, slot)) = out.first().copied().filter(|(at, _)| *at <= now) {
            out.remove(0);
            limiter.answered(class, slot, at);
        }
        let reply = out.first().map(|(at, _)| *at);
        match limiter.admit(std::slice::from_ref(class), now) {
            Admittance::Granted(slots) => {
                sent.push(now.0 - start.0);
                out.push((Timestamp(now.0 + rtt_ms), slots[0]));
            }
            Admittance::NotBefore { at, .. } => now = reply.map_or(at, |reply| reply.min(at)),
            Admittance::WhenAnswered { .. } => now = reply.expect("a reply is on its way"),
        }
    }
    sent
}

#[test]
fn steady_writes_keep_the_universal_rule() {
    let sent = sends(Limits::default(), &Class::CadWrites, 30, 400);
    assert!(
        sent.windows(2).all(|pair| pair[1] - pair[0] >= 6_666),
        "{sent:?}"
    );
    assert!(
        sent.windows(10).all(|ten| ten[9] - ten[0] >= 60_400),
        "{sent:?}"
    );
    assert!(sent[29] < 30 * 6_800, "slower than needed: {sent:?}");
}

#[test]
fn slow_replies_keep_steady_writes_serial() {
    let sent = sends(Limits::default(), &Class::CadWrites, 5, 9_000);
    assert_eq!(sent, [0, 15_050, 30_100, 45_150, 60_200]);
}

#[test]
fn a_count_of_one_or_two_waits_a_whole_window_after_each_reply() {
    for count in [1, 2] {
        let limits = Limits {
            reviews: Rate::per(count, 10),
            ..Limits::default()
        };
        assert_eq!(
            sends(limits, &Class::Reviews, 3, 1_000),
            [0, 11_050, 22_100]
        );
    }
}

#[test]
fn reads_are_paced_at_nine_tenths_and_overlap_once_round_trips_are_known_to_be_alike() {
    let sent = sends(Limits::default(), &Class::Reads, 1_200, 3_000);
    // Each has arrived two seconds after it left.
    assert!(sent[..8].windows(2).all(|pair| pair[1] - pair[0] >= 2_111));
    let (first, last) = (sent[20], sent[619]);
    assert!(
        last - first > 60_000 && last - first < 68_000,
        "{first} to {last}"
    );
    assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= 111));
}

#[test]
fn reads_are_serial_while_round_trips_differ() {
    let mut limiter = Limiter::new(Limits::default(), [], []);
    let mut now = Timestamp(1_700_000_000_000);
    for n in 0..40 {
        let slot = match limiter.admit(&[Class::Reads], now) {
            Admittance::Granted(slots) => slots[0],
            other => panic!("{other:?}"),
        };
        let at_once = now.after(Duration::from_millis(150));
        assert!(matches!(
            limiter.admit(&[Class::Artifacts], at_once),
            Admittance::WhenAnswered {
                class: Class::Reads,
                or_at: Some(_)
            }
        ));
        now = now.after(Duration::from_millis(200 + 50 * (n % 3)));
        limiter.answered(&Class::Reads, slot, now);
        match limiter.admit(&[Class::Balance], now) {
            Admittance::NotBefore { at, .. } => assert!(at.since(now).as_millis() >= 111),
            other => panic!("{other:?}"),
        }
        now = now.after(Duration::from_secs(1));
    }
}

#[test]
fn a_share_of_the_reads_is_no_poll() {
    let limits = Limits {
        profile: Profile::Window,
        ..Limits::default()
    };
    let mut limiter = Limiter::new(limits, [], []);
    let now = Timestamp(1_700_000_000_000);
    let granted = |admittance: &Admittance| matches!(admittance, Admittance::Granted(_));
    let poll = |n: u32| Class::JobPolls(JobId(n.to_string()));
    let polls = (0..700).filter(|n| granted(&limiter.admit(&[poll(*n)], now)));
    assert_eq!(polls.count(), 510);
    let others = (0..700).filter(|_| granted(&limiter.admit(&[Class::Reads], now)));
    assert_eq!(others.count(), 90);
}

#[test]
fn the_window_profile_uses_the_whole_count_at_once() {
    let limits = Limits {
        profile: Profile::Window,
        ..Limits::default()
    };
    let sent = sends(limits, &Class::CadWrites, 21, 400);
    assert_eq!(
        (sent[9], sent[10], sent[19], sent[20]),
        (0, 60_450, 60_450, 120_900)
    );
}

#[test]
fn a_block_holds_and_slots_of_an_earlier_process_count() {
    let now = Timestamp(1_700_000_000_000);
    let old = Slot {
        id: SlotId(7),
        class: Class::CadWrites,
        sent_at: now,
        replied_at: Some(now),
    };
    let mut limiter = Limiter::new(
        Limits::default(),
        [old],
        [(
            Class::Reads,
            Strain {
                blocked_until: now.after(Duration::from_secs(30)),
                ..Strain::default()
            },
        )],
    );
    let at = |admittance| match admittance {
        Admittance::NotBefore { at, .. } => at.0 - now.0,
        other => panic!("{other:?}"),
    };
    assert_eq!(at(limiter.admit(&[Class::CadWrites], now)), 6_667);
    assert_eq!(at(limiter.admit(&[Class::Reads], now)), 30_000);
    assert_eq!(
        at(limiter.admit(&[Class::JobPolls(JobId("j".into())), Class::Reads], now)),
        30_000
    );
}

#[test]
fn after_a_429_the_class_is_slower_until_it_was_clean_for_long() {
    let mut limiter = Limiter::new(Limits::default(), [], []);
    let mut now = Timestamp(1_700_000_000_000);
    let class = [Class::CadWrites];
    let gap = |limiter: &mut Limiter, now: &mut Timestamp| {
        let mut sent = Vec::new();
        while sent.len() < 2 {
            match limiter.admit(&class, *now) {
                Admittance::Granted(slots) => {
                    sent.push(*now);
                    limiter.answered(&class[0], slots[0], *now);
                }
                Admittance::NotBefore { at, .. } => *now = at,
                other @ Admittance::WhenAnswered { .. } => panic!("{other:?}"),
            }
        }
        sent[1].since(sent[0]).as_millis()
    };
    assert_eq!(gap(&mut limiter, &mut now), 6_667);
    let sent_at = now;
    limiter.refused(&class[0], sent_at, Some(Duration::from_secs(5)), now);
    assert!(matches!(
        limiter.admit(&class, now.after(Duration::from_millis(4_999))),
        Admittance::NotBefore { .. }
    ));
    // Nine in a minute: the universal rule for nine.
    assert_eq!(gap(&mut limiter, &mut now), 7_500);
    assert_eq!(limiter.standing(&class[0], now).effective, 9);
    now = now.after(Duration::from_secs(700));
    assert_eq!(limiter.standing(&class[0], now).effective, 10);
    assert_eq!(gap(&mut limiter, &mut now), 6_667);
}
