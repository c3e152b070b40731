//! Which request is to which endpoint, as rules name them.

use axum::http::Method;

/// What a rule can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// `POST /cad/jobs`
    Create,
    /// `POST /cad/jobs/{job_id}/messages`
    FollowUp,
    /// `POST /cad/jobs/{job_id}/review`
    Review,
    /// `GET /cad/jobs/{job_id}`
    Status,
    /// `GET /cad/jobs`
    List,
    /// `GET /cad/jobs/{job_id}/messages`
    Messages,
    /// `GET /cad/jobs/{job_id}/artifacts`
    Artifacts,
    /// `GET /artifacts/{artifact_id}/download`
    Download,
    /// The signed URLs.
    Storage,
    /// `GET /billing/balance`
    Balance,
}

impl Endpoint {
    /// Every one there is.
    pub const ALL: [Self; 10] = [
        Self::Create,
        Self::FollowUp,
        Self::Review,
        Self::Status,
        Self::List,
        Self::Messages,
        Self::Artifacts,
        Self::Download,
        Self::Storage,
        Self::Balance,
    ];

    /// Its name in a rule.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::FollowUp => "follow_up",
            Self::Review => "review",
            Self::Status => "status",
            Self::List => "list",
            Self::Messages => "messages",
            Self::Artifacts => "artifacts",
            Self::Download => "download",
            Self::Storage => "storage",
            Self::Balance => "balance",
        }
    }

    /// Whether a request to it changes something.
    #[must_use]
    pub fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::FollowUp | Self::Review)
    }

    /// The endpoint of a request; the control interface has none, since nothing ever goes wrong there.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        // A HEAD is answered as its GET is.
        let (read, write) = (
            method == Method::GET || method == Method::HEAD,
            method == Method::POST,
        );
        let mut segments = path.split('/').skip(1);
        if path.starts_with("/_storage/") {
            return read.then_some(Self::Storage);
        }
        if (segments.next(), segments.next()) != (Some("api"), Some("v1")) {
            return None;
        }
        let rest: Vec<&str> = segments.collect();
        match rest.as_slice() {
            ["cad", "jobs"] if write => Some(Self::Create),
            ["cad", "jobs"] if read => Some(Self::List),
            ["cad", "jobs", _] if read => Some(Self::Status),
            ["cad", "jobs", _, "messages"] if write => Some(Self::FollowUp),
            ["cad", "jobs", _, "messages"] if read => Some(Self::Messages),
            ["cad", "jobs", _, "review"] if write => Some(Self::Review),
            ["cad", "jobs", _, "artifacts"] if read => Some(Self::Artifacts),
            ["artifacts", _, "download"] if read => Some(Self::Download),
            ["billing", "balance"] if read => Some(Self::Balance),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_and_control_calls_are_none() {
        for (method, path, endpoint) in [
            (Method::POST, "/api/v1/cad/jobs", Some(Endpoint::Create)),
            (Method::GET, "/api/v1/cad/jobs", Some(Endpoint::List)),
            (Method::GET, "/api/v1/cad/jobs/j", Some(Endpoint::Status)),
            (
                Method::POST,
                "/api/v1/cad/jobs/j/messages",
                Some(Endpoint::FollowUp),
            ),
            (
                Method::GET,
                "/api/v1/artifacts/a/download",
                Some(Endpoint::Download),
            ),
            (Method::GET, "/_storage/a", Some(Endpoint::Storage)),
            (Method::DELETE, "/api/v1/cad/jobs/j", None),
            (Method::POST, "/_sim/faults", None),
            (Method::GET, "/api/v2/cad/jobs", None),
        ] {
            assert_eq!(Endpoint::of(&method, path), endpoint, "{method} {path}");
        }
    }
}
