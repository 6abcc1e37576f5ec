"""Measures one case for one contender, once, and prints what came out as one line of JSON.

`run.py` starts this for every measurement, so that no library's imports, threads or heap are
there when another is measured::

    python benchmarks/measure.py tasks.independent oxidask 10000
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

import cases  # noqa: F401  (registers them)
from case import CASES, NotHereError


def main() -> None:
    name, contender, size = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("BENCHMARK_SCRATCH", folder)
        try:
            values = CASES[name].function(contender, int(size))
            outcome = {"values": values if isinstance(values, tuple) else [values]}
        except NotHereError as error:
            outcome = {"absent": str(error)}
    sys.stdout.flush()
    print(json.dumps(outcome))


# Guarded, because the processes of the `processes` schedulers import this module again.
if __name__ == "__main__":
    main()
