-- Keys, each wrapped under the group key. `about`: the record that a stream of its own speaks of.
CREATE TABLE keys (
  owner   text CONSTRAINT keys_owner PRIMARY KEY,
  wrapped bytea NOT NULL,
  about   uuid
);
CREATE INDEX keys_about ON keys (about) WHERE about IS NOT NULL;
-- Whose key was destroyed, so that no new one is ever made for them.
CREATE TABLE erased (owner text PRIMARY KEY);
-- Tells a wrong group key at once.
CREATE TABLE group_check (one smallint PRIMARY KEY DEFAULT 1 CHECK (one = 1), sealed bytea NOT NULL);
