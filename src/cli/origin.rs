//! Which service a command is about: the simulator, or what the flags and the environment say.

use std::path::PathBuf;

use super::args::Globals;
use super::error::CliError;
use crate::api::{ApiKey, BaseUrl};
use crate::session::{Options, Origin, Risks};

const BASE_URL: &str = "ORVILLE_BASE_URL";
const API_KEY: &str = "ORVILLE_API_KEY";

/// The origin, for what needs no request. The simulator ignores the environment.
///
/// # Errors
/// When the base URL is none.
pub(super) fn origin(globals: &Globals) -> Result<Origin, CliError> {
    if globals.sim {
        return Ok(Origin::Simulator {
            speed: globals.sim_speed,
        });
    }
    Ok(Origin::Remote {
        base_url: base_url(globals)?,
        key: None,
    })
}

/// What a command asks of a state at `origin`: where it is, and on which disk it may be.
pub(super) fn options(origin: Origin, globals: &Globals) -> Options {
    Options {
        state: globals.state.clone(),
        risks: Risks {
            network_state: globals.force_network_state,
            rollback: false,
        },
        ..Options::new(origin)
    }
}

/// The origin with the key that it asks for.
///
/// # Errors
/// When the base URL is none, or the key is missing or none.
pub(super) fn with_key(globals: &Globals) -> Result<Origin, CliError> {
    let mut origin = origin(globals)?;
    if let Origin::Remote { key, .. } = &mut origin {
        *key = Some(api_key()?);
    }
    Ok(origin)
}

/// The base URL of the flag, or else of the environment, or else the documented one.
pub(super) fn base_url(globals: &Globals) -> Result<BaseUrl, CliError> {
    let (name, text) = match (&globals.base_url, variable(BASE_URL)) {
        (Some(flag), _) => ("--base-url", flag.clone()),
        (None, Some(text)) => (BASE_URL, text),
        (None, None) => return Ok(BaseUrl::default()),
    };
    text.parse().map_err(|why| CliError::Usage {
        message: format!("{name}: {why}"),
        hint: None,
    })
}

/// The key of the environment. Its text is never shown.
pub(super) fn api_key() -> Result<ApiKey, CliError> {
    let text = variable(API_KEY).ok_or_else(|| {
        CliError::usage(
            format!("{API_KEY} is not set"),
            "export the key of your workspace, or try it without one: --sim",
        )
    })?;
    ApiKey::new(text.trim_ascii()).map_err(|why| {
        CliError::usage(
            format!("{API_KEY}: {why}"),
            "look for stray characters in it",
        )
    })
}

/// Where the families of this user share their slots of rate limits, as the XDG directories have it. `None` without a home.
pub(super) fn limits_folder() -> Option<PathBuf> {
    // "If an implementation encounters a relative path ... it should consider the path invalid and ignore it."
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    Some(state?.join("millrun/limits"))
}

/// A variable of the environment; an empty one is none.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge where the environment is read"
)]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
