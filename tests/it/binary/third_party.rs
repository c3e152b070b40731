//! A client of nobody's we know: curl in a shell script, against the simulator.

use std::process::{Command, Stdio};

use millrun::simulator::SIM_API_KEY;

use super::place::{Ended, Place, Service};

#[test]
fn a_third_partys_whole_flow_passes() {
    let has = |program: &str| {
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !has("bash") || !has("curl") {
        println!("skipped: there is no bash or no curl");
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
        .unwrap()
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
