//! The witness: it stands at the wire and sees each request as it leaves, and what is on the disk at that moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request};
use millrun::plan::digest::Digest;
use millrun::plan::send::SendId;
use millrun::run::event::{Event, Record};
use millrun::schedule::slot::Class;

use super::story::Story;

/// What is on the disk, and what left. Clones share it.
#[derive(Clone)]
pub(super) struct Witness {
    story: Story,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// By idempotency key: the intents and resends that are on the disk, and the prompt.
    intents: BTreeMap<String, Intent>,
    /// The key of each send's last intent.
    keys: BTreeMap<SendId, String>,
    /// By idempotency key: what was sent, and how often.
    sent: BTreeMap<String, Sent>,
    /// Slots on the disk, by class.
    slots: BTreeMap<&'static str, u32>,
    /// Requests that left, by class.
    left: BTreeMap<&'static str, u32>,
    posts: u32,
}

struct Intent {
    prompt: String,
    allowed: u32,
}

struct Sent {
    path: String,
    body: Digest,
    times: u32,
}

impl Witness {
    pub(super) fn new(story: Story) -> Self {
        Self {
            story,
            seen: Arc::default(),
        }
    }

    /// `records` are on the disk.
    pub(super) fn durable(&self, records: &[Record]) {
        let mut seen = self.seen.lock().unwrap();
        for record in records {
            match &record.event {
                Event::Intended {
                    send, key, content, ..
                } => {
                    let prompt = content.prompt().map_or("", |prompt| prompt.as_str());
                    let intent = seen
                        .intents
                        .entry(key.as_str().to_owned())
                        .or_insert_with(|| Intent {
                            prompt: prompt.to_owned(),
                            allowed: 0,
                        });
                    intent.allowed += 1;
                    seen.keys.insert(*send, key.as_str().to_owned());
                }
                // A resend names its send: it goes out with the key of the last intent.
                Event::Resent { send } => {
                    let key = seen.keys.get(send).cloned();
                    if let Some(intent) = key.and_then(|key| seen.intents.get_mut(&key)) {
                        intent.allowed += 1;
                    }
                }
                _ => {}
            }
        }
    }

    /// Slots of `classes` are on the disk.
    pub(super) fn slots(&self, classes: &[Class]) {
        let mut seen = self.seen.lock().unwrap();
        for class in classes {
            *seen.slots.entry(word(class)).or_default() += 1;
        }
    }

    /// How many POSTs have left.
    pub(super) fn posts(&self) -> u32 {
        self.seen.lock().unwrap().posts
    }

    /// `request` leaves.
    pub(super) fn leaves(&self, request: &Request<Bytes>) {
        let mut seen = self.seen.lock().unwrap();
        let path = request.uri().path();
        if let Some(class) = class_of(request.method(), path) {
            let left = seen.left.entry(class).or_default();
            *left += 1;
            let left = *left;
            let taken = seen.slots.get(class).copied().unwrap_or_default();
            if left > taken {
                self.story.broken(
                    "R8",
                    format!("request {left} of {class} leaves with {taken} slots on the disk"),
                );
            }
        }
        if request.method() == Method::POST {
            seen.posts += 1;
            self.post(&mut seen, request);
        }
    }

    fn post(&self, seen: &mut Seen, request: &Request<Bytes>) {
        let path = request.uri().path().to_owned();
        let key = request.headers().get("idempotency-key");
        let Some(key) = key.and_then(|key| key.to_str().ok()) else {
            return self
                .story
                .broken("I2", format!("a POST to {path} without a key"));
        };
        let body = Digest::of(request.body());
        let sent = seen.sent.entry(key.to_owned()).or_insert_with(|| Sent {
            path: path.clone(),
            body,
            times: 0,
        });
        sent.times += 1;
        if (&sent.path, sent.body) != (&path, body) {
            self.story.broken(
                "I2",
                format!(
                    "{key} goes to {path} with other bytes than to {}",
                    sent.path
                ),
            );
        }
        let times = sent.times;
        match seen.intents.get(key) {
            None => self.story.broken(
                "I4",
                format!("{path} leaves with {key}, which no intent on the disk has"),
            ),
            Some(intent) if intent.allowed < times => self.story.broken(
                "I4",
                format!(
                    "{key} leaves for the {times}. time, the disk knows of {}",
                    intent.allowed
                ),
            ),
            Some(intent) if !says(request.body(), &intent.prompt) => self.story.broken(
                "I4",
                format!(
                    "{key} says something else than its intent, {:?}",
                    intent.prompt
                ),
            ),
            Some(_) => {}
        }
    }
}

/// Whether `body` has `prompt` in it: our prompts need no escapes.
fn says(body: &[u8], prompt: &str) -> bool {
    String::from_utf8_lossy(body).contains(prompt)
}

fn word(class: &Class) -> &'static str {
    match class {
        Class::CadWrites => "creates and follow-ups",
        Class::Reviews => "reviews",
        // A poll counts as a read.
        Class::JobPolls(_) | Class::Polls | Class::Reads => "reads",
        Class::Artifacts => "downloads",
        Class::Balance => "balance reads",
    }
}

fn class_of(method: &Method, path: &str) -> Option<&'static str> {
    let path = path.strip_prefix("/api/v1/")?;
    let class = match path.split('/').collect::<Vec<_>>().as_slice() {
        ["cad", "jobs"] | ["cad", "jobs", _, "messages"] if method == Method::POST => {
            Class::CadWrites
        }
        ["cad", "jobs", _, "review"] => Class::Reviews,
        ["billing", ..] => Class::Balance,
        ["artifacts", ..] | ["cad", "jobs", _, "artifacts"] => Class::Artifacts,
        _ => Class::Reads,
    };
    Some(word(&class))
}
