//! A journal, written by hand: one part at a time, five seconds between events.

use crate::plan::content::{Content, Expected, Prompt, Selection, StepKind};

use crate::plan::digest::Digest;
use crate::plan::ids::{PartId, RunId, StepId, StepRef};
use crate::plan::key::{IdempotencyKey, LineageId, Salt, StepKey};
use crate::plan::memory::Published;
use crate::plan::money::Cents;
use crate::plan::remote::{
    Artifact, ArtifactId, JobId, RequestId, ReviewResult, Stored, Timestamp, WriteResult,
};
use crate::plan::selection::Wish;
use crate::plan::send::SendId;
use crate::report::summary::Summary;
use crate::run::call::{Call, Endpoint};
use crate::run::event::{Event, Record};
use crate::run::history::History;
use crate::run::outcome::{ExitReason, RunEnd};
use crate::run::sheet::{Sheet, SheetPart, SheetStep, Start};

/// 2026-11-24, 02:02:03 UTC.
const START: i64 = 1_795_485_723_000;

pub(super) struct Night {
    pub(super) records: Vec<Record>,
    run: u32,
    now: i64,
}

impl Night {
    pub(super) fn new() -> Self {
        Self {
            records: Vec::new(),
            run: 0,
            now: START,
        }
    }

    pub(super) fn summary(&self) -> Summary {
        Summary::of(&History::of(&self.records)).unwrap()
    }

    /// A run of these parts, each of a create, a review, a check and a download; those in `reused` are done already.
    pub(super) fn start(&mut self, parts: &[&str], reused: &[&str]) {
        self.run += 1;
        let part = |name: &&str| {
            let start = if reused.contains(name) {
                Start::Reuse
            } else {
                Start::Run
            };
            let step = |kind: StepKind| SheetStep {
                id: StepId::new(kind.as_str()).unwrap(),
                kind,
                key: Some(key(name, kind)),
                start: start.clone(),
                message: None,
                transcript: false,
                needs: Vec::new(),
                artifacts: Selection::All,
                publish_as: (kind == StepKind::Download).then(|| format!("plates/{name}")),
            };
            let kinds = [
                StepKind::Create,
                StepKind::Review,
                StepKind::Check,
                StepKind::Download,
            ];
            SheetPart {
                retires: None,
                id: PartId::new(*name).unwrap(),
                lineage: Some(lineage(name)),
                needs: Vec::new(),
                steps: kinds.map(step).into(),
                skipped: vec![(StepId::new("iterate").unwrap(), StepKind::Iterate)],
            }
        };
        let sheet = Sheet {
            saved: None,
            selection: Wish::default(),
            plan: Digest::of(b"plan"),
            family: "mounting-plates".to_owned(),
            manifest: "plates.yaml".to_owned(),
            output: "out".to_owned(),
            max_spend: None,
            zone: "UTC".to_owned(),
            orphans: Vec::new(),
            parts: parts.iter().map(part).collect(),
        };
        self.record(Event::RunStarted {
            sheet: Box::new(sheet),
        });
        self.record(Event::BalanceRead {
            call: call(Endpoint::Balance, 200),
            available: Cents(50_000),
            hold: Cents(200),
            currency: "usd".to_owned(),
            settled: Cents::ZERO,
        });
    }

    pub(super) fn record(&mut self, event: Event) {
        self.now += 5_000;
        self.records.push(Record {
            at: Timestamp(self.now),
            run: Some(RunId(self.run)),
            event,
        });
    }

    pub(super) fn end(&mut self, reasons: &[ExitReason]) {
        self.record(Event::RunEnded {
            end: RunEnd::new(reasons.to_vec()),
            wall_ms: 4_000,
        });
    }

    /// The create of `part` goes out and is accepted.
    pub(super) fn create(&mut self, part: &str) {
        self.intend(part, StepKind::Create, 0);
        self.record(Event::Accepted {
            send: send(part, StepKind::Create),
            call: call(Endpoint::Create, 202),
            job: JobId(format!("cadjob_{part}")),
            next_poll_at: Timestamp(self.now + 30_000),
        });
    }

    pub(super) fn intend(&mut self, part: &str, kind: StepKind, attempt: u32) {
        let id = send(part, kind);
        let salt = Salt {
            name: "mounting-plates".to_owned(),
            uid: String::new(),
        };
        self.record(Event::Intended {
            send: id,
            step: step(part, kind),
            content: content(part, kind),
            target: None,
            attempt,
            key: IdempotencyKey::new(&salt, id.key, id.lineage, attempt),
            hold: Cents(if kind.is_write() { 200 } else { 0 }),
        });
    }

    /// The job of `part` is done: it was `charged`, and its file comes home.
    pub(super) fn complete(&mut self, part: &str, charged: Option<i64>, explanation: &str) {
        let id = send(part, StepKind::Create);
        let artifact = ArtifactId("art_1".to_owned());
        self.record(Event::Completed {
            send: id,
            call: call(Endpoint::Job, 200),
            result: WriteResult {
                revision: None,
                explanation: explanation.to_owned(),
                charged: charged.map(Cents),
                artifacts: vec![Artifact {
                    is_root: false,
                    id: artifact.clone(),
                    label: "plate".to_owned(),
                    kind: "step".to_owned(),
                    stored: None,
                }],
            },
        });
        self.record(Event::FileStored {
            send: id,
            call: call(Endpoint::Download, 200),
            artifact,
            stored: stored(part),
        });
    }

    pub(super) fn review(&mut self, part: &str, message: &str, proposal: Option<&str>) {
        self.intend(part, StepKind::Review, 0);
        self.record(Event::Reviewed {
            send: send(part, StepKind::Review),
            call: call(Endpoint::Review, 200),
            review: ReviewResult {
                message: message.to_owned(),
                proposal: proposal.map(str::to_owned),
            },
            accepted: true,
        });
    }

    pub(super) fn check(&mut self, part: &str, errors: &[&str], warnings: &[&str]) {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        self.record(Event::Checked {
            step: step(part, StepKind::Check),
            check: send(part, StepKind::Check),
            errors: own(errors),
            warnings: own(warnings),
        });
    }

    pub(super) fn publish(&mut self, part: &str) {
        let path = format!("plates/{part}.step");
        self.record(Event::FilesPublished {
            step: step(part, StepKind::Download),
            files: vec![Published {
                wanted: path.clone(),
                path,
                stored: stored(part),
            }],
        });
    }

    /// `part` comes out as it should.
    pub(super) fn succeed(&mut self, part: &str) {
        self.create(part);
        self.complete(part, Some(180), "A plate with two holes.");
        self.review(part, "Nothing to add.", None);
        self.check(part, &[], &[]);
        self.publish(part);
    }
}

pub(super) fn call(endpoint: Endpoint, status: u16) -> Call {
    Call {
        endpoint,
        status: Some(status),
        request_id: Some(RequestId("req_7".to_owned())),
        rate_limited: status == 429,
    }
}

pub(super) fn send(part: &str, kind: StepKind) -> SendId {
    SendId {
        lineage: lineage(part),
        key: key(part, kind),
    }
}

pub(super) fn step(part: &str, kind: StepKind) -> StepRef {
    StepRef {
        part: PartId::new(part).unwrap(),
        step: StepId::new(kind.as_str()).unwrap(),
    }
}

fn lineage(part: &str) -> LineageId {
    LineageId {
        create: key(part, StepKind::Create),
        ordinal: 0,
        generation: 0,
    }
}

fn key(part: &str, kind: StepKind) -> StepKey {
    let parent = (kind != StepKind::Create).then(|| key(part, StepKind::Create));
    StepKey::new(&content(part, kind), parent)
}

fn content(part: &str, kind: StepKind) -> Content {
    let prompt = Prompt::new(&format!("{kind} {part}"));
    let images = Vec::new();
    match kind {
        StepKind::Create => Content::Create { prompt, images },
        StepKind::Iterate => Content::Iterate { prompt, images },
        StepKind::Review => Content::Review { prompt, view: None },
        StepKind::Check => Content::Check {
            expected: Expected::default(),
        },
        StepKind::Approve => Content::Approve {
            message: String::new(),
        },
        StepKind::Download => Content::Download {
            artifacts: Selection::All,
            transcript: false,
        },
    }
}

fn stored(part: &str) -> Stored {
    Stored {
        sha256: Digest::of(part.as_bytes()),
        bytes: 2_048,
    }
}
