//! `millrun sim` with a configuration of one's own.

use std::io::Write as _;

use super::place::{Place, Service};

const CONFIG: &str = r#"
balance-cents = 700
hold-cents = 300
[[keys]]
secret = "gcad_sim_0123456789abcdef"
scopes = ["cad:read", "cad:write", "billing:read"]
"#;

#[test]
fn a_configuration_makes_the_workspace_and_options_go_before_it() {
    let balance = |args: &[&str]| {
        let place = Place::new();
        place.write("sim.toml", CONFIG);
        let args = [args, &["--config", "sim.toml"]].concat();
        let service = Service::start(&place, &args);
        let shown = service.run(&place, &["balance", "--json"]).with(0).json();
        (
            shown["available_balance_cents"].clone(),
            shown["cad_job_hold_cents"].clone(),
        )
    };
    assert_eq!(balance(&[]), (700.into(), 300.into()));
    assert_eq!(balance(&["--balance", "900"]), (900.into(), 300.into()));
}

#[test]
fn a_configuration_with_an_unknown_key_is_refused_and_says_which() {
    let place = Place::new();
    place.write("sim.toml", "[switches.billing]\nbalanec = \"gross\"\n");
    place.write(
        "sim.json",
        r#"{ "switches": { "billing": { "balance": "gros" } } }"#,
    );
    for (file, said) in [
        ("sim.toml", "unknown field `balanec`"),
        ("sim.json", "unknown variant `gros`"),
        ("none.toml", "none.toml"),
    ] {
        let ended = place.run(&["sim", "--port", "0", "--config", file]).with(2);
        for said in [said, file, "docs/simulator.md"] {
            assert!(ended.stderr.contains(said), "{said:?} is not said: {ended}");
        }
    }
}

#[test]
fn a_client_that_stalls_keeps_nobody_from_stopping_the_simulator() {
    let place = Place::new();
    let mut service = Service::start(&place, &[]);
    let address = service.base_url.strip_prefix("http://").unwrap().to_owned();
    let mut stalled = std::net::TcpStream::connect(&address).unwrap();
    let half = format!(
        "POST /api/v1/cad/jobs HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Idempotency-Key: a\r\nContent-Length: 100\r\n\r\n{{\"pro",
        millrun::simulator::SIM_API_KEY
    );
    stalled.write_all(half.as_bytes()).unwrap();
    // Its answer says that the service has read what came before it.
    service.books();
    service.signal("TERM");
    service.signal("TERM");
    assert!(service.ended_by_itself().success());
}
