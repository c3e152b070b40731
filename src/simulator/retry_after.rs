//! `Retry-After`: on which answers, and how it is written (sections "Rate limits" and "Common statuses").

use std::time::{Duration, UNIX_EPOCH};

use axum::http::header::{DATE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::config::Config;
use super::errors::ApiError;
use super::switches::{RetryAfterForm, RetryAfterOn};

/// What who is told anything is told after a 503, in milliseconds before division.
const UNAVAILABLE_MS: i64 = 30_000;

/// Tells a refused client how long to wait. Rounded up, so that who waits so long is not refused again.
pub(crate) fn tell(headers: &mut HeaderMap, config: &Config, error: &ApiError, now: i64) {
    let Some(wait_ms) = wait_ms(config, error).map(|wait_ms| wait_ms.max(1)) else {
        return;
    };
    let whole = |ms: i64| ms.saturating_add(999) / 1_000;
    let value = match config.switches.limiting.retry_after {
        RetryAfterForm::Seconds if config.is_undivided() => HeaderValue::from(whole(wait_ms)),
        RetryAfterForm::Seconds | RetryAfterForm::Decimals => {
            text(&format!("{}.{:03}", wait_ms / 1_000, wait_ms % 1_000))
        }
        RetryAfterForm::Date => {
            headers.insert(DATE, text(&http_date(now / 1_000)));
            text(&http_date(whole(now.saturating_add(wait_ms))))
        }
        RetryAfterForm::Absent => return,
    };
    headers.insert(RETRY_AFTER, value);
}

fn wait_ms(config: &Config, error: &ApiError) -> Option<i64> {
    let on = config.switches.limiting.retry_after_on;
    let unavailable = error.status(&config.switches.visibility) == StatusCode::SERVICE_UNAVAILABLE;
    match error.wait_ms() {
        Some(wait_ms) => {
            let limit = matches!(error, ApiError::RateLimited { .. });
            (limit || on != RetryAfterOn::RateLimited).then_some(wait_ms)
        }
        None if unavailable && on == RetryAfterOn::Unavailable => {
            Some(config.scaled_ms(UNAVAILABLE_MS))
        }
        None => None,
    }
}

fn http_date(seconds: i64) -> String {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    httpdate::fmt_http_date(UNIX_EPOCH + since)
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("digits and dates are visible ASCII")
}
