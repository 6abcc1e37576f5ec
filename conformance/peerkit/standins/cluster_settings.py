"""Configuration, addresses, certificates and metrics, for the tests of distributed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
import time as _time

import pytest

from peerkit import runtime as _pk

FORCED = {"distributed.utils_test": ["new_config", "new_config_file"]}
FALLBACK = {
    "distributed.metrics": ["time", "monotonic"],
    "distributed.utils": [
        "open_port",
        "get_ip",
        "get_mp_context",
        "wait_for",
        "is_valid_xml",
        "CancelledError",
        "TimeoutError",
    ],
    "distributed.compatibility": ["asyncio_run"],
    "distributed.config": ["get_loop_factory"],
    "distributed.utils_test": [
        "get_cert",
        "tls_config",
        "tls_only_security",
        "tls_security",
        "xfail_ssl_issue5601",
        "has_ipv6",
        "requires_ipv6",
        "fetch_metrics_body",
        "fetch_metrics",
        "fetch_metrics_sample_names",
        "get_dashboard_port",
    ],
}

time = _time.time
monotonic = _time.monotonic
CancelledError = asyncio.CancelledError
TimeoutError = asyncio.TimeoutError


@contextlib.contextmanager
def new_config(new):
    conf = _pk.module("dask").config
    with conf.set(new):
        yield


@contextlib.contextmanager
def new_config_file(c):
    import yaml

    conf = _pk.module("dask").config
    with tempfile.TemporaryDirectory() as d:
        with open(os.path.join(d, "dask.yaml"), "w") as f:
            yaml.dump(c, f)
        before = os.environ.get("DASK_CONFIG")
        os.environ["DASK_CONFIG"] = d
        try:
            conf.refresh()
            yield
        finally:
            if before is None:
                del os.environ["DASK_CONFIG"]
            else:
                os.environ["DASK_CONFIG"] = before
            conf.refresh()


def open_port(host=""):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, 0))
        return sock.getsockname()[1]


def get_ip():
    return "127.0.0.1"


def has_ipv6():
    return False


def xfail_ssl_issue5601():
    pytest.importorskip("cryptography")


def requires_ipv6(func):
    return pytest.mark.skip(reason="no ipv6 in this harness")(func)


def get_mp_context():
    import multiprocessing

    return multiprocessing.get_context("spawn")


def is_valid_xml(text):
    import xml.etree.ElementTree

    return xml.etree.ElementTree.fromstring(text) is not None


async def wait_for(awaitable, timeout):
    return await asyncio.wait_for(awaitable, timeout)


def asyncio_run(main, *, loop_factory=None):
    return asyncio.run(main)


def get_loop_factory():
    return None


def get_cert(name):
    return os.path.join(os.environ.get("PEERKIT_DATA", "."), name)


def tls_config():
    ca, keycert = get_cert("tls-ca-cert.pem"), get_cert("tls-key-cert.pem")
    return {
        "distributed": {
            "comm": {
                "tls": {
                    "ca-file": ca,
                    "client": {"cert": keycert},
                    "scheduler": {"cert": keycert},
                    "worker": {"cert": keycert},
                }
            }
        }
    }


def _security(**more):
    (Security,) = _pk.names("distributed", "Security")
    ca, keycert = get_cert("tls-ca-cert.pem"), get_cert("tls-key-cert.pem")
    return Security(
        tls_ca_file=ca,
        tls_client_cert=keycert,
        tls_scheduler_cert=keycert,
        tls_worker_cert=keycert,
        **more,
    )


def tls_security():
    return _security()


def tls_only_security():
    return _security(require_encryption=True)


async def fetch_metrics_body(port):
    from tornado.httpclient import AsyncHTTPClient

    r = await AsyncHTTPClient().fetch(f"http://localhost:{port}/metrics")
    assert r.code == 200
    return r.body.decode("utf8")


async def fetch_metrics(port, prefix=None):
    parser = pytest.importorskip("prometheus_client.parser")
    text = await fetch_metrics_body(port)
    fams = {f.name: f for f in parser.text_string_to_metric_families(text)}
    return {k: v for k, v in fams.items() if prefix is None or k.startswith(prefix)}


async def fetch_metrics_sample_names(port, prefix=None):
    fams = await fetch_metrics(port, prefix)
    return set().union(*({s.name for s in f.samples} for f in fams.values()), set())


def get_dashboard_port(client):
    import re

    return int(re.search(r":(\d+)/status", client.dashboard_link).group(1))
