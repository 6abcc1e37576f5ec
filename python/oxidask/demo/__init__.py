"""The demo: a custom script on real data, run as a task graph (``oxidask demo``).

`flights` is the job, as a user would write it; `data` gets the tables, `table` reads them, and
`run` does the job twice and shows the outcome.
"""

from __future__ import annotations

from oxidask.demo.data import DemoError
from oxidask.demo.run import run

__all__ = ["DemoError", "run"]
