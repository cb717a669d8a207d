#!/usr/bin/env python3
"""Holds the dependency graph to deny.toml: banned crates, licences, sources. Standard library only, no network.

Reads what `cargo tree` says is really built for the targets named there (Cargo.lock also lists crates that no enabled
feature pulls in), so it needs nothing but cargo.
"""

import re
import subprocess
import sys
import tomllib


def graph(targets):
    """{(name, version): licence} of everything built, build scripts and development dependencies included."""
    found = {}
    for target in targets:
        command = ["cargo", "tree", "--locked", "-e", "all", "--target", target, "--prefix", "none", "-f", "{p}|{l}"]
        out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
        for line in out.splitlines():
            named, _, licence = line.partition("|")
            match = re.match(r"(\S+) v(\S+)", named)
            if match:
                found[match.groups()] = licence.removesuffix(" (*)").strip()
    return found


def allowed(expression, allow):
    """Evaluates an SPDX expression (AND, OR, WITH, parentheses; `/` is the old spelling of OR)."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    position = 0

    def term():
        nonlocal position
        token, position = tokens[position], position + 1
        if token == "(":
            value, position = either(), position + 1
            return value
        if position < len(tokens) and tokens[position] == "WITH":
            token, position = f"{token} WITH {tokens[position + 1]}", position + 2
        return token in allow

    def every():
        nonlocal position
        value = term()
        while position < len(tokens) and tokens[position] == "AND":
            position += 1
            value = term() and value
        return value

    def either():
        nonlocal position
        value = every()
        while position < len(tokens) and tokens[position] == "OR":
            position += 1
            value = every() or value
        return value

    return bool(tokens) and either()


def faults(rules, lock, built):
    banned = {entry["name"]: entry["reason"] for entry in rules["bans"]["deny"]}
    registries = {"registry+" + url for url in rules["sources"]["allow-registry"]}
    for (name, version), licence in sorted(built.items()):
        if name in banned:
            yield f"{name} {version} is banned: {banned[name]}"
        if not allowed(licence, rules["licenses"]["allow"]):
            yield f"{name} {version} has a licence that is not on the list: {licence or 'none'}"
    for package in lock["package"]:
        source = package.get("source")
        if source and source not in registries:
            yield f"{package['name']} comes from {source}"
        if source and not package.get("checksum"):
            yield f"{package['name']} has no checksum in Cargo.lock"


def self_test():
    """The checks must bite."""
    allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "ISC"]
    assert allowed("MIT OR GPL-3.0", allow) and allowed("MIT/Apache-2.0", allow)
    assert allowed("ISC AND (Apache-2.0 OR GPL-3.0)", allow) and allowed("Apache-2.0 WITH LLVM-exception", allow)
    assert not allowed("GPL-3.0", allow) and not allowed("MIT AND GPL-3.0", allow) and not allowed("", allow)
    rules = {"bans": {"deny": [{"name": "ring", "reason": "r"}]}, "licenses": {"allow": allow},
             "sources": {"allow-registry": ["https://a"]}}
    lock = {"package": [{"name": "x", "source": "git+https://b"}, {"name": "y", "source": "registry+https://a"}]}
    assert len(list(faults(rules, lock, {("ring", "1"): "MIT", ("z", "1"): "GPL-3.0"}))) == 5


def main():
    self_test()
    with open("deny.toml", "rb") as rules, open("Cargo.lock", "rb") as lock:
        rules, lock = tomllib.load(rules), tomllib.load(lock)
    built = graph(rules["graph"]["targets"])
    found = list(faults(rules, lock, built))
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"{len(built)} crates built, {len(found)} faults")
    sys.exit(1 if found or not built else 0)


if __name__ == "__main__":
    main()
