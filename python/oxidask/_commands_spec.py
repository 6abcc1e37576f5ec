"""``oxidask spec``: start what a description names."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from oxidask._commands import add_version, fail, leave, run_until_done

__all__ = ["main", "parser"]


def parser() -> argparse.ArgumentParser:
    """Return what reads the command's words."""
    made = argparse.ArgumentParser(
        prog="oxidask spec",
        description="Start a scheduler or workers that JSON or YAML describes: "
        '{"cls": "oxidask.distributed.Worker", "opts": {"nthreads": 2}}, or several by name.',
        allow_abbrev=False,
    )
    made.add_argument("args", nargs="*", help="arguments of the classes: the scheduler's address")
    made.add_argument("--spec", help="the description")
    made.add_argument("--spec-file", metavar="FILE", help="a file with it")
    add_version(made)
    return made


def main(argv: list[str]) -> int:
    """Run the command; return the exit status."""
    from oxidask import _native

    arguments = parser().parse_args(argv)
    if bool(arguments.spec) == bool(arguments.spec_file):
        return fail("Must specify exactly one of --spec and --spec-file")
    try:
        text = arguments.spec or Path(arguments.spec_file).read_text(encoding="utf-8")
        try:
            spec: Any = json.loads(text)
        except ValueError:
            spec = _native.yaml_load(text)
    except (OSError, ValueError) as error:
        return fail(f"the description can't be read: {error}")
    if not isinstance(spec, dict):
        return fail(f"the description must be a mapping, not {spec!r}")
    if "cls" in spec:
        # One without a name: what it is called is up to it.
        spec = {None: spec}

    async def start() -> list[Any]:
        from oxidask.distributed.deploy.spec import _class_of, _options_of

        made = []
        for name, each in spec.items():
            options = _options_of(each)
            if options.pop("nanny", None) is True:
                options["nanny"] = None
            if name is not None:
                options.setdefault("name", name)
            made.append(_class_of(each)(*arguments.args, **options))
        for node in made:
            await node
        return made

    return leave(run_until_done(start, "spec", "distributed.spec"))
