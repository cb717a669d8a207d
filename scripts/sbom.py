#!/usr/bin/env python3
"""Writes what the vault is built of as CycloneDX 1.5 JSON, and checks it.

    scripts/sbom.py [--out target/sbom.cdx.json] [--binary target/release/strongroom]

Components are the crates that are really linked (no build scripts, no development dependencies) for this machine, with
licence, checksum and package URL, and who depends on whom. The same Cargo.lock gives the same bytes: no time, no random
serial number. With --binary, the list that `cargo auditable build` left in the binary is read out of its section and must
name the same crates and versions; a binary without the section is refused. Standard library only, no network.
"""

import argparse
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tomllib
import zlib

PURL = "pkg:cargo/{}@{}"


def host():
    out = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True, timeout=60).stdout
    return re.search(r"^host: (\S+)$", out, re.M).group(1)


def linked(metadata):
    """{id: [ids]} of everything reached from the root over normal dependencies; procedural macros are left out."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    macros = {p["id"] for p in metadata["packages"] if any("proc-macro" in t["kind"] for t in p["targets"])}
    found, todo = {}, [metadata["resolve"]["root"]]
    while todo:
        this = todo.pop()
        if this not in found:
            deps = [d["pkg"] for d in nodes[this]["deps"] if any(k["kind"] is None for k in d["dep_kinds"])]
            found[this] = sorted(d for d in deps if d not in macros)
            todo += found[this]
    return found


def document(metadata, lock):
    checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}
    packages = {p["id"]: p for p in metadata["packages"]}
    tree = linked(metadata)

    def reference(this):
        return PURL.format(packages[this]["name"], packages[this]["version"])

    def component(this, kind):
        package = packages[this]
        entry = {"type": kind, "bom-ref": reference(this), "name": package["name"], "version": package["version"],
                 "purl": reference(this)}
        if package.get("license"):
            entry["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        checksum = checksums.get((package["name"], package["version"]))
        if checksum:
            entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return entry

    root = metadata["resolve"]["root"]
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(root, "application")},
        "components": sorted((component(i, "library") for i in tree if i != root), key=lambda c: c["purl"]),
        "dependencies": sorted(({"ref": reference(i), "dependsOn": sorted({reference(d) for d in deps})}
                                for i, deps in tree.items()), key=lambda d: d["ref"]),
    }
    # A serial number that follows from the content.
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    serial = f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
    return {"bomFormat": body.pop("bomFormat"), "specVersion": body.pop("specVersion"),
            "serialNumber": f"urn:uuid:{serial}", **body}


def faults(sbom):
    """What makes it no sound CycloneDX document, or one that says too little."""
    if (sbom.get("bomFormat"), sbom.get("specVersion")) != ("CycloneDX", "1.5"):
        yield "it is no CycloneDX 1.5"
    if not re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", sbom.get("serialNumber", "")):
        yield "its serial number is none"
    every = [sbom["metadata"]["component"], *sbom["components"]]
    names = [c["bom-ref"] for c in every]
    if len(names) != len(set(names)):
        yield "a component is there twice"
    for c in sbom["components"]:
        if not c.get("licenses") or not re.fullmatch(r"[0-9a-f]{64}", c.get("hashes", [{}])[0].get("content", "")):
            yield f"{c['purl']} lacks its licence or checksum"
        if c["purl"] != PURL.format(c["name"], c["version"]):
            yield f"{c['purl']} is not {c['name']} {c['version']}"
    if sorted(d["ref"] for d in sbom["dependencies"]) != sorted(names):
        yield "dependencies are not told of every component"
    for d in sbom["dependencies"]:
        yield from (f"{d['ref']} depends on {on}, which is not there" for on in d["dependsOn"] if on not in names)


def section(elf, name):
    """A section of a 64-bit little-endian ELF file; None when it has none of this name."""
    if elf[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    at, = struct.unpack_from("<Q", elf, 40)
    size, count, names = struct.unpack_from("<HHH", elf, 58)
    headers = [struct.unpack_from("<IIQQQQ", elf, at + i * size) for i in range(count)]
    table = headers[names][4]
    for label, _, _, _, offset, length in headers:
        start = table + label
        if elf[start:elf.index(b"\0", start)] == name:
            return elf[offset:offset + length]
    return None


def embedded(binary):
    """{(name, version)} that `cargo auditable` wrote into a binary and that are linked; None without the section."""
    with open(binary, "rb") as file:
        data = section(file.read(), b".dep-v0")
    if data is None:
        return None
    listed = json.loads(zlib.decompress(data))["packages"]
    return {(p["name"], p["version"]) for p in listed if p.get("kind", "runtime") == "runtime"}


def compared(sbom, binary, lock):
    listed = embedded(binary)
    if listed is None:
        yield f"{binary} has no .dep-v0 section; build it with `cargo auditable build`"
        return
    ours = {(c["name"], c["version"]) for c in [sbom["metadata"]["component"], *sbom["components"]]}
    locked = {(p["name"], p["version"]) for p in lock["package"]}
    yield from (f"{n} {v} is in the binary, but not in Cargo.lock" for n, v in sorted(listed - locked))
    # The binary's list counts what procedural macros are made of by its own rules; ours must be in it whole.
    yield from (f"{n} {v} is in the SBOM, but not in the binary" for n, v in sorted(ours - listed))
    yield from (f"{n} {v} is in the binary, but not in the SBOM" for n, v in sorted(listed - ours))


def self_test():
    """The checks must bite."""
    package = {"name": "a", "version": "1.0.0", "id": "r", "license": "MIT", "targets": [{"kind": ["bin"]}]}
    dep = dict(package, name="b", id="d", targets=[{"kind": ["lib"]}])
    macro = dict(package, name="m", id="m", targets=[{"kind": ["proc-macro"]}])
    edge = [{"pkg": "d", "dep_kinds": [{"kind": None}]}, {"pkg": "m", "dep_kinds": [{"kind": None}]}]
    resolve = {"root": "r", "nodes": [{"id": "r", "deps": edge}, {"id": "d", "deps": []}, {"id": "m", "deps": []}]}
    lock = {"package": [{"name": "b", "version": "1.0.0", "checksum": "0" * 64}]}
    sbom = document({"packages": [package, dep, macro], "resolve": resolve}, lock)
    assert not list(faults(sbom)) and [c["name"] for c in sbom["components"]] == ["b"]
    assert sbom == document({"packages": [dep, macro, package], "resolve": resolve}, lock)
    for spoil in (lambda s: s["components"].append(s["components"][0]), lambda s: s["components"][0].pop("hashes"),
                  lambda s: s["dependencies"].pop(), lambda s: s["components"].clear()):
        spoilt = json.loads(json.dumps(sbom))
        spoil(spoilt)
        assert list(faults(spoilt))


def main():
    self_test()
    top = os.path.relpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    parser = argparse.ArgumentParser(description="What the vault is built of, as CycloneDX 1.5 JSON.")
    parser.add_argument("--out", default=os.path.join(top, "target/sbom.cdx.json"), help="default: target/sbom.cdx.json")
    parser.add_argument("--binary", help="one built with cargo auditable, whose own list is compared")
    options = parser.parse_args()
    try:
        write(options, top)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode() if isinstance(error.stderr, bytes) else error.stderr
        sys.exit(f"{error.cmd[0]} failed: {(said or '').strip()}")
    except subprocess.TimeoutExpired as error:
        sys.exit(f"{error.cmd[0]} took longer than {error.timeout:.0f} s")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    except ValueError as error:
        sys.exit(f"{options.binary or 'what cargo says'} cannot be read: {error}")


def write(options, top):
    """Makes the document, writes and checks it; ends the process by what was found."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host(),
               "--manifest-path", os.path.join(top, "Cargo.toml")]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=300).stdout)
    with open(os.path.join(top, "Cargo.lock"), "rb") as file:
        lock = tomllib.load(file)
    sbom = document(metadata, lock)
    os.makedirs(os.path.dirname(options.out) or ".", exist_ok=True)
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(sbom, file, indent=1)
        file.write("\n")
    found = list(faults(sbom))
    if options.binary:
        found += compared(sbom, options.binary, lock)
    for fault in found:
        print(fault, file=sys.stderr)
    matched = " and the binary's own list" if options.binary else ""
    print(f"{options.out}: {len(sbom['components'])} components{matched}, {len(found)} faults")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
