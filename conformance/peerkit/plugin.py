"""pytest plugin of the harness: a time limit per test and one JSON line per test."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import time

import pytest

from peerkit import runtime as _pk

OUT = os.environ["PEERKIT_OUT"]
LIMIT = float(os.environ.get("PEERKIT_TIMEOUT", "60"))
LABEL = os.environ.get("PEERKIT_LABEL", "")
_line = open(OUT, "a", buffering=1)


class PeerTimeout(BaseException):
    """The test ran past its limit.  Not an Exception: `except Exception` must not eat it."""


def _write(**rec):
    _line.write(json.dumps(rec) + "\n")
    _line.flush()


def _alarm(signum, frame):
    raise PeerTimeout(f"over the limit of {LIMIT:g} s")


def short_id(item):
    return LABEL + "::" + item.nodeid.split("::", 1)[1]


def _lines(path):
    if path and os.path.exists(path):
        with open(path) as f:
            return {x.rstrip("\n") for x in f if x.strip()}
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    only = _lines(os.environ.get("PEERKIT_SELECT"))
    done = _lines(os.environ.get("PEERKIT_DONE")) or set()
    count, keep, drop = {}, [], []
    totals = {}
    for item in items:
        f = short_id(item).split("[")[0]
        totals[f] = totals.get(f, 0) + 1
    if only is not None:
        # an id that differs only in its parameters' spelling is found by its position
        exact = {short_id(i) for i in items}
        by_place = {}
        for line in only:
            ident, _, place = line.partition("\t")
            if ident not in exact and place:
                by_place[place] = ident
    for item in items:
        ident = short_id(item)
        f = ident.split("[")[0]
        n = count.get(f, 0)
        count[f] = n + 1
        item.peer_place = f"{f}#{n}/{totals[f]}"
        item.peer_id = ident
        if only is not None:
            wanted = (
                {x.partition("\t")[0] for x in only}
                if not hasattr(config, "_peer_only")
                else config._peer_only
            )
            config._peer_only = wanted
            if ident not in wanted:
                if item.peer_place in by_place:
                    item.peer_id = by_place[item.peer_place]
                else:
                    drop.append(item)
                    continue
        if item.peer_id in done:
            drop.append(item)
            continue
        keep.append(item)
    if drop:
        config.hook.pytest_deselected(items=drop)
    items[:] = keep
    slow = os.environ.get("PEERKIT_SLOW") == "1"
    for item in items:
        if "slow" in item.keywords and not slow:
            item.add_marker(pytest.mark.skip(reason="slow (use --slow)"))
        if "array_expr" in item.keywords and "normal_and_array_expr" not in item.keywords:
            item.add_marker(pytest.mark.skip(reason="array-expr only"))
        if "skip_with_pyarrow_strings" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="not with pyarrow strings"))
        if "xfail_with_pyarrow_strings" in item.keywords:
            item.add_marker(
                pytest.mark.xfail(True, reason="known failure with pyarrow strings", strict=False)
            )
        if "gpu" in item.keywords or "network" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs a GPU or the network"))
    _write(event="collected", n=len(items), deselected=len(drop))


def pytest_collectreport(report):
    if report.failed:
        _write(event="collect-error", where=str(report.nodeid), why=str(report.longrepr)[-1500:])
    elif report.skipped and report.nodeid:
        _write(event="module-skip", where=str(report.nodeid), why=str(report.longrepr)[-300:])


def pytest_collection_finish(session):
    _pk.collecting = False
    if os.environ.get("PEERKIT_IMPORTS") == "1":
        _write(event="imports", log=sorted({tuple(x) for x in _pk.log}))


_now = {}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    ident = getattr(item, "peer_id", short_id(item))
    _now.clear()
    _now.update(id=ident, place=getattr(item, "peer_place", ""), start=time.time(), parts=[])
    _write(event="start", id=ident)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _finish()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    return (yield from _limited())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    return (yield from _limited())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    return (yield from _limited())


def _limited():
    signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        try:
            return (yield)
        except PeerTimeout as e:
            pytest.fail(f"PeerTimeout: {e}", pytrace=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def pytest_runtest_logreport(report):
    if _now:
        text = ""
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            text = str(getattr(crash, "message", None) or report.longrepr)[:400]
        elif report.skipped:
            text = str(
                report.longrepr[2]
                if isinstance(report.longrepr, tuple)
                else getattr(report, "wasxfail", "")
            )[:200]
        _now["parts"].append((report.when, report.outcome, hasattr(report, "wasxfail"), text))


def _finish():
    parts = _now.get("parts", [])
    outcome, why = "passed", ""
    for when, result, wasxfail, text in parts:
        if result == "failed":
            bad = "failed" if when == "call" else "error"
            if outcome not in ("failed",):
                outcome, why = bad, text
        elif result == "skipped" and outcome == "passed":
            outcome, why = ("xfailed" if wasxfail else "skipped"), text
        elif result == "passed" and wasxfail and when == "call" and outcome == "passed":
            outcome = "xpassed"
    if "PeerTimeout" in why:
        outcome = "timeout"
    if not parts:
        outcome, why = "error", "no report"
    _write(
        event="end",
        id=_now["id"],
        place=_now["place"],
        outcome=outcome,
        why=why,
        seconds=round(time.time() - _now["start"], 3),
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Plain `async def` tests, without pytest-asyncio."""
    import asyncio
    import inspect

    if inspect.iscoroutinefunction(pyfuncitem.obj):
        names = pyfuncitem._fixtureinfo.argnames
        asyncio.run(pyfuncitem.obj(**{n: pyfuncitem.funcargs[n] for n in names}))
        return True


def pytest_configure(config):
    faulthandler.enable(sys.__stderr__)
