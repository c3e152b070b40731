//! A client of nobody's we know: curl in a shell script, against the simulator.

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

use millrun::simulator::SIM_API_KEY;

use super::place::{Ended, Place, Service};

#[test]
fn a_third_partys_whole_flow_passes() {
    let curl = Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if curl.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        // Not with `eprintln!`: what a test prints so is shown only when it fails.
        let said = "third_party: skipped, there is no curl; .ci/run wants one\n";
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return;
    }
    let place = Place::new();
    let service = Service::start(&place, &["--limits", "off", "--speed", "600"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/third_party.sh");
    let ended: Ended = Command::new("bash")
        .arg(script)
        .current_dir(place.path("."))
        .env("ORVILLE_BASE_URL", &service.base_url)
        .env("ORVILLE_API_KEY", SIM_API_KEY)
        .env("POLL_SECONDS", "0.1")
        .env_remove("http_proxy")
        .env("no_proxy", "127.0.0.1")
        .output()
        .expect("bash runs the script")
        .into();
    let ended = ended.with(0);
    assert!(
        ended.stdout.contains("all answers are as documented"),
        "{ended}"
    );
    let books = service.books();
    assert_eq!(books.jobs.len(), 1);
    assert_eq!(books.idempotency.replays, 1);
    assert_eq!(books.jobs[0].downloads.values().sum::<u64>(), 2);
}
