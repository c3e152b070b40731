//! Values with units, as texts: rates, durations, amounts of money.

use std::num::NonZeroU32;
use std::time::Duration;

use super::shape::{Amount, Rate};

/// The longest duration or window: a year.
const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);
/// The largest amount: ten million whole units.
const MAX_CENTS: i64 = 1_000_000_000;

const UNITS_MS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000)];

/// Reads `INT/[DECIMAL](ms|s|min|h)`: `10/min`, `3/10s`, `3/0.5s`. Windows are whole milliseconds.
#[must_use]
pub fn rate(text: &str) -> Option<Rate> {
    let (count, window) = text.split_once('/')?;
    let digits = window.len()
        - window
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
            .len();
    let (number, unit) = window.split_at(digits);
    let &(_, unit_ms) = UNITS_MS.iter().find(|(name, _)| *name == unit)?;
    let thousandths = if number.is_empty() {
        1_000
    } else {
        decimal(number, 3)?
    };
    let scaled = thousandths.checked_mul(unit_ms)?;
    let window = Duration::from_millis((scaled % 1_000 == 0).then_some(scaled / 1_000)?);
    let in_bounds = !window.is_zero() && window <= MAX_DURATION;
    let count = whole(count).and_then(NonZeroU32::new)?;
    in_bounds.then_some(Rate { count, window })
}

/// Reads `90s`, `2m`, `6h`, `1h30m`, `500ms`, `2d`: whole numbers with units, the largest unit first. Never zero.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let mut units = UNITS.iter();
    let mut rest = text;
    let mut total_ms: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.len()
            - tail
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        let (unit, tail) = tail.split_at(letters);
        let &(_, unit_ms) = units.find(|(name, _)| *name == unit)?;
        let number = u64::from(whole(number)?);
        total_ms = total_ms.checked_add(number.checked_mul(unit_ms)?)?;
        rest = tail;
    }
    let total = Duration::from_millis(total_ms);
    (!total.is_zero() && total <= MAX_DURATION).then_some(total)
}

/// Reads `2s..2m`: two durations, the first no longer than the second.
#[must_use]
pub fn backoff(text: &str) -> Option<(Duration, Duration)> {
    let (min, max) = text.split_once("..")?;
    let (min, max) = (duration(min)?, duration(max)?);
    (min <= max).then_some((min, max))
}

/// Reads `60.00 usd`: at most two decimals and a currency code of three letters.
#[must_use]
pub fn amount(text: &str) -> Option<Amount> {
    let (number, currency) = text.split_once(' ')?;
    let currency = currency.trim_start();
    let is_code = currency.len() == 3 && currency.chars().all(|c| c.is_ascii_alphabetic());
    let cents = i64::try_from(decimal(number, 2)?).ok()?;
    (is_code && cents <= MAX_CENTS).then(|| Amount {
        cents,
        currency: currency.to_ascii_uppercase(),
    })
}

fn whole(text: &str) -> Option<u32> {
    let all_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| text.parse().ok())?
}

/// `text` times ten to the power of `places`, when it has no more decimals than that.
fn decimal(text: &str, places: usize) -> Option<u64> {
    let (int, fraction) = match text.split_once('.') {
        Some((_, fraction)) if fraction.is_empty() || fraction.len() > places => return None,
        Some(both) => both,
        None => (text, ""),
    };
    let digits =
        !int.is_empty() && (int.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit());
    digits.then(|| format!("{int}{fraction:0<places$}").parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_the_count_first() {
        let read = |text| rate(text).map(|r| (r.count.get(), r.window.as_millis()));
        assert_eq!(read("10/min"), Some((10, 60_000)));
        assert_eq!(read("3/10s"), Some((3, 10_000)));
        assert_eq!(read("3/0.5s"), Some((3, 500)));
        assert_eq!(read("1/250ms"), Some((1, 250)));
        assert_eq!(read("600/1.5h"), Some((600, 5_400_000)));
        for bad in [
            "",
            "10",
            "10/",
            "/min",
            "0/min",
            "10/0s",
            "10/m",
            "10/minute",
            "-1/s",
            "1.5/s",
            "10 / min",
            "1/0.0001s",
            "1/.5s",
            "1/5.s",
            "1/1.2.3s",
            "+1/s",
            "1/99999999999999h",
            "4294967296/s",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn durations_go_from_large_units_to_small_ones() {
        let read = |text| duration(text).map(|d| d.as_millis());
        assert_eq!(read("90s"), Some(90_000));
        assert_eq!(read("1h30m"), Some(5_400_000));
        assert_eq!(read("500ms"), Some(500));
        for bad in [
            "",
            "90",
            "s",
            "0s",
            "30m1h",
            "1h1h",
            "1.5h",
            "-1s",
            "1 h",
            "4000000000h",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        assert_eq!(
            backoff("2s..2m"),
            Some((Duration::from_secs(2), Duration::from_secs(120)))
        );
        assert_eq!(backoff("2m..2s"), None);
        assert_eq!(backoff("2s"), None);
    }

    #[test]
    fn amounts_are_whole_cents_of_a_named_currency() {
        let read = |text| amount(text).map(|a| (a.cents, a.currency));
        assert_eq!(read("60.00 usd"), Some((6_000, "USD".to_owned())));
        assert_eq!(read("60.5 EUR"), Some((6_050, "EUR".to_owned())));
        assert_eq!(read("0 usd"), Some((0, "USD".to_owned())));
        for bad in [
            "60",
            "60.00",
            "60.001 usd",
            "-1 usd",
            "60. usd",
            ".5 usd",
            "6e1 usd",
            "60 dollars",
            "60,00 usd",
            "60usd",
            "10000000.01 usd",
            "99999999999999999999 usd",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
