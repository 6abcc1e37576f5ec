"""The folder in which one test file runs: the rewritten file and all that it needs beside it."""

from __future__ import annotations

import shutil

from peerkit import rewrite
from peerkit.suites import locate

CONFTEST = """
import contextlib
import pytest
from peerkit import runtime as _pk
from peerkit.standins.cluster import (  # noqa: F401
    a, b, c, cleanup, client, client_no_amm, client_secondary, cluster_fixture, loop,
    loop_in_thread, name_of_test, no_time_resync, requires_default_ports, s)
from peerkit.standins.streams import clean  # noqa: F401


@pytest.fixture(params=["disk", "tasks"])
def shuffle_method(request):
    with _pk.module("dask").config.set({"dataframe.shuffle.method": request.param}):
        yield request.param


@pytest.fixture
def xfail(request):
    def mark(reason, strict=None):
        kw = {} if strict is None else {"strict": strict}
        request.node.add_marker(pytest.mark.xfail(reason=reason, **kw))
    return mark


@pytest.fixture(autouse=True, scope="session")
def _async_clients():
    try:
        ctx = _pk.module("dask").config.set({"admin.async-client-fallback": "sync"})
    except Exception:
        ctx = contextlib.nullcontext()
    with ctx:
        yield
"""
INI = """[pytest]
addopts = -q -p no:cacheprovider --tb=short -ra
markers =
    network: needs the internet
    slow: slow
    gpu: GPU
    skip_with_pyarrow_strings: as in the peer
    xfail_with_pyarrow_strings: as in the peer
    array_expr: as in the peer
    normal_and_array_expr: as in the peer
    ipv6: as in the peer
    ci1: as in the peer
    leaking: as in the peer
    workerstate: as in the peer
    avoid_ci: as in the peer
    extra_packages: as in the peer
    flaky: as in the peer
    timeout: as in the peer
"""


def prepare(label, path, folder, args, mapping, where):
    folder.mkdir(parents=True, exist_ok=True)
    package = label[:-3].replace("/", ".").rpartition(".")[0]
    source = path.read_text(encoding="utf8")
    (folder / path.name).write_text(
        rewrite.rewrite(source, package, args.mode, mapping), encoding="utf8"
    )
    todo, seen = rewrite.support_modules(source, package), set()
    while todo:  # the peer's own support modules, and what they import in turn
        mod = todo.pop()
        seen.add(mod)
        p = locate(mod.replace(".", "/") + ".py", where)
        if p is not None:
            more = p.read_text(encoding="utf8")
            up = mod.rpartition(".")[0]
            (folder / (rewrite.support_name(mod) + ".py")).write_text(
                rewrite.rewrite(more, up, args.mode, mapping)
            )
            todo |= rewrite.support_modules(more, up) - seen
    conf = CONFTEST
    if label.startswith("dask_ml/"):
        peer_conf = path.parent
        while not (peer_conf / "conftest.py").exists() and peer_conf != peer_conf.parent:
            peer_conf = peer_conf.parent
        body = rewrite.rewrite(
            (peer_conf / "conftest.py").read_text(), "dask_ml.tests", args.mode, mapping
        )
        (folder / "peer_fixtures.py").write_text(body)
        conf += "\nfrom peer_fixtures import *  # noqa\n"
    (folder / "conftest.py").write_text(conf)
    (folder / "pytest.ini").write_text(INI)
    for other in path.parent.iterdir():  # data files and folders of data
        if other.suffix == ".py" or other.name in ("__pycache__", "tests"):
            continue
        if other.is_dir():
            if not (other / "__init__.py").exists() and not any(other.glob("test_*.py")):
                shutil.copytree(other, folder / other.name, dirs_exist_ok=True)
        elif other.stat().st_size < 5_000_000:
            shutil.copy(other, folder / other.name)
