//! The world of a night: what the service is like, what goes wrong, and how the processes of the night die.

use millrun::simulator::{
    AcceptedStatus, AfterFailure, Algorithm, Billing, BillingCodes, Cents, ChargedCents, Charges,
    Checked, CodeNames, Compared, Config, Counted, DuringFollowUp, FailedRuns, Failures, Fault,
    FaultRule, FollowUpHold, HistoryContent, Idempotency, ImageTypeOf, InFlight, Insufficient,
    KeyLife, KeyScope, Limiting, ListOrder, OlderArtifacts, PollAfter, ProposalForm, ReadClass,
    Remembered, RetryAfterForm, RetryAfterOn, ReviewCodes, ReviewedStatus, ShownBalance,
    SignedUrls, Switches, UnknownCost, Uploads, ViewerActions, Visibility,
};

use millrun::run::control::Order;

use super::doc::{self, Edit};
use super::draw::Draw;
use super::family::{self, Manifest};
use super::faults;
use super::fuse::Burnt;
use super::hand::{self, Wish};

/// Which services a night may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Service {
    /// Those that remember a key for half an hour at least.
    #[default]
    Any,
    /// Those that look at no key at all.
    Forgetful,
}

/// Everything that is drawn from a seed.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) manifest: Manifest,
    pub(super) config: Config,
    pub(super) rules: Vec<FaultRule>,
    /// How many requests in a hundred the wire itself loses on their way there, and on their way back.
    pub(super) lossy: (u32, u32),
    /// Processes before the night heals; after them others go on until all is done.
    pub(super) processes: Vec<Process>,
    /// What is edited before each of them but the first, and before the morning.
    pub(super) edits: Vec<Option<Edit>>,
    /// Whether state and files are on a real disk.
    pub(super) is_on_disk: bool,
    pub(super) fail_fast: bool,
    /// What is paid in when the night heals.
    pub(super) top_up: Option<u32>,
}

/// How a process of the night ends, and how long nobody does anything then.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) end: End,
    /// No connection comes about for so long after its start, from the first moment on.
    pub(super) outage_s: Option<(u32, u32)>,
    /// Whether the power fails when it has ended.
    pub(super) power_fails: bool,
    /// What somebody beside it asks for.
    pub(super) wishes: Vec<Wish>,
    pub(super) pause_s: u32,
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// When its work is done.
    ByItself,
    /// At so many writes to the disk.
    AtWrite(u32, Burnt),
    /// Killed after so many milliseconds.
    KilledAfter(u32),
    /// Asked to stop after so many milliseconds, and to stop at once so many after that.
    StoppedAfter(u32, Option<u32>),
}

impl World {
    pub(super) fn draw(seed: u64, service: Service) -> Self {
        let mut manifest = family::draw(&mut Draw::new(seed, 1));
        let draw = &mut Draw::new(seed, 2);
        let mut config = config(draw, &manifest, seed);
        if service == Service::Forgetful {
            config.switches.idempotency.life = KeyLife::None;
        }
        let life = config.switches.idempotency.life;
        let rules = faults::rules(&mut Draw::new(seed, 3), life);
        let draw = &mut Draw::new(seed, 4);
        let lossy = if draw.happens(30) {
            (draw.within(0, 8), draw.within(0, 12))
        } else {
            (0, 0)
        };
        let count = draw.one(&[0, 1, 1, 2, 2, 3, 4, 5]);
        let mut processes: Vec<_> = (0..count).map(|_| process(draw)).collect();
        let draw_power = &mut Draw::new(seed, 6);
        for process in &mut processes {
            process.power_fails = draw_power.happens(50);
        }
        let draw_people = &mut Draw::new(seed, 8);
        let is_edited = draw_people.happens(40);
        let pauses = if is_edited { processes.len() } else { 0 };
        let edits = doc::edits(draw_people, &mut manifest, pauses);
        if draw_people.happens(40) {
            for process in &mut processes {
                process.wishes = hand::wishes(draw_people);
            }
        }
        Self {
            seed,
            manifest,
            config,
            rules,
            lossy,
            processes,
            edits,
            is_on_disk: seed % 25 == 7,
            fail_fast: draw.happens(10),
            top_up: draw.happens(50).then(|| draw.within(200, 5_000)),
        }
    }

    /// Whether requests of ours may arrive when we count on it no more: then the limits of the service are not ours to
    /// keep.
    pub(super) fn has_strays(&self) -> bool {
        let strays =
            |rule: &FaultRule| matches!(rule.fault, Fault::Late { .. } | Fault::Duplicated { .. });
        self.rules.iter().any(strays)
    }

    /// Whether a review that was refused may have been carried out: the wire doubled it, and the assistant failed the first
    /// of the two alone. It costs nothing, but it is asked for again once its key is forgotten.
    pub(super) fn hides_reviews(&self) -> bool {
        let doubles = |rule: &FaultRule| matches!(rule.fault, Fault::Duplicated { .. });
        self.manifest.says("[sim:review-fails") && self.rules.iter().any(doubles)
    }

    /// Whether a failure of the review assistant is told again for ever, as if it had been saved.
    pub(super) fn saves_failures(&self) -> bool {
        self.config.switches.idempotency.remembered == Remembered::Refusals
            && self.manifest.says("[sim:review-unavailable")
    }

    /// Whether the client is told each charge with the end of its run, job by job.
    pub(super) fn tells_charges(&self) -> bool {
        let billing = &self.config.switches.billing;
        billing.charged == ChargedCents::Sum
            && billing.late_seconds == 0
            && !self.manifest.charges_late
    }

    /// Whether the client is shown all that is needed to keep its caps to the cent.
    pub(super) fn tells_money(&self) -> bool {
        let billing = &self.config.switches.billing;
        billing.charged == ChargedCents::Sum
            && billing.balance == ShownBalance::Net
            && billing.follow_ups == FollowUpHold::Taken
            && !self.manifest.is_unchecked
    }

    /// Whether the workspace's money may run out.
    pub(super) fn is_short(&self) -> bool {
        self.config.balance_cents.0 < 20_000
    }

    /// Whether the service may fail a part whatever the client does.
    pub(super) fn may_fail(&self) -> bool {
        let shown = &self.config.switches.visibility;
        self.manifest.may_fail
            || self.config.failure_percent > 0
            || self.is_disturbed()
            || shown.older_artifacts == OlderArtifacts::Gone
            || shown.after_failure == AfterFailure::Refused
    }

    /// Whether the manifest may be edited.
    pub(super) fn is_edited(&self) -> bool {
        self.edits.iter().any(Option::is_some)
    }

    /// Whether somebody may cancel a run.
    pub(super) fn may_be_cancelled(&self) -> bool {
        let wishes = self.processes.iter().flat_map(|process| &process.wishes);
        let is_cancel = |wish: &Wish| matches!(wish.order, Order::Cancel { .. });
        wishes.into_iter().any(is_cancel)
    }

    /// Whether anything goes wrong on the way to the service, or with a process.
    pub(super) fn is_disturbed(&self) -> bool {
        !self.rules.is_empty() || self.lossy != (0, 0) || !self.processes.is_empty()
    }

    /// The story's beginning.
    pub(super) fn describe(&self) -> String {
        let mut text = format!("seed {}\n{}", self.seed, self.manifest.doc.text());
        text.push_str(&format!(
            "service: seed {}, {} cents, failures {} %, {:?}\n",
            self.config.seed,
            self.config.balance_cents.0,
            self.config.failure_percent,
            self.config.switches
        ));
        for rule in &self.rules {
            text.push_str(&format!("fault: {rule:?}\n"));
        }
        text.push_str(&format!(
            "lost on the wire: {} % there, {} % back; on disk: {}, fail fast: {}, paid in at the end: {:?}\n",
            self.lossy.0, self.lossy.1, self.is_on_disk, self.fail_fast, self.top_up
        ));
        for process in &self.processes {
            text.push_str(&format!("process: {process:?}\n"));
        }
        for edit in self.edits.iter().flatten() {
            text.push_str(&format!("edit: {edit:?}\n"));
        }
        text
    }
}

fn process(draw: &mut Draw) -> Process {
    let burnt = draw.one(&[
        Burnt::DiesBefore,
        Burnt::DiesAfter,
        Burnt::DiesBefore,
        Burnt::DiesAfter,
        Burnt::Fails,
    ]);
    let end = match draw.within(0, 9) {
        0 => End::ByItself,
        1..=5 => End::AtWrite(draw.of_any_size(1, 150), burnt),
        6 | 7 => End::KilledAfter(draw.of_any_size(20, 900_000)),
        _ => {
            let at_once = draw.happens(40).then(|| draw.within(0, 2_000));
            End::StoppedAfter(draw.of_any_size(20, 600_000), at_once)
        }
    };
    let outage_s = draw.happens(12).then(|| {
        let after = draw.of_any_size(1, 300);
        (after, draw.of_any_size(5, 5_000))
    });
    let pause_s = match draw.within(0, 9) {
        0..=4 => draw.within(1, 5),
        5 | 6 => draw.within(30, 600),
        7 | 8 => draw.within(600, 2_400),
        _ => draw.within(3_600, 110_000),
    };
    Process {
        end,
        outage_s,
        power_fails: false,
        wishes: Vec::new(),
        pause_s,
    }
}

fn config(draw: &mut Draw, manifest: &Manifest, seed: u64) -> Config {
    let balance = match draw.within(0, 9) {
        0..=6 => 50_000,
        _ => draw.within(100, 1_500),
    };
    let (shortest, longest) = draw.one(&[(60, 240), (60, 240), (1, 20), (200, 1_200)]);
    Config {
        seed,
        balance_cents: Cents(i64::from(balance)),
        failure_percent: draw.seldom(10, &[0, 15]),
        link_seconds: draw.seldom(10, &[900, 30]),
        job_seconds: shortest..=longest,
        switches: Switches {
            limiting: limiting(draw, manifest.is_windowed),
            idempotency: idempotency(draw),
            billing: billing(draw),
            visibility: visibility(draw),
            uploads: Uploads {
                image_type: draw.one(&[ImageTypeOf::Declared, ImageTypeOf::Sniffed]),
                ..Uploads::default()
            },
        },
        ..Config::default()
    }
}

fn limiting(draw: &mut Draw, is_windowed: bool) -> Limiting {
    // At the full rate only the limiters that it is meant for.
    let algorithm = if is_windowed {
        draw.one(&[
            Algorithm::SlidingLog,
            Algorithm::FixedWindow,
            Algorithm::FirstHitWindow,
            Algorithm::TokenBucket,
        ])
    } else {
        draw.one(&Algorithm::ALL)
    };
    Limiting {
        algorithm,
        counted: draw.one(&[Counted::Admitted, Counted::All]),
        reads: draw.one(&[ReadClass::CadReads, ReadClass::AllGets]),
        retry_after: draw.one(&[
            RetryAfterForm::Seconds,
            RetryAfterForm::Decimals,
            RetryAfterForm::Date,
            RetryAfterForm::Absent,
        ]),
        retry_after_on: draw.one(&[
            RetryAfterOn::TooManyRequests,
            RetryAfterOn::RateLimited,
            RetryAfterOn::Unavailable,
        ]),
    }
}

fn idempotency(draw: &mut Draw) -> Idempotency {
    Idempotency {
        scope: draw.seldom(25, &[KeyScope::Workspace, KeyScope::Endpoint]),
        life: draw.seldom(35, &[KeyLife::ForEver, KeyLife::Day, KeyLife::HalfHour]),
        compared: draw.one(&[Compared::Meaning, Compared::Bytes]),
        remembered: draw.seldom(30, &[Remembered::Successes, Remembered::Refusals]),
        in_flight: draw.one(&[InFlight::Replayed, InFlight::Refused]),
        billing: draw.one(&[Checked::AfterKey, Checked::BeforeKey]),
        active_run: draw.one(&[Checked::AfterKey, Checked::BeforeKey]),
    }
}

fn billing(draw: &mut Draw) -> Billing {
    Billing {
        balance: draw.seldom(10, &[ShownBalance::Net, ShownBalance::Gross]),
        insufficient: draw.one(&[Insufficient::LessThanHold, Insufficient::OnlyEmpty]),
        follow_ups: draw.seldom(20, &[FollowUpHold::Taken, FollowUpHold::Free]),
        charged: draw.seldom(15, &[ChargedCents::Sum, ChargedCents::LastRun]),
        unknown: draw.one(&[UnknownCost::NullCents, UnknownCost::NullCost]),
        failed_runs: draw.seldom(15, &[FailedRuns::Free, FailedRuns::Charged]),
        late_seconds: draw.seldom(15, &[0, 120, 1_800]),
        charges: draw.seldom(10, &[Charges::WithinHold, Charges::BeyondHold]),
    }
}

fn visibility(draw: &mut Draw) -> Visibility {
    Visibility {
        during_follow_up: draw.one(&[DuringFollowUp::Visible, DuringFollowUp::Hidden]),
        after_failure: draw.one(&[AfterFailure::Accepted, AfterFailure::Refused]),
        older_artifacts: draw.seldom(15, &[OlderArtifacts::Downloadable, OlderArtifacts::Gone]),
        order: draw.one(&[ListOrder::NewestFirst, ListOrder::Any]),
        history: draw.one(&[
            HistoryContent::AsSent,
            HistoryContent::Trimmed,
            HistoryContent::Normalized,
            HistoryContent::Shortened,
        ]),
        proposals: draw.one(&[
            ProposalForm::Object,
            ProposalForm::Null,
            ProposalForm::Text,
            ProposalForm::OtherKeys,
        ]),
        poll_after: draw.one(&[PollAfter::Told, PollAfter::Null, PollAfter::Decimals]),
        accepted: draw.one(&[
            AcceptedStatus::Accepted,
            AcceptedStatus::Ok,
            AcceptedStatus::Created,
        ]),
        reviewed: draw.one(&[ReviewedStatus::Ok, ReviewedStatus::Created]),
        review_codes: draw.one(&[ReviewCodes::Usual, ReviewCodes::Unusual]),
        billing_codes: draw.one(&[BillingCodes::Usual, BillingCodes::Unusual]),
        signed_urls: draw.seldom(10, &[SignedUrls::UntilTheyExpire, SignedUrls::Once]),
        viewer_actions: draw.one(&[
            ViewerActions::None,
            ViewerActions::Objects,
            ViewerActions::Anything,
        ]),
        failures: draw.one(&[Failures::History, Failures::ErrorField]),
        code_names: draw.one(&[CodeNames::Ours, CodeNames::Others]),
    }
}
