package sqlite

// schemaVersion is the version this binary writes. Migrations lead from n to n+1.
const schemaVersion = 4

// migrations[n] leads from version n to n+1.
var migrations = []string{`
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

-- One row an event, for ever; see the package bridge for states and reasons.
CREATE TABLE event (
  seq       INTEGER PRIMARY KEY,
  id        TEXT NOT NULL,
  provider  TEXT NOT NULL,
  task      TEXT NOT NULL,
  dir       TEXT NOT NULL,
  kind      TEXT NOT NULL,
  reference TEXT NOT NULL,
  ref_key   TEXT NOT NULL,
  mode      TEXT NOT NULL,
  entrance  TEXT NOT NULL,
  state     TEXT NOT NULL,
  reason    TEXT NOT NULL,
  detail    TEXT NOT NULL,
  first     TEXT NOT NULL,
  repeat    INTEGER NOT NULL,
  lane      INTEGER NOT NULL,  -- 0: in no lane
  pos       INTEGER NOT NULL,  -- order within the lane
  received  INTEGER NOT NULL,
  ended     INTEGER NOT NULL,
  shrunk    INTEGER NOT NULL   -- 0: whole, 1: reduced to its record, 2: old and kept whole
) STRICT;
CREATE UNIQUE INDEX event_id ON event (id);
CREATE INDEX event_task ON event (task, seq);
CREATE INDEX event_lane ON event (lane, pos) WHERE state IN ('queued', 'leased', 'parked');
CREATE INDEX event_kept ON event (provider, task) WHERE state IN ('waiting', 'quarantined');
CREATE INDEX event_kept_ref ON event (provider, ref_key) WHERE state IN ('waiting', 'quarantined');
CREATE INDEX event_waiting ON event (received) WHERE state = 'waiting';
CREATE INDEX event_submit ON event (provider) WHERE kind = 'submit' AND state IN ('queued', 'leased', 'parked');
CREATE INDEX event_ended ON event (provider, ended) WHERE ended > 0 AND shrunk = 0;

-- What the event says, as JSON.
CREATE TABLE body (seq INTEGER PRIMARY KEY, event BLOB NOT NULL) STRICT;

-- A (provider, direction, key) was seen. key is "k:" and the sender's id, "h:" and the merge hash,
-- "c:" for a conflict, "q:" for quarantined input, "o:" and the reference key for an open.
CREATE TABLE claim (
  n        INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,
  dir      TEXT NOT NULL,
  key      TEXT NOT NULL,
  seq      INTEGER NOT NULL,
  hash     TEXT NOT NULL,
  at       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX claim_key ON claim (provider, dir, key);

CREATE TABLE lane (
  id           INTEGER PRIMARY KEY,
  provider     TEXT NOT NULL,
  task         TEXT NOT NULL,
  dir          TEXT NOT NULL,
  dest         TEXT NOT NULL,
  state        TEXT NOT NULL,
  paused       INTEGER NOT NULL,
  reason       TEXT NOT NULL,
  detail       TEXT NOT NULL,
  head         INTEGER NOT NULL,  -- seq of the first unsettled event, 0 if none
  n            INTEGER NOT NULL,  -- unsettled events
  due          INTEGER NOT NULL,
  attempt      INTEGER NOT NULL,
  token        TEXT NOT NULL,
  session      TEXT NOT NULL,
  leased_at    INTEGER NOT NULL,
  unknown      INTEGER NOT NULL,
  unknown_at   INTEGER NOT NULL,
  evidence     INTEGER NOT NULL,
  evidence_ref TEXT NOT NULL,
  up_at_first  INTEGER NOT NULL,  -- the destination's answered time at the first try
  echoes       INTEGER NOT NULL   -- events waiting as maybe_echo for this lane
) STRICT;
CREATE UNIQUE INDEX lane_key ON lane (provider, task, dir);
CREATE INDEX lane_live ON lane (dest, state, due, head) WHERE state <> 'idle';
CREATE INDEX lane_paused ON lane (dest) WHERE paused = 1;

CREATE TABLE bond (
  provider     TEXT NOT NULL,
  task         TEXT NOT NULL,
  state        TEXT NOT NULL,
  reference    TEXT NOT NULL,
  ref_key      TEXT NOT NULL,
  resolves     INTEGER NOT NULL,
  submit       TEXT NOT NULL,
  acknowledged INTEGER NOT NULL,
  created      INTEGER NOT NULL,
  changed      INTEGER NOT NULL,
  PRIMARY KEY (provider, task)
) STRICT, WITHOUT ROWID;
CREATE INDEX bond_task ON bond (task);

-- Every reference a bond ever had.
CREATE TABLE reference (
  provider  TEXT NOT NULL,
  ref_key   TEXT NOT NULL,
  reference TEXT NOT NULL,
  task      TEXT NOT NULL,
  PRIMARY KEY (provider, ref_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX reference_task ON reference (task);

-- What was written to the other side, to recognise it when it comes back.
CREATE TABLE wrote (
  n       INTEGER PRIMARY KEY,
  lane    INTEGER NOT NULL,
  seq     INTEGER NOT NULL,
  token   TEXT NOT NULL,
  hash    TEXT NOT NULL,
  comment TEXT NOT NULL,
  at      INTEGER NOT NULL
) STRICT;
CREATE INDEX wrote_lane ON wrote (lane);
CREATE INDEX wrote_text ON wrote (at) WHERE comment = '';

CREATE TABLE attempt (
  seq     INTEGER NOT NULL,
  n       INTEGER NOT NULL,
  token   TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended   INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  reason  TEXT NOT NULL,
  next    TEXT NOT NULL,
  detail  TEXT NOT NULL,
  request TEXT NOT NULL,
  answer  TEXT NOT NULL,
  status  INTEGER NOT NULL,
  session TEXT NOT NULL,
  config  TEXT NOT NULL,
  PRIMARY KEY (seq, n, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE destination (
  name     TEXT PRIMARY KEY,
  paused   INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  open_to  INTEGER NOT NULL,
  open_for INTEGER NOT NULL,
  probe    TEXT NOT NULL,
  up       INTEGER NOT NULL,  -- answered time so far, ns
  answered INTEGER NOT NULL,  -- when it answered last, 0 after a failure
  tokens   REAL NOT NULL,
  filled   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (id TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE duty (name TEXT PRIMARY KEY, session TEXT NOT NULL, epoch INTEGER NOT NULL, cursor TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE activity (n INTEGER PRIMARY KEY, at INTEGER NOT NULL, person TEXT NOT NULL, verb TEXT NOT NULL, target TEXT NOT NULL, note TEXT NOT NULL) STRICT;

-- Numbers that would otherwise need a scan; see tally.go.
CREATE TABLE tally (key TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Full text, filled by the sweep up to meta.indexed.
CREATE VIRTUAL TABLE word USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2');
`, `
ALTER TABLE session ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN replica TEXT NOT NULL DEFAULT '';
ALTER TABLE duty ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;

-- What replicas pin for each other.
CREATE TABLE notice (n INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, until INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX notice_key ON notice (kind, key);
CREATE INDEX notice_until ON notice (until);
`, `
-- What may have made a ticket whose reference we were not told yet.
CREATE INDEX bond_pending ON bond (provider) WHERE state = 'pending';
CREATE INDEX event_declined ON event (provider) WHERE kind = 'reject_solution' AND state IN ('queued', 'leased', 'parked');
`, `
-- Where a duty without a cursor begins, if its ledger came from a Redis that was reset; 0: as configured.
ALTER TABLE duty ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
`}
