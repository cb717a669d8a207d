#!/usr/bin/env python3
"""Verifies a Strongroom audit log, from docs/audit-format.md alone, with nothing but the standard library.

    verify_audit.py vault.db [--checkpoint SIZE:HASH]...   exit 0: it verifies; 1: broken; 2: could not be read
    verify_audit.py --vectors tests/vectors/audit          checks this program against the frozen vectors

Work on a copy or a backup; the database is opened read-only. Stored texts are never printed.
"""

import argparse
import base64
import hashlib
import pathlib
import re
import sqlite3
import struct
import sys
from collections import Counter

LABEL = b"SR1 evt"
GENESIS = bytes(32)
MAX_BODY = 262_144
MAX_TEXT = 256
ACTS = [
    "boot", "init", "detokenize", "search", "verify", "subject.create", "subject.update", "subject.anchor",
    "subject.notice", "subject.view", "record.create", "record.view", "record.update", "record.delete", "token.mint",
    "token.inspect", "token.revoke", "consent.record", "consent.view", "whoami", "client.change", "client.key",
    "policy.change", "unknown_route", "refusal.sum", "shutdown", "audit.query", "context.register",
    "unsubscribe.link", "unsubscribe", "certificate.view", "tls.reload", "settings.reload", "token.export",
]
OUTCOMES = ["allowed", "denied", "not_found", "invalid", "limited", "conflict", "failed", "refused"]
BOOT, INIT, DETOKENIZE = 1, 2, 3
REQUIRED = (1, 2, 3, 11, 18)


class Broken(Exception):
    """The log is not what was written, at this position, for this reason."""

    def __init__(self, pos, reason):
        super().__init__(f"broken at position {pos}: {reason}")


class Malformed(Exception):
    """The bytes are not a canonical event."""


def text(value):
    if len(value) > MAX_TEXT:
        return False
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def size(n):
    return lambda value: len(value) == n


def nonzero(n):
    return lambda value: len(value) == n and any(value)


def rows(width, most):
    return lambda value: 0 < len(value) <= width * most and len(value) % width == 0


def principal(value):
    kind, rest = value[:1], value[1:]
    return (
        (kind == b"\x00" and not rest)
        or (kind == b"\x01" and text(rest))
        or (kind == b"\x02" and len(rest) == 4)
    )


def numbered(last):
    return lambda value: len(value) == 1 and 1 <= value[0] <= last


def country(value):
    return re.fullmatch(rb"[A-Z]{2}", value) is not None


def context(value):
    return len(value) >= 9 and value[0] <= 2 and text(value[9:])


def changed(value):
    return rows(30, 4096)(value) and all(1 <= kind <= 5 for kind in value[8::30])


def part(value):
    if len(value) != 8:
        return False
    i, n = struct.unpack(">II", value)
    return 1 <= i <= n and (i, n) != (1, 1)


FIELDS = {
    1: size(16), 2: size(8), 3: principal, 4: size(16), 5: size(8), 6: text, 7: text, 8: size(4), 9: country,
    10: text, 11: numbered(len(ACTS)), 12: text, 13: text, 14: rows(8, 1000), 15: rows(11, 1000), 16: nonzero(24),
    17: context, 18: numbered(len(OUTCOMES)), 19: text, 20: nonzero(4), 21: nonzero(4), 22: nonzero(4),
    23: nonzero(4), 24: changed, 25: part, 26: size(8), 27: size(16),
}


def length(body, at):
    """Reads a minimal LEB128 of at most three bytes; gives the number and where it ends."""
    number = 0
    for i in range(3):
        if at + i >= len(body):
            raise Malformed("a length is cut short")
        byte = body[at + i]
        number |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            if byte == 0 and i > 0:
                raise Malformed("a length is not minimal")
            return number, at + i + 1
    raise Malformed("a length is too long")


def decode(body):
    """The fields of an event by tag, or Malformed."""
    if len(body) > MAX_BODY:
        raise Malformed("the body is too long")
    if body[:1] != b"\x01":
        raise Malformed("unknown version")
    fields, at, last = {}, 1, 0
    while at < len(body):
        tag = body[at]
        if tag <= last:
            raise Malformed(f"tag {tag} is repeated or out of order")
        number, start = length(body, at + 1)
        value = body[start:start + number]
        if len(value) != number:
            raise Malformed("a value runs past the end")
        if tag not in FIELDS:
            raise Malformed(f"unknown tag {tag}")
        if not FIELDS[tag](value) or (tag in (7, 8, 9) and 6 not in fields):
            raise Malformed(f"tag {tag} is not in its canonical form")
        fields[tag], last, at = value, tag, start + number
    for tag in REQUIRED:
        if tag not in fields:
            raise Malformed(f"tag {tag} is missing")
    return fields


def items_are_well_formed(fields):
    packed = fields.get(15, b"")
    for i in range(0, len(packed), 11):
        outcome, nameless = packed[i + 10], packed[i:i + 8] == bytes(8)
        if not (outcome <= 2 or 16 <= outcome <= 47):
            return False
        if outcome <= 1 and nameless and fields[11][0] == DETOKENIZE:
            return False
    return True


def chain(previous, node, boot, seq, at_us, body):
    place = struct.pack(">IQQq", node, boot, seq, at_us)
    return hashlib.sha256(LABEL + previous + place + body).digest()


def checkpoint(argument):
    match = re.fullmatch(r"(0|[1-9][0-9]{0,19}):([A-Za-z0-9_-]{16})", argument)
    if not match or int(match[1]) >= 2**64:
        raise argparse.ArgumentTypeError("write SIZE:HASH exactly as the vault gave it")
    return int(match[1]), base64.urlsafe_b64decode(match[2])


class Verifier:
    """Takes row after row, in order of position."""
    def __init__(self, checkpoints):
        self.checkpoints = checkpoints
        self.count, self.hash, self.previous, self.boots = 0, GENESIS, None, set()
        self.acts, self.outcomes, self.first = Counter(), Counter(), None
        self.compare()

    def compare(self):
        for size_, hash12 in self.checkpoints:
            if size_ == self.count and hash12 != self.hash[:12]:
                raise Broken(self.count, "the hash is not the checkpoint's: rewritten or rolled back")

    def push(self, row):
        due = self.count + 1
        pos, node, boot, seq, at_us, body, hash_ = row
        if pos != due:
            raise Broken(due, f"found position {pos}: rows are missing, repeated or out of order")
        numbers = all(isinstance(n, int) for n in (node, boot, seq, at_us))
        if not numbers or not 0 <= node < 2**32 or not isinstance(body, bytes) or not isinstance(hash_, bytes):
            raise Broken(due, "a column has the wrong type or range")
        boot, seq = boot % 2**64, seq % 2**64
        starts = self.follow(due, node, boot, seq)
        if chain(self.hash, node, boot, seq, at_us, body) != hash_:
            raise Broken(due, "the hash does not match: this row or its link to the one before was altered")
        if self.previous and at_us < self.previous[3]:
            raise Broken(due, "the commit time lies before that of the row before")
        act = self.judge(due, body, starts)
        self.boots.add((node, boot))
        self.first = at_us if self.first is None else self.first
        self.previous, self.count, self.hash = (node, boot, seq, at_us), due, hash_
        self.acts[ACTS[act - 1]] += 1
        self.compare()

    def follow(self, due, node, boot, seq):
        """Whether the row starts a boot."""
        if self.previous and self.previous[:2] == (node, boot):
            expected = self.previous[2] + 1
        elif (node, boot) in self.boots:
            raise Broken(due, "a boot appears a second time")
        else:
            expected = 0
        if seq != expected:
            raise Broken(due, f"sequence number {seq} where {expected} was due")
        return expected == 0

    def judge(self, due, body, starts):
        try:
            fields = decode(body)
        except Malformed as fault:
            raise Broken(due, f"the body is malformed: {fault}") from None
        act = fields[11][0]
        if starts and act != BOOT:
            raise Broken(due, "the boot's first event is not a boot event")
        if not starts and act == BOOT or act == INIT and due != 2:
            raise Broken(due, "a boot event amid a boot, or an init event elsewhere than at position 2")
        if not items_are_well_formed(fields):
            raise Broken(due, "an item is not well-formed")
        self.outcomes[OUTCOMES[fields[18][0] - 1]] += 1
        return act

    def finish(self):
        for size_, _ in self.checkpoints:
            if size_ > self.count:
                raise Broken(self.count + 1, f"the log ends before the checkpoint of {size_} events: truncated")


def verify(path, checkpoints):
    if pathlib.Path(path).is_dir():
        raise ValueError(f"{path} is a directory; name the database in it: {pathlib.Path(path) / 'vault.db'}")
    database = sqlite3.connect(f"{pathlib.Path(path).resolve().as_uri()}?mode=ro", uri=True)
    database.execute("PRAGMA trusted_schema=OFF")
    verifier = Verifier(checkpoints)
    for row in database.execute("SELECT pos, node, boot, seq, at_us, body, hash FROM audit ORDER BY pos"):
        verifier.push(row)
    verifier.finish()
    return verifier


def report(verifier):
    head = base64.urlsafe_b64encode(verifier.hash[:12]).decode()
    print(f"verified {verifier.count} events in {len(verifier.boots)} boots, checkpoint {verifier.count}:{head}")
    if verifier.previous:
        print(f"committed from {verifier.first} to {verifier.previous[3]} (microseconds since 1970, UTC)")
    for title, counter in (("acts", verifier.acts), ("outcomes", verifier.outcomes)):
        print(f"{title}: " + ", ".join(f"{name} {n}" for name, n in sorted(counter.items())))


def check_vectors(folder):
    def lines(name):
        content = (pathlib.Path(folder) / name).read_text(encoding="ascii").splitlines()
        return [line.split() for line in content if line and not line.startswith("#")]

    verifier = Verifier([])
    for pos, (_, boot, seq, at_us, body, hash_) in enumerate(lines("good.txt"), 1):
        verifier.push((pos, 0, int(boot), int(seq), int(at_us), bytes.fromhex(body), bytes.fromhex(hash_)))
    bad = lines("bad.txt")
    for name, *body in bad:
        try:
            decode(bytes.fromhex("".join(body)))
        except Malformed:
            continue
        raise Broken(0, f"bad vector {name} was read")
    print(f"{verifier.count} good vectors verified, {len(bad)} bad ones refused")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", nargs="?")
    parser.add_argument("--checkpoint", type=checkpoint, action="append", default=[])
    parser.add_argument("--vectors")
    arguments = parser.parse_args()
    if (arguments.database is None) == (arguments.vectors is None):
        parser.error("name either a database or --vectors")
    try:
        if arguments.vectors:
            check_vectors(arguments.vectors)
        else:
            report(verify(arguments.database, arguments.checkpoint))
    except Broken as broken:
        print(broken)
        return 1
    except (OSError, sqlite3.Error, ValueError) as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
