"""Where a browser finds the dashboard of a scheduler."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from oxidask import config

__all__ = ["dashboard_link"]


def dashboard_link(scheduler_address: str, port: Any) -> str:
    """Return the address of the dashboard; empty if there is none.

    The template is ``distributed.dashboard.link`` of the configuration, which may use ``{scheme}``,
    ``{host}``, ``{port}`` and environment variables.

    Examples
    --------
    >>> dashboard_link("tcp://1.2.3.4:8786", 8787)
    'http://1.2.3.4:8787/status'
    """
    if not port:
        return ""
    scheme, _, rest = scheduler_address.partition("://")
    host = "localhost" if scheme in ("inproc", "unix") else urlsplit(f"//{rest}").hostname
    template = config.get("distributed.dashboard.link", "{scheme}://{host}:{port}/status")
    uses_tls = bool(config.get("distributed.scheduler.dashboard.tls.cert", None))
    known = {"scheme": "https" if uses_tls else "http", "host": host, "port": port}
    return str(template.format(**{**os.environ, **known}))
