//! The `Retry-After` header: seconds, or a date told by the server's own clock.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// The longest wait that is believed.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads `Retry-After`: whole or decimal seconds, or an HTTP date minus the answer's own `Date`, so
/// that the local clock never counts. A malformed header is as good as none.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match seconds(text) {
        Some(wait) => wait,
        None => {
            let until = httpdate::parse_http_date(text).ok()?;
            let now = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
            until.duration_since(now).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// Reads a plain decimal; signs, exponents, `inf` and `nan` are no number of seconds.
fn seconds(text: &str) -> Option<Duration> {
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds.min(MAX_RETRY_AFTER.as_secs_f64())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "Tue, 24 Nov 2026 12:00:00 GMT";

    fn read(value: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        retry_after(&headers)
    }

    #[test]
    fn seconds_and_dates_are_read_clamped_and_never_compared_with_the_local_clock() {
        let secs = |s| Some(Duration::from_secs_f64(s));
        let digits = "9".repeat(400);
        for (value, date, wait) in [
            ("0", None, secs(0.0)),
            ("30", None, secs(30.0)),
            (" 2.5 ", None, secs(2.5)),
            ("1000000000000", None, Some(MAX_RETRY_AFTER)),
            (digits.as_str(), None, Some(MAX_RETRY_AFTER)),
            ("Tue, 24 Nov 2026 12:01:30 GMT", Some(NOON), secs(90.0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(NOON), secs(0.0)),
            (
                "Fri, 31 Dec 9999 23:59:59 GMT",
                Some(NOON),
                Some(MAX_RETRY_AFTER),
            ),
            ("Tue, 24 Nov 2026 12:01:30 GMT", None, None),
            ("Tue, 24 Nov 2026 12:01:30 GMT", Some("noon"), None),
            ("-1", None, None),
            ("1e3", None, None),
            ("NaN", None, None),
            ("inf", None, None),
            ("1.2.3", None, None),
            (".", None, None),
            ("", None, None),
            ("soon", Some(NOON), None),
        ] {
            assert_eq!(read(value, date), wait, "{value:?} with date {date:?}");
        }
    }

    #[test]
    fn no_header_is_no_wait() {
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
