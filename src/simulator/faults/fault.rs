//! The kinds of faults, as JSON and as values.

use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// 429 `rate_limited`; the service never saw the request.
    RateLimited {
        /// The `Retry-After` header as it is sent, sensible or not.
        #[serde(default = "five_seconds")]
        retry_after: String,
    },
    /// An answer that is not the service's.
    Answer {
        /// From 200 to 599.
        status: u16,
        /// What the body is.
        #[serde(default)]
        shape: Shape,
        /// The code in a body of the documented shape.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// The message in a body of the documented shape.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// The `Retry-After` header, if there shall be one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
        /// Whether the service acted on the request all the same.
        #[serde(default)]
        effect: Reached,
    },
    /// The connection closes without an answer.
    Reset {
        /// Whether the service acted on the request before.
        #[serde(default)]
        effect: Reached,
    },
    /// No answer ever comes, and the connection stays open.
    Hang {
        /// Whether the service acts on the request.
        #[serde(default)]
        effect: Reached,
    },
    /// The body of the real answer trickles.
    Slow {
        /// How long the whole of it takes, on the simulator's clock.
        seconds: f64,
    },
    /// Half of the real answer's body arrives, then the connection closes.
    Truncated {},
    /// The real answer, but its body is no JSON (or no STEP file).
    NotJson {},
    /// The real status, but the body is a page of HTML.
    Html {},
    /// The real status, but the body is empty.
    Empty {},
    /// The body begins as the real one and never ends.
    Endless {},
    /// The signed URL is expired: when it is handed out, or when it is used.
    ExpiredUrl {},
    /// Titles, labels, names, explanations and messages of the real answer are meant to harm.
    Hostile {
        /// What kind of harm.
        #[serde(default)]
        words: Words,
    },
    /// Where the real answer says the file is, somewhere else is named.
    ForeignUrl {
        /// Where.
        to: Foreign,
    },
    /// The request arrives twice, and the first answer goes back.
    Duplicated {
        /// What becomes of the second.
        #[serde(default)]
        copy: Copied,
    },
    /// The connection closes without an answer, and the request arrives later.
    Late {
        /// How much later, on the simulator's clock.
        seconds: f64,
    },
}

/// Whether a request that goes unanswered reached the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// It did not: nothing happened.
    #[default]
    None,
    /// It did: what it asked for happened.
    Applied,
}

/// What the body of a strange answer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The documented error object.
    #[default]
    Documented,
    /// A page of HTML, as proxies send it.
    Html,
    /// A line of text that says it is JSON.
    Text,
    /// Nothing.
    Empty,
}

/// What hostile words are made for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Words {
    /// Each kind in turn, field by field.
    #[default]
    All,
    /// Escapes that clear, recolour and rename a terminal, or write into its clipboard.
    Terminal,
    /// Overrides of the writing direction, and characters without width.
    Bidi,
    /// Names that lead out of the folder they are put in.
    Path,
    /// Markup and scripts.
    Html,
    /// Formulas that a spreadsheet would calculate.
    Csv,
}

/// Where a foreign URL leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Foreign {
    /// To another host, over https.
    OtherHost,
    /// To another host, in the clear.
    PlainHttp,
    /// To a file of the client's own machine.
    File,
    /// To an address that only the client's own network knows.
    PrivateAddress,
    /// To what the rule says.
    #[serde(untagged)]
    Url(String),
}

/// What becomes of a request's second copy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Copied {
    /// The service acts on it too, as if it had forgotten the key.
    #[default]
    Executed,
    /// It has the same key, and is what the service makes of that.
    SameKey,
}

/// The longest wait that a rule may ask for, in seconds: a year.
const LONGEST: f64 = 31_536_000.0;

impl Fault {
    /// Whether it can happen at this endpoint.
    pub(crate) fn fits(&self, endpoint: Endpoint) -> bool {
        match self {
            Self::Duplicated { .. } | Self::Late { .. } => endpoint.is_write(),
            Self::ExpiredUrl {} => matches!(endpoint, Endpoint::Download | Endpoint::Storage),
            Self::ForeignUrl { .. } => matches!(
                endpoint,
                Endpoint::Status | Endpoint::Artifacts | Endpoint::Messages | Endpoint::Download
            ),
            _ => true,
        }
    }

    /// Whether its numbers and texts can be meant.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self::Answer { status, .. } if !(200..=599).contains(status) => {
                Err(format!("status must be from 200 to 599, not {status}"))
            }
            Self::Slow { seconds } | Self::Late { seconds }
                if !(0.0..=LONGEST).contains(seconds) =>
            {
                Err(format!("seconds must be from 0 to a year, not {seconds}"))
            }
            Self::RateLimited { retry_after }
            | Self::Answer {
                retry_after: Some(retry_after),
                ..
            } if !is_header(retry_after) => {
                Err("retry_after must be visible ASCII, since it becomes a header".to_owned())
            }
            Self::ForeignUrl {
                to: Foreign::Url(url),
            } if !is_header(url) || !(url.contains(':') || url.starts_with("//")) => Err(format!(
                "`{url}` is neither a URL nor one of other_host, plain_http, file, private_address"
            )),
            _ => Ok(()),
        }
    }
}

impl Foreign {
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::OtherHost => "https://storage.attacker.example/part.step?signature=0",
            Self::PlainHttp => "http://storage.attacker.example/part.step?signature=0",
            Self::File => "file:///etc/passwd",
            Self::PrivateAddress => "http://169.254.169.254/latest/meta-data/",
            Self::Url(url) => url,
        }
    }
}

fn five_seconds() -> String {
    "5".to_owned()
}

fn is_header(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}
