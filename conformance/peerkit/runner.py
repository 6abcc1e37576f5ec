"""Runs one test file in a process of its own, and goes on behind a test that hangs or crashes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

from peerkit.workfolder import prepare


def read(path):
    out = []
    if path.exists():
        with open(path) as f:
            for line in f:
                try:
                    out.append(json.loads(line))
                except ValueError:
                    pass
    return out


def run_file(label, path, args, mapping, base, select, where):
    folder = base / label[:-3].replace("/", ".")
    prepare(label, path, folder, args, mapping, where)
    out, done, log = folder / "_out.jsonl", folder / "_done.txt", folder / "_log.txt"
    env = dict(os.environ)
    env.update(
        PEERKIT_TARGET=args.target,
        PEERKIT_MAP=json.dumps(mapping),
        PEERKIT_HELPERS=args.helpers,
        PEERKIT_CLUSTER=args.cluster,
        PEERKIT_OUT=str(out),
        PEERKIT_TIMEOUT=str(args.timeout),
        PEERKIT_LABEL=label,
        PEERKIT_DONE=str(done),
        PEERKIT_DATA=str(folder),
        PEERKIT_SLOW="1" if args.slow else "0",
        PEERKIT_IMPORTS="1" if args.imports else "0",
        PYTHONFAULTHANDLER="1",
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
        DASK_CONFIG=env.get("DASK_CONFIG", str(folder / "no-config")),
    )
    env["PYTHONPATH"] = os.pathsep.join(
        [
            str(base / "lib"),
            str(folder),
            *args.path,
            *([env["PYTHONPATH"]] if env.get("PYTHONPATH") else []),
        ]
    )
    if select is not None:
        (folder / "_select.txt").write_text("\n".join(select) + "\n")
        env["PEERKIT_SELECT"] = str(folder / "_select.txt")
    results, errors, collected, imports = {}, [], None, []
    began, note, restarts = time.time(), "", 0
    cmd = [
        args.python,
        "-m",
        "pytest",
        "-p",
        "peerkit.plugin",
        "-c",
        str(folder / "pytest.ini"),
        "--rootdir",
        str(folder),
        str(folder / path.name),
    ]
    if args.k:
        cmd += ["-k", args.k]
    if args.nice:
        cmd = ["nice", "-n", str(args.nice)] + cmd
    while True:
        out.unlink(missing_ok=True)
        with open(log, "ab") as f:
            p = subprocess.Popen(
                cmd, cwd=folder, env=env, stdout=f, stderr=f, start_new_session=True
            )
        killed = False
        while p.poll() is None:
            time.sleep(0.2)
            rows = read(out)
            last = rows[-1] if rows else None
            age = time.time() - (out.stat().st_mtime if rows else began)
            limit = (
                3 * args.timeout + 15 if last and last["event"] == "start" else args.load_timeout
            )
            if age > limit or time.time() - began > args.file_timeout:
                killed = True
                with_group(p.pid, signal.SIGKILL)
                p.wait()
        with_group(p.pid, signal.SIGKILL)  # leftovers of the tests
        rows = read(out)
        current = None
        for r in rows:
            if r["event"] == "collected" and collected is None:
                collected = r["n"]
            elif r["event"] == "start":
                current = r["id"]
            elif r["event"] == "end":
                results[r["id"]] = r
                current = None
            elif r["event"] in ("collect-error", "module-skip"):
                errors.append(r)
            elif r["event"] == "imports":
                imports = r["log"]
        if current is not None:
            results[current] = {
                "id": current,
                "outcome": "crashed",
                "place": "",
                "seconds": 0,
                "why": "hung, killed" if killed else f"interpreter died ({p.returncode})",
            }
            restarts += 1
            if restarts <= args.restarts and time.time() - began < args.file_timeout:
                done.write_text("\n".join(results) + "\n")
                continue
            note = "given up after too many crashes"
        elif killed:
            note = "killed: no progress outside the tests"
        elif p.returncode not in (0, 1, 5) and not results:
            note = f"pytest ended with {p.returncode}"
        break
    if errors:
        note = "; ".join(f"{e['event']}: {e['why'].strip().splitlines()[-1][:160]}" for e in errors)
    rows = list(results.values())
    for r in rows:
        r["missing"] = "missing in " in r.get("why", "")
    return {
        "file": label,
        "collected": collected or 0,
        "results": rows,
        "note": note,
        "seconds": round(time.time() - began, 1),
        "imports": imports,
        "folder": str(folder),
    }


def with_group(pid, sig):
    try:
        os.killpg(pid, sig)
    except (ProcessLookupError, PermissionError):
        pass
