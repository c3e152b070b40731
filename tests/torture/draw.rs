//! Chance: everything that is drawn for a night comes from its seed.

/// A small generator with the few questions that worlds ask.
pub(super) struct Draw(fastrand::Rng);

impl Draw {
    /// What `purpose` draws does not move when another purpose draws more.
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        Self(fastrand::Rng::with_seed(
            seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03),
        ))
    }

    /// True in `percent` of all cases.
    pub(super) fn happens(&mut self, percent: u32) -> bool {
        self.0.u32(0..100) < percent
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn within(&mut self, low: u32, high: u32) -> u32 {
        self.0.u32(low..=high)
    }

    /// A number from `low` to `high` of which small ones are as likely as large ones, digit by digit.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between the two"
    )]
    pub(super) fn of_any_size(&mut self, low: u32, high: u32) -> u32 {
        let (from, to) = (f64::from(low.max(1)).ln(), f64::from(high).ln());
        (from + self.0.f64() * (to - from)).exp().round() as u32
    }

    /// One of `choices`.
    pub(super) fn one<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.usize(0..choices.len())]
    }

    /// The first of `choices` mostly, each other one in `percent` of all cases together.
    pub(super) fn seldom<T: Copy>(&mut self, percent: u32, choices: &[T]) -> T {
        if self.happens(percent) {
            self.one(&choices[1..])
        } else {
            choices[0]
        }
    }
}
