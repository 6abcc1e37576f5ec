"""What is printed and written about the results: a table, JSON and JUnit's XML."""

from __future__ import annotations

import collections
import json
import os
import xml.sax.saxutils as saxutils


def counts(results):
    c = collections.Counter(r["outcome"] for r in results)
    return {
        k: c.get(k, 0)
        for k in (
            "passed",
            "failed",
            "error",
            "timeout",
            "crashed",
            "skipped",
            "xfailed",
            "xpassed",
        )
    }


def junit(files, path):
    q = saxutils.quoteattr
    with open(path, "w") as f:
        f.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n')
        for r in files:
            c = counts(r["results"])
            f.write(
                f' <testsuite name={q(r["file"])} tests="{len(r["results"])}" '
                f'failures="{c["failed"] + c["timeout"]}" errors="{c["error"] + c["crashed"]}" '
                f'skipped="{c["skipped"] + c["xfailed"]}" time="{r["seconds"]}">\n'
            )
            for t in r["results"]:
                name = t["id"].split("::", 1)[-1]
                seconds = t.get("seconds", 0)
                f.write(f'  <testcase classname={q(r["file"])} name={q(name)} time="{seconds}">')
                if t["outcome"] in ("failed", "timeout"):
                    f.write(f"<failure message={q(t['why'])}/>")
                elif t["outcome"] in ("error", "crashed"):
                    f.write(f"<error message={q(t['why'])}/>")
                elif t["outcome"] in ("skipped", "xfailed"):
                    f.write(f"<skipped message={q(t['why'])}/>")
                f.write("</testcase>\n")
            f.write(" </testsuite>\n")
        f.write("</testsuites>\n")


# The result of a file that did not run.
EMPTY = {"collected": 0, "results": [], "note": "", "seconds": 0, "imports": [], "folder": ""}
BAD = ("failed", "error", "timeout", "crashed")
COLUMNS = (
    ("tests", 6),
    ("pass", 6),
    ("fail", 6),
    ("err", 5),
    ("t/o", 5),
    ("dead", 5),
    ("skip", 6),
    ("xf", 4),
    ("lack", 6),
    ("sec", 7),
)
HEAD = f"{'file':<52}" + "".join(f"{name:>{width}}" for name, width in COLUMNS)


def print_file(result, args):
    """One line of the table, and what was asked for below it."""
    rows = result["results"]
    c = counts(rows)
    cells = (
        len(rows),
        c["passed"],
        c["failed"],
        c["error"],
        c["timeout"],
        c["crashed"],
        c["skipped"],
        c["xfailed"] + c["xpassed"],
        sum(t["missing"] for t in rows),
        result["seconds"],
    )
    line = "".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, COLUMNS, strict=True))
    print(f"{result['file']:<52}{line} {result['note']}", flush=True)
    for t in [t for t in rows if t["outcome"] in BAD][: args.failures]:
        why = t["why"].splitlines()[0][:150] if t["why"] else t["outcome"]
        print(f"    {t['id'].split('::', 1)[1]}: {why}")
    if args.imports:
        for peer, name, how in result["imports"]:
            if how != "target":
                print(f"    import {peer}:{name} <- {how}")


def print_totals(files, total, selected):
    """The last lines: all tests, and how many of the selected ones passed."""
    print(
        f"total: {sum(total.values())} tests, "
        + ", ".join(f"{v} {k}" for k, v in total.items() if v)
    )
    if not selected:
        return
    want = {line.partition("\t")[0] for lines in selected.values() for line in lines}
    got = {t["id"]: t["outcome"] for result in files for t in result["results"]}
    print(f"absent: {sum(w not in got for w in want)}")
    print(f"selected: {sum(got.get(w) in ('passed', 'xpassed') for w in want)}/{len(want)} passed")


def write_json(files, args):
    total = collections.Counter()
    for result in files:
        total.update(counts(result["results"]))
    content = {
        "target": args.target,
        "mode": args.mode,
        "helpers": args.helpers,
        "cluster": args.cluster,
        "total": dict(total),
        "files": files,
    }
    with open(args.json + ".part", "w") as f:
        json.dump(content, f, indent=0)
    os.replace(args.json + ".part", args.json)
