-- Schema 1. Append-only: a released migration is never edited (its SHA-256 is kept beside it).
-- Integers inside blobs are big-endian; times are microseconds UTC.
CREATE TABLE meta(k TEXT PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE subjects(locator INTEGER PRIMARY KEY, version INTEGER NOT NULL, state BLOB NOT NULL, seal BLOB NOT NULL) STRICT;
CREATE TABLE external_refs(h BLOB PRIMARY KEY, subject INTEGER NOT NULL, seal BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE records(locator INTEGER PRIMARY KEY, subject INTEGER NOT NULL, collection INTEGER NOT NULL, version INTEGER NOT NULL,
  head_version INTEGER NOT NULL, status INTEGER NOT NULL, created_us INTEGER NOT NULL, expires_us INTEGER, generations BLOB NOT NULL,
  seal BLOB NOT NULL, sealed BLOB NOT NULL) STRICT;
CREATE INDEX records_subject ON records(subject, locator);
CREATE INDEX records_expiry ON records(expires_us) WHERE expires_us IS NOT NULL;
CREATE TABLE keys(locator INTEGER NOT NULL, version INTEGER NOT NULL, kek INTEGER NOT NULL, wrapped BLOB NOT NULL CHECK(length(wrapped)=48),
  PRIMARY KEY(locator, version)) STRICT, WITHOUT ROWID;
CREATE TABLE blind(field INTEGER NOT NULL, ver INTEGER NOT NULL, h BLOB NOT NULL, locator INTEGER NOT NULL,
  PRIMARY KEY(field, ver, h, locator)) STRICT, WITHOUT ROWID;
-- A replaced or shredded record takes its blind entries with it; without this they could be found only by a scan. Append-like.
CREATE INDEX blind_locator ON blind(locator);
CREATE TABLE grants(locator INTEGER PRIMARY KEY, record INTEGER NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
  expires_us INTEGER, seal BLOB NOT NULL) STRICT;
CREATE INDEX grants_record ON grants(record, locator);
CREATE TABLE controls(kind INTEGER NOT NULL, id BLOB NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL, seal BLOB NOT NULL,
  PRIMARY KEY(kind, id)) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency(client INTEGER NOT NULL, k BLOB NOT NULL, body BLOB NOT NULL, at_us INTEGER NOT NULL, result BLOB NOT NULL,
  PRIMARY KEY(client, k)) STRICT, WITHOUT ROWID;
CREATE TABLE limits(client INTEGER NOT NULL, rule INTEGER NOT NULL, day INTEGER NOT NULL, audit_pos INTEGER NOT NULL, state BLOB NOT NULL,
  PRIMARY KEY(client, rule, day)) STRICT, WITHOUT ROWID;
CREATE TABLE audit(pos INTEGER PRIMARY KEY, node INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL, at_us INTEGER NOT NULL,
  body BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
