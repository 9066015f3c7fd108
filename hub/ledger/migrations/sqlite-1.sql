-- The same tables as on Postgres. Ids are text in their usual form, times are µs since 1970.
CREATE TABLE head (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  term        INTEGER NOT NULL,
  commits     INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  chain       BLOB NOT NULL,
  peaks       BLOB NOT NULL
) STRICT;

CREATE TABLE genesis (
  epoch      INTEGER PRIMARY KEY,
  store_id   TEXT NOT NULL,
  after      INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
  position       INTEGER PRIMARY KEY,
  event_id       TEXT NOT NULL UNIQUE,
  stream         TEXT NOT NULL,
  stream_version INTEGER NOT NULL,
  type           TEXT NOT NULL,
  schema_version INTEGER NOT NULL,
  recorded_at    INTEGER NOT NULL,
  facility       TEXT,
  patient        TEXT,
  observation_id TEXT,
  evidence       TEXT,
  as_of          INTEGER,
  payload        BLOB NOT NULL,
  leaf           BLOB NOT NULL,
  UNIQUE (stream, stream_version)
) STRICT;

CREATE TABLE inbox (
  arrival        INTEGER PRIMARY KEY,
  observation_id TEXT NOT NULL UNIQUE,
  facility       TEXT NOT NULL,
  outcome        TEXT NOT NULL,
  first_position INTEGER,
  last_position  INTEGER,
  case_id        TEXT,
  reason         TEXT,
  observation    BLOB
) STRICT;
CREATE INDEX inbox_set_aside ON inbox (outcome, arrival) WHERE outcome IN ('waiting', 'parked');

CREATE TABLE identity_key (
  kind   TEXT NOT NULL,
  scope  TEXT NOT NULL,
  digest BLOB NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (kind, scope, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE cases (
  case_id        TEXT PRIMARY KEY,
  facility       TEXT NOT NULL,
  reason         TEXT NOT NULL,
  observation_id TEXT,
  candidates     TEXT NOT NULL,
  opened         INTEGER NOT NULL,
  closed         INTEGER
) STRICT;

CREATE TABLE evidence (
  id     TEXT PRIMARY KEY,
  media  TEXT NOT NULL,
  chunks INTEGER NOT NULL
) STRICT;
CREATE TABLE evidence_chunk (
  id      TEXT NOT NULL,
  "index" INTEGER NOT NULL,
  payload BLOB NOT NULL,
  PRIMARY KEY (id, "index")
) STRICT;
