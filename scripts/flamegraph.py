#!/usr/bin/env python3
"""Draws a flame graph as SVG from the output of `perf script`: one frame a function, as wide as its share of the samples.

    perf script --no-inline -F comm,ip,sym -i target/profile.data | scripts/flamegraph.py "title" > docs/flamegraph-x.svg

Nothing but names of functions and threads gets into the picture: no addresses, no paths.
"""
import html
import re
import sys

WIDTH, ROW, LEAST = 1200, 16, 0.25  # pixels, pixels, percent below which a frame is left out


def stacks(lines):
    """Each sample as its frames from the outermost in, the thread first."""
    thread, frames = None, []
    for line in lines:
        line = line.rstrip()
        if not line:
            if thread is not None:
                yield [thread] + frames[::-1]
            thread, frames = None, []
        elif not line[0].isspace():
            thread = line.split("  ")[0].strip()
        elif match := re.match(r"\s*[0-9a-f]+ (.+)$", line):
            frames.append(short(match.group(1)))
    if thread is not None:
        yield [thread] + frames[::-1]


def short(name):
    """A name without hashes, offsets and the object it came from."""
    name = re.sub(r"\+0x[0-9a-f]+.*$|::h[0-9a-f]{16}| \(.*\)$", "", name)
    name = re.sub(r"<impl strongroom::[a-z_:]*?(\w+)>", r"\1", name)
    return name.replace("strongroom::", "").replace("{{closure}}", "…")


def tree(samples):
    root = [0, {}]
    for frames in samples:
        root[0] += 1
        node = root
        for frame in frames:
            if frame == "[unknown]":
                continue
            node = node[1].setdefault(frame, [0, {}])
            node[0] += 1
    return root


def colour(name, depth):
    hue = {"k": 30, "s": 200, "c": 120, "o": 50}[kind(name)]
    return f"hsl({hue},55%,{72 - depth % 2 * 4}%)"


def kind(name):
    if re.match(r"(crypto|aes|sha2|polyval|ghash|digest|<digest|hmac|rustls|<rustls|aws_lc)", name):
        return "c"
    if re.match(r"(sqlite3|rusqlite|<rusqlite|storage|wal|pager|unix|btree|moveTo|getPage)", name):
        return "s"
    if re.match(r"(entry_|do_|__x64|sys_|tcp_|ip_|__|sock|vfs|net_|ext4|schedule|asm_|finish_task)", name):
        return "k"
    return "o"


def draw(root, title):
    whole, boxes, deepest = root[0] or 1, [], 0

    def place(name, node, left, depth):
        nonlocal deepest
        share = 100 * node[0] / whole
        if share < LEAST:
            return
        deepest = max(deepest, depth)
        boxes.append((name, left, node[0] / whole * WIDTH, depth, share))
        at = left
        for child, below in sorted(node[1].items()):
            place(child, below, at, depth + 1)
            at += below[0] / whole * WIDTH

    place("all", root, 0, 0)
    height = (deepest + 3) * ROW
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
           f'font-family="monospace" font-size="11"><rect width="100%" height="100%" fill="#fff"/>'
           f'<text x="6" y="13">{html.escape(title)}: {whole} samples</text>')
    for name, left, width, depth, share in boxes:
        top, room = height - (depth + 1) * ROW, int(width / 6.7)
        label = name if len(name) <= room else name[: max(room - 1, 0)] + "…" if room > 3 else ""
        yield (f'<g><title>{html.escape(name)} {share:.1f} %</title><rect x="{left:.1f}" y="{top}" '
               f'width="{max(width - 0.4, 0.3):.1f}" height="{ROW - 1}" fill="{colour(name, depth)}"/>'
               f'<text x="{left + 2:.1f}" y="{top + 11}">{html.escape(label)}</text></g>')
    yield "</svg>"


if __name__ == "__main__":
    print("\n".join(draw(tree(stacks(sys.stdin)), sys.argv[1] if len(sys.argv) > 1 else "profile")))
