"""What all tests have in common."""

from __future__ import annotations

import hypothesis

# Machines are shared: how long an example takes says nothing about the code.
hypothesis.settings.register_profile("oxidask", deadline=None, print_blob=True)
hypothesis.settings.load_profile("oxidask")
