"""Certificates that are texts, for Python's `ssl`."""

from __future__ import annotations

import os
import ssl
import tempfile

__all__ = ["load_pair"]


def load_pair(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Load a certificate and a key that are texts: `ssl` reads files only."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pair.pem")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write((key or "") + "\n" + certificate)
        context.load_cert_chain(path)
