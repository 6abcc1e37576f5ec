"""``python -m oxidask``: the same as the ``oxidask`` command."""

from __future__ import annotations

import sys

from oxidask.cli import main

if __name__ == "__main__":
    sys.exit(main())
