//! The layout of the journal's database, and how it came about. A migration is never changed once it was released.

/// `MLRJ`.
pub(super) const APPLICATION_ID: i32 = 0x4d4c_524a;

pub(super) const MIGRATIONS: &[&str] = &[
    // 1: the events, and their projection.
    "
create table events (
    seq integer primary key,
    run integer,
    at integer not null,
    name text not null,
    body text not null
) strict;
create table sends (
    id integer primary key,
    idempotency_key text not null unique,
    send blob not null,
    content_sha256 text not null,
    part text not null,
    step text not null,
    attempt integer not null,
    hold_cents integer not null,
    state text not null,
    job_id text
) strict;
create index sends_by_send on sends (send);
create table jobs (
    id integer primary key,
    job_id text not null unique,
    part text not null,
    state text not null,
    next_poll_at integer,
    charged_cents integer
) strict;
",
    // 2: who may write. One row: which journal this is, and how often it was taken over.
    "
create table holder (
    one integer primary key check (one = 1),
    journal text not null,
    epoch integer not null
) strict;
insert into holder (one, journal, epoch) values (1, lower(hex(randomblob(16))), 0);
",
];
