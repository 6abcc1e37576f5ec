"""Small functions that the tests of distributed run as tasks, wait with and log with."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import sys
import time as _time

import pytest

from peerkit import runtime as _pk

FORCED = {
    "distributed.utils_test": [
        "inc",
        "dec",
        "mul",
        "div",
        "double",
        "throws",
        "slowinc",
        "slowdec",
        "slowdouble",
        "slowadd",
        "slowsum",
        "slowidentity",
        "randominc",
        "lock_inc",
        "block_on_event",
        "run_for",
        "varying",
        "map_varying",
        "asyncinc",
        "nodebug",
        "nodebug_setup_module",
        "nodebug_teardown_module",
        "captured_logger",
        "captured_handler",
        "raises_with_cause",
        "poll_for",
        "async_poll_for",
        "save_sys_modules",
        "SizeOf",
        "gen_nbytes",
        "_UnhashableCallable",
        "wait_for_log_line",
        "reset_config",
        "padded_time",
        "is_debugging",
    ]
}
FALLBACK = {"distributed.utils_test": ["wait_for_state"]}


def inc(x):
    return x + 1


def dec(x):
    return x - 1


def mul(x, y):
    return x * y


def div(x, y):
    return x / y


def double(x):
    return x * 2


def throws(x):
    raise RuntimeError("hello!")


def slowinc(x, delay=0.02):
    _time.sleep(delay)
    return x + 1


def slowdec(x, delay=0.02):
    _time.sleep(delay)
    return x - 1


def slowdouble(x, delay=0.02):
    _time.sleep(delay)
    return 2 * x


def slowadd(x, y, delay=0.02):
    _time.sleep(delay)
    return x + y


def slowsum(seq, delay=0.02):
    _time.sleep(delay)
    return sum(seq)


def slowidentity(*args, **kwargs):
    _time.sleep(kwargs.get("delay", 0.02))
    return args[0] if len(args) == 1 else args


def randominc(x, scale=1):
    import random

    _time.sleep(random.random() * scale)
    return x + 1


def lock_inc(x, lock):
    with lock:
        return x + 1


def block_on_event(event):
    event.wait()


def run_for(duration, timer=_time.perf_counter):
    end = timer() + duration
    while timer() < end:
        pass


async def asyncinc(x, delay=0.02):
    await asyncio.sleep(delay)
    return x + 1


def nodebug(func):
    return func


def nodebug_setup_module(module):
    pass


def nodebug_teardown_module(module):
    pass


def is_debugging():
    return False


def reset_config():
    pass


class _UnhashableCallable:
    __hash__ = None

    def __call__(self, x):
        return x + 1


_seen = {}


def varying(items):
    """A function that returns items[0], then items[1], ... ; exceptions are raised."""
    import uuid

    key = uuid.uuid4().hex

    def func():
        from peerkit.standins import (
            cluster_tasks as here,  # the count lives in the process, not in a copy
        )

        n = here._seen.get(key, 0)
        here._seen[key] = n + 1
        if n >= len(items):
            raise IndexError
        if isinstance(items[n], Exception):
            raise items[n]
        return items[n]

    return func


def map_varying(itemslists):
    import uuid

    base = uuid.uuid4().hex

    def func(i):
        from peerkit.standins import cluster_tasks as here

        key = (base, i)
        n = here._seen.get(key, 0)
        here._seen[key] = n + 1
        value = itemslists[i][n]
        if isinstance(value, Exception):
            raise value
        return value

    return func, list(range(len(itemslists)))


class SizeOf:
    """An object that claims a size without taking it."""

    def __init__(self, nbytes):
        if not isinstance(nbytes, int):
            raise TypeError(f"Expected integer for nbytes but got {type(nbytes)}")
        if nbytes < sys.getsizeof(object()):
            raise ValueError(f"Expected nbytes >= {sys.getsizeof(object())}")
        self._nbytes = nbytes - object.__sizeof__(self) if False else nbytes

    def __sizeof__(self):
        return self._nbytes


def gen_nbytes(nbytes):
    return SizeOf(nbytes)


# ---------------------------------------------------------------- waiting, logging
def poll_for(predicate, timeout=10, fail_func=None, period=0.05):
    end = _time.time() + timeout
    while not predicate():
        _time.sleep(period)
        if _time.time() > end:
            if fail_func is not None:
                fail_func()
            pytest.fail(f"condition not reached within {timeout} seconds")


async def async_poll_for(predicate, timeout=10, fail_func=None, period=0.05):
    end = _time.time() + timeout
    while not predicate():
        await asyncio.sleep(period)
        if _time.time() > end:
            if fail_func is not None:
                fail_func()
            pytest.fail(f"condition not reached within {timeout} seconds")


async def wait_for_state(key, state, where, *, interval=0.01):
    """The server's own view of a task's state (needs an inspectable server)."""
    tasks = (
        where.state.tasks
        if hasattr(where, "state") and hasattr(where.state, "tasks")
        else where.tasks
    )
    wanted = {state} if isinstance(state, str) else set(state)
    while key not in tasks or tasks[key].state not in wanted:
        await asyncio.sleep(interval)


@contextlib.contextmanager
def captured_logger(logger, level=logging.INFO, propagate=None):
    if isinstance(logger, str):
        if logger.split(".")[0] in _pk.PEER_ROOTS:
            logger = logger  # loggers keep the peer's names in a drop-in
        logger = logging.getLogger(logger)
    before = logger.level, logger.handlers[:], logger.propagate
    out = io.StringIO()
    logger.handlers[:] = [logging.StreamHandler(out)]
    logger.setLevel(level)
    if propagate is not None:
        logger.propagate = propagate
    try:
        yield out
    finally:
        logger.setLevel(before[0])
        logger.handlers[:] = before[1]
        logger.propagate = before[2]


@contextlib.contextmanager
def captured_handler(handler):
    before, handler.stream = handler.stream, io.StringIO()
    try:
        yield handler.stream
    finally:
        handler.stream = before


@contextlib.contextmanager
def raises_with_cause(expected, match, cause, match_cause, *more):
    import re

    with pytest.raises(expected, match=match) as info:
        yield
    exc = info.value
    pairs = [cause, match_cause, *more]
    for kind, text in zip(pairs[::2], pairs[1::2]):
        exc = exc.__cause__
        assert exc is not None and isinstance(exc, kind), (exc, kind)
        if text:
            assert re.search(text, str(exc)), (text, str(exc))


def wait_for_log_line(match, stream, max_lines=10, log_lines=None):
    for i, line in enumerate(stream):
        if match in line:
            return line
        if max_lines is not None and i >= max_lines:
            break
    raise AssertionError(f"{match!r} not found")


@contextlib.contextmanager
def save_sys_modules():
    before, path = dict(sys.modules), sys.path[:]
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - set(before):
            del sys.modules[name]


async def padded_time(before=0.05, after=0.05):
    await asyncio.sleep(before)
    t = _time.time()
    await asyncio.sleep(after)
    return t
