//! Times and spans: RFC 3339 in UTC for machines, the zone of the run's start for people.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::plan::remote::Timestamp;

/// `at` in UTC, to the millisecond.
#[must_use]
pub fn utc(at: Timestamp) -> String {
    instant(at).to_string()
}

/// The time zone of a report for people.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone with the IANA name `name`; UTC where this machine doesn't know it.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(TimeZone::get(name).unwrap_or(TimeZone::UTC))
    }

    /// `Tue 24 Nov 2026, 01:02`
    #[must_use]
    pub fn day_and_time(&self, at: Timestamp) -> String {
        self.show(at, "%a %-d %b %Y, %H:%M")
    }

    /// `01:02:03`
    #[must_use]
    pub fn time(&self, at: Timestamp) -> String {
        self.show(at, "%H:%M:%S")
    }

    /// `2026-11-24 01:02:03`
    #[must_use]
    pub fn date_and_time(&self, at: Timestamp) -> String {
        self.show(at, "%Y-%m-%d %H:%M:%S")
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    fn show(&self, at: Timestamp, format: &str) -> String {
        instant(at)
            .to_zoned_datetime(self.0.clone())
            .strftime(format)
            .to_string()
    }
}

/// A span of time in its two largest units: `2 h 39 min`.
#[must_use]
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) if seconds == 0 && !span.is_zero() => "less than 1 s".to_owned(),
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => two((minutes, "min"), (seconds % 60, "s")),
        (0, _, _) => two((hours, "h"), (minutes, "min")),
        (_, _, _) => two((days, "d"), (hours, "h")),
    }
}

fn two(large: (u64, &str), small: (u64, &str)) -> String {
    match small.0 {
        0 => format!("{} {}", large.0, large.1),
        _ => format!("{} {} {} {}", large.0, large.1, small.0, small.1),
    }
}

/// A moment outside of what a calendar has is shown as its nearest end.
fn instant(at: Timestamp) -> jiff::Timestamp {
    let end = if at.0 < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    };
    jiff::Timestamp::from_millisecond(at.0).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        for (millis, text) in [
            (0, "0 s"),
            (999, "less than 1 s"),
            (59_000, "59 s"),
            (60_000, "1 min"),
            (61_000, "1 min 1 s"),
            (9_540_000, "2 h 39 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn moments_are_shown_to_machines_in_utc_and_to_people_in_their_zone() {
        let at = Timestamp(1_795_485_723_004);
        assert_eq!(utc(at), "2026-11-24T02:02:03.004Z");
        assert_eq!(utc(Timestamp(i64::MAX)), "9999-12-30T22:00:00.999999999Z");
        assert_eq!(
            Zone::named("nowhere").day_and_time(at),
            "Tue 24 Nov 2026, 02:02"
        );
        assert_eq!(Zone::named("UTC").time(at), "02:02:03");
    }
}
