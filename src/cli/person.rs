//! Who types: what is recorded of decisions that only a person can take.

use crate::run::event::Person;

/// The user of the operating system, and the machine.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge where the environment is read"
)]
pub(super) fn person() -> Person {
    let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let user = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(variable);
    let host = rustix::system::uname();
    Person {
        user: user.unwrap_or_else(|| "somebody".to_owned()),
        host: host.nodename().to_string_lossy().into_owned(),
    }
}
