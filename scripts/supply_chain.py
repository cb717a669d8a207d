#!/usr/bin/env python3
"""Holds the dependency graph to deny.toml (banned crates, licences, sources) and to advisories.toml (versions known to be
vulnerable), and the fuzz driver's Cargo.lock to ours. Standard library only, no network.

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


def order(version):
    """A version as something that sorts: numbers, then whether it is a release, then the pre-release."""
    version, _, _ = version.partition("+")
    core, _, pre = version.partition("-")
    numbers = [int(n) for n in core.split(".")]
    return numbers + [0] * (3 - len(numbers)), pre == "", [(not p.isdigit(), p.zfill(20)) for p in pre.split(".")]


def within(version, bounds):
    """Whether a version is in a range such as `>=1.2.0, <1.4.1`."""
    if bounds.strip() == "*":
        return True
    tests = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, "<": lambda a, b: a < b, ">": lambda a, b: a > b,
             "=": lambda a, b: a == b}
    for bound in bounds.split(","):
        how, than = re.fullmatch(r"\s*(>=|<=|<|>|=)\s*(\d[^\s]*)\s*", bound).groups()
        if not tests[how](order(version), order(than)):
            return False
    return True


def vulnerable(known, locks):
    """What a lock file holds that an advisory is about."""
    for file, lock in locks.items():
        for package in lock["package"]:
            for advisory in known["advisory"]:
                name, version = package["name"], package["version"]
                if name == advisory["crate"] and any(within(version, b) for b in advisory["affected"]):
                    yield f"{file}: {name} {version} has {advisory['id']}: {advisory['what']}"


def ill_formed(known):
    """Advisories that could never be found."""
    for advisory in known["advisory"]:
        if not re.fullmatch(r"RUSTSEC-\d{4}-\d{4}|GHSA(-[0-9a-z]{4}){3}", advisory["id"]):
            yield f"advisories.toml: {advisory['id']} is no advisory's id"
        if not advisory["affected"] or not advisory["what"]:
            yield f"advisories.toml: {advisory['id']} does not say what it is about"
        for bounds in advisory["affected"]:
            within("1.0.0", bounds)


# What the fuzz driver adds to the vault's own graph.
DRIVER = {"strongroom-fuzz", "strongroom", "libfuzzer-sys", "arbitrary"}


def drifted(ours, driver):
    """The fuzz driver must build the very versions the vault is built of."""
    mine = {(p["name"], p["version"], p.get("checksum")) for p in ours["package"]}
    for package in driver["package"]:
        known = (package["name"], package["version"], package.get("checksum"))
        if package["name"] not in DRIVER and known not in mine:
            yield f"fuzz/Cargo.lock has {known[0]} {known[1]}, Cargo.lock has not; run scripts/fuzz.sh --lock"


def self_test():
    """The checks must bite."""
    for version, bounds, expected in [
        ("0.103.12", "<0.103.13", True), ("0.103.13", "<0.103.13", False), ("1.44.1", ">=1.44.0, <1.44.2", True),
        ("1.44.2", ">=1.44.0, <1.44.2", False), ("0.15.0", "=0.15.0", True), ("9.9.9", "*", True),
        ("3.0.0-rc.1", "<3.0.0", True), ("3.0.0", "<3.0.0", False), ("1.10.0", "<1.9.0", False),
        ("1.2.1+spec-1.1.0", ">=1.2.1", True), ("3.0.0-rc.10", ">3.0.0-rc.9", True),
    ]:
        assert within(version, bounds) == expected, (version, bounds)
    known = {"advisory": [{"id": "RUSTSEC-2026-0104", "crate": "a", "affected": ["<1.0.0", "=2.0.0"], "what": "w"},
                          {"id": "RUSTSEC-2023-0071", "crate": "b", "affected": ["*"], "what": "w"}]}
    planted = {"lock": {"package": [{"name": "a", "version": v} for v in ("0.9.9", "1.0.0", "2.0.0")]
                        + [{"name": "b", "version": "1.0.0"}, {"name": "c", "version": "0.1.0"}]}}
    assert len(list(vulnerable(known, planted))) == 3
    assert not list(ill_formed(known)) and list(ill_formed({"advisory": [{"id": "x", "affected": ["*"], "what": "w"}]}))
    ours = {"package": [{"name": "a", "version": "1.0.0", "checksum": "x"}]}
    assert not list(drifted(ours, ours))
    assert list(drifted(ours, {"package": [{"name": "a", "version": "1.0.1", "checksum": "y"}]}))
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
    files = {}
    for name in ("deny.toml", "advisories.toml", "Cargo.lock", "fuzz/Cargo.lock"):
        with open(name, "rb") as file:
            files[name] = tomllib.load(file)
    rules, known, lock, driver = files.values()
    # First what needs no cargo: it says more than cargo does about a lock file that was tampered with.
    found = [*ill_formed(known), *drifted(lock, driver)]
    found += vulnerable(known, {"Cargo.lock": lock, "fuzz/Cargo.lock": driver})
    for fault in found:
        print(fault, file=sys.stderr)
    built = {} if found else graph(rules["graph"]["targets"])
    for fault in faults(rules, lock, built):
        found.append(fault)
        print(fault, file=sys.stderr)
    print(f"{len(built)} crates built, {len(known['advisory'])} advisories known, {len(found)} faults")
    sys.exit(1 if found or not built else 0)


if __name__ == "__main__":
    main()
