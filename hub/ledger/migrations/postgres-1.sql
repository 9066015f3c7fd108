-- The end of the ledger: one row, compared and set by every commit. A mismatch makes `term` null, which the
-- column refuses, and with it the whole commit.
CREATE TABLE head (
  one         smallint PRIMARY KEY DEFAULT 1 CHECK (one = 1),
  term        bigint NOT NULL,
  commits     bigint NOT NULL,
  position    bigint NOT NULL,
  recorded_at bigint NOT NULL,
  chain       bytea  NOT NULL,
  peaks       bytea  NOT NULL
) WITH (fillfactor = 20);

-- Every beginning of this history: init, restore, promotion.
CREATE TABLE genesis (
  epoch      integer PRIMARY KEY,
  store_id   uuid   NOT NULL,
  after      bigint NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE events (
  position       bigint  NOT NULL CONSTRAINT events_position PRIMARY KEY,
  event_id       uuid    NOT NULL CONSTRAINT events_event_id UNIQUE,
  stream         text    NOT NULL,
  stream_version bigint  NOT NULL,
  type           text    NOT NULL,
  schema_version integer NOT NULL,
  recorded_at    bigint  NOT NULL,
  facility       text,
  patient        uuid,
  observation_id uuid,
  evidence       text,
  as_of          bigint,
  payload        bytea   NOT NULL,
  leaf           bytea   NOT NULL,
  CONSTRAINT events_stream UNIQUE (stream, stream_version)
);
-- Ciphertext does not compress.
ALTER TABLE events ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE TABLE inbox (
  arrival        bigint GENERATED ALWAYS AS IDENTITY,
  observation_id uuid NOT NULL CONSTRAINT inbox_observation PRIMARY KEY,
  facility       text NOT NULL,
  outcome        text NOT NULL,
  first_position bigint,
  last_position  bigint,
  case_id        uuid,
  reason         text,
  observation    bytea
);
CREATE INDEX inbox_set_aside ON inbox (outcome, arrival) WHERE outcome IN ('waiting', 'parked');

CREATE TABLE identity_key (
  kind   text  NOT NULL,
  scope  text  NOT NULL,
  digest bytea NOT NULL,
  record uuid  NOT NULL,
  CONSTRAINT identity_key_taken PRIMARY KEY (kind, scope, digest)
);

CREATE TABLE cases (
  case_id        uuid PRIMARY KEY,
  facility       text   NOT NULL,
  reason         text   NOT NULL,
  observation_id uuid,
  candidates     text   NOT NULL,
  opened         bigint NOT NULL,
  closed         bigint
);

CREATE TABLE evidence (
  id     text PRIMARY KEY,
  media  text    NOT NULL,
  chunks integer NOT NULL
);
CREATE TABLE evidence_chunk (
  id      text    NOT NULL,
  index   integer NOT NULL,
  payload bytea   NOT NULL,
  PRIMARY KEY (id, index)
);
ALTER TABLE evidence_chunk ALTER COLUMN payload SET STORAGE EXTERNAL;
