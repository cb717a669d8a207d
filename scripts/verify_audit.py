#!/usr/bin/env python3
"""Verifies the audit log of a Strongroom data directory (or of a copy of its vault.db), from docs/audit-format.md alone.

Usage: verify_audit.py VAULT_DB [--checkpoint SIZE:HASH]
Exit code 0 and one line when the log is whole, 1 and the first bad position when it is not.
"""
import argparse
import base64
import hashlib
import sqlite3
import struct
import sys

BOOT, INIT = 1, 2
FIXED = {1: 16, 2: 8, 4: 16, 5: 8, 8: 4, 9: 2, 11: 1, 16: 24, 18: 1, 20: 4, 21: 4, 22: 4, 23: 4, 25: 8, 26: 8}
TEXTS = {6, 7, 10, 12, 13, 19}
LISTS = {14: 8, 15: 11, 24: 30}
ALWAYS = {1, 2, 3, 11, 18}


class Broken(Exception):
    pass


def fields(body):
    """Tags and values of a body; refuses every spelling but the canonical one."""
    if not body or body[0] != 1 or len(body) > 256 * 1024:
        raise Broken("the body is of an unknown version or too long")
    at, last, found = 1, 0, {}
    while at < len(body):
        tag = body[at]
        if tag <= last:
            raise Broken(f"tag {tag} is repeated or out of order")
        at, size, shift = at + 1, 0, 0
        while True:
            if at >= len(body) or shift > 28:
                raise Broken("a length runs past the end")
            byte = body[at]
            at += 1
            size |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    raise Broken("a length is not minimal")
                break
            shift += 7
        value = body[at : at + size]
        if len(value) != size:
            raise Broken("a value runs past the end")
        check(tag, value)
        found[tag] = value
        at, last = at + size, tag
    if ALWAYS - found.keys():
        raise Broken("a field that every event has is missing")
    return found


def check(tag, value):
    if tag in FIXED:
        good = len(value) == FIXED[tag]
        if tag in {20, 21, 22, 23}:
            good = good and any(value)
    elif tag in TEXTS:
        good = len(value) <= 256 and utf8(value)
    elif tag in LISTS:
        good = len(value) > 0 and len(value) % LISTS[tag] == 0
    elif tag == 3:
        kind = value[:1]
        good = value == b"\0" or (kind == b"\1" and utf8(value[1:])) or (kind == b"\2" and len(value) == 5)
    elif tag == 17:
        good = len(value) >= 9 and value[0] <= 2 and utf8(value[9:])
    else:
        raise Broken(f"there is no tag {tag}")
    if not good:
        raise Broken(f"the value of tag {tag} is not in its canonical form")


def utf8(value):
    try:
        value.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def verify(rows, checkpoint):
    previous, place, last_at, boots, size = bytes(32), None, None, set(), 0
    for pos, node, boot, seq, at, body, digest in rows:
        size += 1
        try:
            if pos != size:
                raise Broken(f"found position {pos}: rows are missing, repeated or out of order")
            starts = place is None or place[:2] != (node, boot)
            if starts and (seq != 0 or (node, boot) in boots):
                raise Broken("a boot begins in its middle or comes back")
            if not starts and seq != place[2] + 1:
                raise Broken("events of a boot are missing or out of order")
            message = b"SR1 evt" + previous + struct.pack(">IQQq", node, boot, seq, at) + body
            if hashlib.sha256(message).digest() != digest:
                raise Broken("the hash does not match")
            if last_at is not None and at < last_at:
                raise Broken("the commit time goes back")
            act = fields(body)[11][0]
            if (act == BOOT) != starts or (act == INIT and pos != 2):
                raise Broken("a boot or init event where none can be, or none where one must be")
            if checkpoint and checkpoint[0] == pos and digest[:12] != checkpoint[1]:
                raise Broken("the hash is not the checkpoint's: rolled back or rewritten")
        except Broken as broken:
            return f"broken at position {size}: {broken}", 1
        boots.add((node, boot))
        previous, place, last_at = digest, (node, boot, seq), at
    if checkpoint and size < checkpoint[0]:
        return f"broken at position {size + 1}: the log ends before the checkpoint of {checkpoint[0]} events", 1
    head = base64.urlsafe_b64encode(previous[:12]).decode().rstrip("=")
    return f"verified: {size} events in {len(boots)} boots, head {size}:{head}", 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database")
    parser.add_argument("--checkpoint")
    args = parser.parse_args()
    checkpoint = None
    if args.checkpoint:
        size, text = args.checkpoint.split(":")
        checkpoint = (int(size), base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    connection = sqlite3.connect(f"file:{args.database}?mode=ro", uri=True)
    rows = connection.execute("SELECT pos, node, boot, seq, at_us, body, hash FROM audit ORDER BY pos")
    line, code = verify(rows, checkpoint)
    print(line)
    return code


if __name__ == "__main__":
    sys.exit(main())
