#!/usr/bin/env python3
"""Runs a command that builds into the cargo target directory which all clones share.

    .ci/shared_target.py cargo clippy --release

Third-party crates are compiled once for all clones that way. Cargo, though, knows a crate of the
workspace by its path below the workspace's root, and takes it as built when its files are older
than the last build, whichever clone that build was for: with nothing done about it, one clone
gets the binaries of another. So before the command runs, the times of our source files are set
by their contents: a file with the contents that the last build saw gets the time that it had
then, and any other file is new. Cargo then rebuilds exactly what differs. A lock keeps the
directory to one clone for as long as the command runs.

The directory is $OXIDASK_TARGET_DIR, or oxidask/target below the user's cache folder. The command
sees it as $CARGO_TARGET_DIR, and $PYO3_CONFIG_FILE besides: maturin and plain cargo otherwise
describe the same interpreter to pyo3 in different words, and each rebuilds it after the other.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: no lock, so build from one clone at a time there
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent.parent
# Set for the commands inside, so that a command that comes here again does not wait for itself.
HELD = "OXIDASK_TARGET_HELD"
# The stable ABI of the oldest Python that pyproject.toml allows, as the wheel is built.
PYO3_CONFIG = """\
implementation=CPython
version=3.11
target_abi=CPython-abi3-3.11
shared=true
build_flags=
suppress_build_script_link_lines=false
"""


def target_dir() -> Path:
    """Where everything is compiled."""
    if chosen := os.environ.get("OXIDASK_TARGET_DIR"):
        return Path(chosen).expanduser().resolve()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser().resolve() / "oxidask" / "target"


@contextlib.contextmanager
def held(target: Path) -> Iterator[None]:
    """Keep the directory to this process."""
    if fcntl is None or os.environ.get(HELD) == str(target):
        yield
        return
    with open(target / "oxidask.lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another build in {target}", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sources() -> Iterator[Path]:
    """Every file that a crate of the workspace may be compiled from."""
    for folder, folders, files in os.walk(ROOT / "crates"):
        folders[:] = [name for name in folders if name not in ("target", "__pycache__")]
        for name in files:
            yield Path(folder, name)


def settle_times(target: Path) -> None:
    """Give each source file a time that tells cargo whether the last build saw its contents."""
    record = target / "oxidask-sources.json"
    try:
        before = json.loads(record.read_text())
    except (OSError, ValueError):
        before = {}
    now, after = time.time_ns(), {}
    for path in sources():
        with contextlib.suppress(FileNotFoundError):  # an editor's swap file, gone meanwhile
            name = path.relative_to(ROOT).as_posix()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            seen, when = before.get(name, (None, 0))
            if seen != digest:
                when = now
            if path.stat().st_mtime_ns != when:
                os.utime(path, ns=(when, when))
            after[name] = (digest, when)
    part = record.with_suffix(".part")
    part.write_text(json.dumps(after))
    part.replace(record)


def environment(target: Path) -> dict[str, str]:
    """What the command sees."""
    env = {**os.environ, "CARGO_TARGET_DIR": str(target), HELD: str(target)}
    # A free-threaded Python has no stable ABI yet: there pyo3 must look at the interpreter.
    if os.name == "posix" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
        config = target / "oxidask-pyo3-config.txt"
        # Written once: pyo3 is rebuilt whenever the file is newer than it.
        if not config.exists() or config.read_text() != PYO3_CONFIG:
            config.write_text(PYO3_CONFIG)
        env["PYO3_CONFIG_FILE"] = str(config)
        env["PYO3_BUILD_EXTENSION_MODULE"] = "1"
    return env


def main() -> int:
    """Run the command of the command line; with none, print the directory."""
    target = target_dir()
    command = sys.argv[1:]
    if not command:
        print(target)
        return 0
    target.mkdir(parents=True, exist_ok=True)
    with held(target):
        settle_times(target)
        try:
            return subprocess.call(command, env=environment(target))
        except KeyboardInterrupt:
            return 130
        except FileNotFoundError:
            print(f"{command[0]}: not found", file=sys.stderr)
            return 127


if __name__ == "__main__":
    sys.exit(main())
