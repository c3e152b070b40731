//! Text of the service has a type of its own, and leaves it in few places.

use super::sources;

/// Who may ask for a text as it came, and what for.
const RAW: [(&str, &str); 3] = [
    (
        "adapters/translate.rs",
        "the journal keeps it; reports make it safe",
    ),
    (
        "cli/balance.rs",
        "as data in JSON, which is made safe as a whole",
    ),
    (
        "cli/jobs/mod.rs",
        "as data in JSON, which is made safe as a whole",
    ),
];

#[test]
fn only_few_files_ask_for_untrusted_text_as_it_came() {
    let asks = |code: &str| code.contains("_raw_untrusted");
    for source in sources()
        .iter()
        .filter(|source| source.room() != "untrusted")
    {
        let may = RAW.iter().any(|(path, _)| *path == source.path);
        assert_eq!(asks(&source.code), may, "{}", source.path);
    }
}

#[test]
fn no_public_type_of_the_client_has_text_of_the_service_in_the_raw() {
    let answers = [
        "api/artifact.rs",
        "api/billing.rs",
        "api/conversation.rs",
        "api/download.rs",
        "api/job.rs",
    ];
    let mut read = 0;
    for source in sources() {
        if !answers.contains(&source.path.as_str()) {
            continue;
        }
        read += 1;
        let raw = |line: &&str| {
            line.contains("pub ") && (line.contains("String") || line.contains("Value>"))
        };
        assert_eq!(source.code.lines().find(raw), None, "{}", source.path);
    }
    assert_eq!(read, answers.len());
}
