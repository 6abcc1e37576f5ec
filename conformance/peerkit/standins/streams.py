"""Test-support of streamz."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import time as _time

import pytest

from peerkit import runtime as _pk
from peerkit.standins.basics import tmpfile  # noqa: F401
from peerkit.standins.cluster_tasks import captured_logger, double, inc  # noqa: F401

FORCED = {
    "streamz.utils_test": [
        "free_port",
        "tmpfile",
        "inc",
        "double",
        "pristine_loop",
        "gen_test",
        "captured_logger",
        "wait_for",
        "await_for",
        "clean",
        "metadata",
    ],
}
FALLBACK = {}


def free_port():
    with socket.socket() as s:
        s.bind(("localhost", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def pristine_loop():
    from tornado.ioloop import IOLoop

    loop = IOLoop(make_current=False)
    try:
        yield loop
    finally:
        loop.close(all_fds=True)


def gen_test(timeout=10):
    """A test written as a tornado coroutine (generator) or as an async function."""

    def decorate(func):
        @functools.wraps(func)
        def test_func():
            from tornado import gen

            with pristine_loop() as loop:
                loop.run_sync(gen.coroutine(func), timeout=timeout)

        test_func.__signature__ = __import__("inspect").Signature()
        return test_func

    return decorate


def wait_for(predicate, timeout, fail_func=None, period=0.001):
    end = _time.time() + timeout
    while not predicate():
        _time.sleep(period)
        if _time.time() > end:
            if fail_func is not None:
                fail_func()
            pytest.fail(f"condition not reached within {timeout} seconds")


async def await_for(predicate, timeout, fail_func=None, period=0.001):
    end = _time.time() + timeout
    while not predicate():
        await asyncio.sleep(period)
        if _time.time() > end:
            if fail_func is not None:
                fail_func()
            pytest.fail(f"condition not reached within {timeout} seconds")


@pytest.fixture
def clean():
    yield


class _Metadata:
    """Made on first use: a node that passes on the metadata of what it gets."""

    cls = None

    def __call__(self, *args, **kwargs):
        if _Metadata.cls is None:
            (Stream,) = _pk.names("streamz", "Stream")

            class metadata(Stream):
                def update(self, x, who=None, metadata=None):
                    if metadata:
                        return self._emit(metadata)

            _Metadata.cls = metadata
        return _Metadata.cls(*args, **kwargs)


metadata = _Metadata()
