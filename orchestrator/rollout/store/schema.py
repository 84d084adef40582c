"""The tables of a store, and how those of an older version become ours.

In the SQL that SQLite and PostgreSQL share. Times are seconds since the epoch.
"""

UPGRADES = {
    1: """
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL, plan TEXT NOT NULL,
    worker TEXT NOT NULL, attempt INTEGER NOT NULL, created_s DOUBLE PRECISION NOT NULL,
    updated_s DOUBLE PRECISION NOT NULL, ended_s DOUBLE PRECISION);
CREATE TABLE steps (
    run_id TEXT NOT NULL, step_id TEXT NOT NULL, status TEXT NOT NULL,
    announced_in INTEGER NOT NULL, first_started_s DOUBLE PRECISION NOT NULL,
    started_s DOUBLE PRECISION NOT NULL, ended_s DOUBLE PRECISION, before TEXT, after TEXT,
    inverse TEXT, evidence TEXT NOT NULL, reason TEXT NOT NULL, gate TEXT,
    PRIMARY KEY (run_id, step_id));
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL,
    at_s DOUBLE PRECISION NOT NULL, kind TEXT NOT NULL, server TEXT, step TEXT,
    text TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX events_by_run ON events (run_id, number);
CREATE TABLE locks (
    resource TEXT PRIMARY KEY, run_id TEXT NOT NULL, worker TEXT NOT NULL, reason TEXT NOT NULL,
    acquired_s DOUBLE PRECISION NOT NULL, expires_s DOUBLE PRECISION NOT NULL);
""",
    2: """
ALTER TABLE runs ADD COLUMN version TEXT NOT NULL DEFAULT '1';
ALTER TABLE runs ADD COLUMN resources TEXT NOT NULL DEFAULT '[]';
ALTER TABLE runs ADD COLUMN operator TEXT NOT NULL DEFAULT '';
ALTER TABLE steps ADD COLUMN worker TEXT NOT NULL DEFAULT '';
ALTER TABLE locks ADD COLUMN owner TEXT NOT NULL DEFAULT '';
CREATE TABLE requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, kind TEXT NOT NULL,
    target TEXT NOT NULL, asked_by TEXT NOT NULL, asked_s DOUBLE PRECISION NOT NULL,
    note TEXT NOT NULL, state TEXT NOT NULL, answer TEXT NOT NULL,
    answered_s DOUBLE PRECISION);
CREATE INDEX requests_by_run ON requests (run_id, number);
CREATE TABLE workers (
    name TEXT PRIMARY KEY, place TEXT NOT NULL, serves INTEGER NOT NULL,
    started_s DOUBLE PRECISION NOT NULL, beats INTEGER NOT NULL);
""",
    # Plans are large, and a database reads past one to get at what stands behind it: runs.plan
    # stays empty. It cannot be dropped, as SQLite before 3.35 knows no such statement.
    3: """
CREATE TABLE plans (run_id TEXT PRIMARY KEY, outline TEXT NOT NULL, plan TEXT NOT NULL);
INSERT INTO plans (run_id, outline, plan) SELECT run_id, '', plan FROM runs;
UPDATE runs SET plan = '';
ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN services TEXT NOT NULL DEFAULT '[]';
""",
    4: """
CREATE TABLE turns (what TEXT PRIMARY KEY, worker TEXT NOT NULL);
""",
    5: """
ALTER TABLE runs ADD COLUMN partitions TEXT NOT NULL DEFAULT '[]';
""",
}
