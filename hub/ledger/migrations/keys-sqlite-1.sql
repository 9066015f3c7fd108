-- Keys, each wrapped under the group key. `about`: the record that a stream of its own speaks of.
CREATE TABLE keys (
  owner   TEXT PRIMARY KEY,
  wrapped BLOB NOT NULL,
  about   TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_about ON keys (about) WHERE about IS NOT NULL;
-- Whose key was destroyed, so that no new one is ever made for them.
CREATE TABLE erased (owner TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
-- Tells a wrong group key at once.
CREATE TABLE group_check (one INTEGER PRIMARY KEY CHECK (one = 1), sealed BLOB NOT NULL) STRICT;
