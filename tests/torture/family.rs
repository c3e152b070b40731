//! The manifest of a night, drawn.

use std::fmt::Write as _;

use super::doc::{Doc, Part, Step};
use super::draw::Draw;

/// What is drawn, and what may be expected of it.
#[derive(Debug, Clone)]
pub(super) struct Manifest {
    /// What it says, before anybody edits it.
    pub(super) doc: Doc,
    /// All texts that edits may bring into it.
    pub(super) later: String,
    /// Some write or review may fail by its prompt, or be charged beyond its hold.
    pub(super) may_fail: bool,
    /// Some charge is known later than its run's end.
    pub(super) charges_late: bool,
    /// Its caps may stop it.
    pub(super) is_capped: bool,
    /// `max_spend`, in cents.
    pub(super) max_spend: Option<i64>,
    /// `keep_balance`, in cents.
    pub(super) keep_balance: Option<i64>,
    /// `max_per_part`, in cents.
    pub(super) max_per_part: Option<i64>,
    /// Whether it goes at the full rate of a limiter that is known.
    pub(super) is_windowed: bool,
    /// It reads no balance, and what is short is heard from refusals.
    pub(super) is_unchecked: bool,
}

impl Manifest {
    /// Whether any prompt of it, or of what is drawn to be edited into it, has `order` for the simulator.
    pub(super) fn says(&self, order: &str) -> bool {
        self.doc.text().contains(order) || self.later.contains(order)
    }
}

/// The image that parts refer to.
pub(super) const IMAGE: &str = "sketch.png";

/// One red dot.
pub(super) const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0,
];

pub(super) fn draw(draw: &mut Draw) -> Manifest {
    let mut manifest = Manifest {
        doc: Doc::default(),
        later: String::new(),
        may_fail: false,
        charges_late: false,
        is_capped: false,
        max_spend: None,
        keep_balance: None,
        max_per_part: None,
        is_windowed: false,
        is_unchecked: false,
    };
    settings(draw, &mut manifest);
    let parts = draw.within(1, 4);
    for n in 0..parts {
        let part = part(draw, &mut manifest, n);
        manifest.doc.parts.push(part);
    }
    manifest
}

fn settings(draw: &mut Draw, manifest: &mut Manifest) {
    manifest.is_windowed = draw.happens(15);
    let profile = if manifest.is_windowed {
        "window"
    } else {
        "steady"
    };
    let active = draw.one(&[1, 2, 3, 40]);
    let limits = format!("limits: {{ profile: {profile}, active_jobs: {active} }}");
    let attempts = draw.one(&[1, 2, 3, 3]);
    let retry = format!("retry: {{ attempts: {attempts}, backoff: 2s..2m }}");
    manifest.doc.settings.extend([limits, retry]);
    if draw.happens(15) {
        let timeout = format!("job_timeout: {}m", draw.within(5, 90));
        manifest.doc.settings.push(timeout);
        manifest.may_fail = true;
    }
    if draw.happens(10) {
        manifest.is_unchecked = true;
        let unchecked = "budget: { balance: unchecked }".to_owned();
        manifest.doc.settings.push(unchecked);
        return;
    }
    let mut caps = Vec::new();
    let mut cap = |draw: &mut Draw, percent, low, high, name: &str| {
        let cents = draw
            .happens(percent)
            .then(|| i64::from(draw.within(low, high)) * 50);
        if let Some(cents) = cents {
            caps.push(format!("{name}: {}.{:02} usd", cents / 100, cents % 100));
        }
        cents
    };
    manifest.max_spend = cap(draw, 40, 2, 40, "max_spend");
    manifest.keep_balance = cap(draw, 40, 1, 20, "keep_balance");
    manifest.max_per_part = cap(draw, 15, 3, 16, "max_per_part");
    manifest.is_capped = manifest.max_spend.is_some() || manifest.max_per_part.is_some();
    if !caps.is_empty() {
        let budget = format!("budget: {{ {} }}", caps.join(", "));
        manifest.doc.settings.push(budget);
    }
}

/// Part number `n`, which may need one of those before it.
pub(super) fn part(draw: &mut Draw, manifest: &mut Manifest, n: u32) -> Part {
    let needs = (n > 0 && draw.happens(20)).then(|| draw.within(0, n - 1));
    // Twins have the same content, orders to the simulator included.
    let is_twin = draw.happens(25);
    let (size, orders) = if is_twin {
        (60, String::new())
    } else {
        (100 + n, write_orders(draw, manifest))
    };
    let has_image = !is_twin && draw.happens(20);
    let prompt = format!("A plate {size} x 40 x 6 mm.{orders}");
    let mut steps = vec![Step::Create { prompt, has_image }];
    for round in 0..draw.within(0, 2) {
        if draw.happens(50) {
            steps.push(review(draw, manifest, round));
        }
        if draw.happens(30) {
            steps.push(Step::Check(round));
        }
        let orders = write_orders(draw, manifest);
        let prompt = format!("Make it {} mm thick.{orders}", 7 + round);
        steps.push(Step::Iterate { round, prompt });
    }
    if draw.happens(30) {
        steps.push(review(draw, manifest, 9));
    }
    if draw.happens(85) {
        steps.push(Step::Download);
    }
    Part {
        number: n,
        id: format!("p{n}"),
        needs,
        steps,
    }
}

fn review(draw: &mut Draw, manifest: &mut Manifest, round: u32) -> Step {
    let orders = match draw.within(0, 11) {
        0 => " [sim:propose]",
        1 => " [sim:review-fails=1]",
        2 => " [sim:review-unavailable=2]",
        _ => "",
    };
    manifest.may_fail |= orders.contains("fails");
    let prompt = format!("Any risks in round {round}?{orders}");
    Step::Review { round, prompt }
}

/// What the simulator is told to do with a write.
fn write_orders(draw: &mut Draw, manifest: &mut Manifest) -> String {
    let mut orders = String::new();
    if draw.happens(25) {
        let _ = write!(orders, " [sim:duration={}]", draw.of_any_size(1, 9_000));
    }
    if draw.happens(12) {
        let times = draw.one(&["=1", "=1", "=2", ""]);
        manifest.may_fail = true;
        let _ = write!(orders, " [sim:fail{times}]");
    }
    if draw.happens(20) {
        // Seldom more than its hold of 200.
        let cents = if draw.happens(20) {
            450
        } else {
            draw.within(20, 200)
        };
        manifest.may_fail |= cents > 200;
        let _ = write!(orders, " [sim:cost={cents}]");
    }
    if draw.happens(12) {
        let _ = write!(orders, " [sim:files={}]", draw.within(2, 3));
    }
    if draw.happens(3) {
        manifest.may_fail = true;
        orders.push_str(" [sim:truncated]");
    }
    if draw.happens(8) {
        manifest.charges_late = true;
        let _ = write!(orders, " [sim:charge-late={}]", draw.of_any_size(5, 4_000));
    }
    orders
}
