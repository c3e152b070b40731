//! `doctor`: whether all is well, and what to do where it is not.

use super::args::{DoctorArgs, Globals};
use super::error::CliError;
use super::exit::ExitCode;
use super::origin::{api_key, origin, variable};
use super::output::Output;
use super::remote::ask;
use crate::adapters::examine::sqlite_version;
use crate::report::checkup::{json, problems, text};
use crate::run::checkup::Check;
use crate::session::{self, Origin};

pub(super) fn doctor(
    args: &DoctorArgs,
    globals: &Globals,
    output: &mut Output,
) -> Result<ExitCode, CliError> {
    let origin = origin(globals)?;
    let mut checks = vec![Check::good(
        "sqlite",
        format!("version {}", sqlite_version()),
    )];
    checks.extend(service(args, globals, &origin));
    if let Some(manifest) = &args.manifest {
        let loaded = session::load(manifest, &variable)?;
        checks.push(Check::good("manifest", manifest.display().to_string()));
        checks.extend(session::examine(&loaded, &origin, globals.state.as_deref()));
    }
    let code = match problems(&checks) {
        0 => ExitCode::Success,
        _ => ExitCode::PartFailed,
    };
    let told = if output.is_json() {
        json(&checks, code.number())
    } else {
        text(&checks, output.palette())
    };
    output.print(&told)?;
    Ok(code)
}

/// The API key, which is never shown, and the service, when it is to be asked.
fn service(args: &DoctorArgs, globals: &Globals, origin: &Origin) -> Vec<Check> {
    let name = origin.name();
    if matches!(origin, Origin::Simulator { .. }) {
        return vec![Check::good(
            "service",
            "the simulator, which asks for no key",
        )];
    }
    let mut checks = vec![match api_key() {
        Ok(_) => Check::good("key", format!("there is one for {name}")),
        Err(error) => Check::problem(
            "key",
            error.to_string(),
            "export the key of your workspace as ORVILLE_API_KEY",
        ),
    }];
    if args.online {
        checks.push(match ask(globals, async |client| client.balance().await) {
            Ok(_) => Check::good("service", format!("{name} answers, and takes the key")),
            Err(error) => {
                let hint = error.kind().hint;
                let hint = hint.unwrap_or("look at the address, the network and the key");
                Check::problem("service", format!("{name}: {error}"), hint)
            }
        });
    }
    checks
}
