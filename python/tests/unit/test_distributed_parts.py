"""Parts of the client that need no cluster: times, values on their way, the loop's thread."""

import asyncio
import random
import threading
from datetime import datetime, timedelta

import oxidask
import pytest
from oxidask.distributed import _loop
from oxidask.distributed._callbacks import CallbackThread
from oxidask.distributed._client_collections import _note_annotations
from oxidask.distributed._cron import Cron
from oxidask.distributed._task_options import Retry, split_task_keywords, task_options
from oxidask.distributed._values import pack, unpack
from oxidask.highlevelgraph import HighLevelGraph, MaterializedLayer


def fits(moment, minutes, hours, days, months, weekdays):
    """Whether a moment fits sets of numbers; None fits all."""
    sets = ((moment.minute, minutes), (moment.hour, hours), (moment.month, months))
    if any(allowed is not None and value not in allowed for value, allowed in sets):
        return False
    day = days is None or moment.day in days
    weekday = weekdays is None or moment.isoweekday() % 7 in weekdays
    return day or weekday if days is not None and weekdays is not None else day and weekday


def line_of(sets):
    return " ".join("*" if s is None else ",".join(map(str, sorted(s))) for s in sets)


@pytest.mark.parametrize("seed", range(20))
def test_cron_finds_the_first_minute_that_fits(seed):
    rng = random.Random(seed)
    domains = (range(60), range(24), range(1, 29), range(1, 13), range(7))
    sets = [set(rng.sample(d, rng.randint(2, 4))) if rng.random() < 0.5 else None for d in domains]
    sets[3] = None if rng.random() < 0.7 else {rng.randint(1, 12), rng.randint(1, 12)}
    begin = datetime(2026, rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), 17, 30)
    found = Cron.parse(line_of(sets)).after(begin)
    assert fits(found, *sets)
    minute = begin.replace(second=0) + timedelta(minutes=1)
    while minute < min(found, begin + timedelta(days=40)):
        assert not fits(minute, *sets)
        minute += timedelta(minutes=1)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("*/15 * * * *", datetime(2026, 11, 22, 11, 15)),
        ("@daily", datetime(2026, 11, 23)),
        ("0 9-17/4 * * *", datetime(2026, 11, 22, 13)),
        ("0 0 29 feb *", datetime(2028, 2, 29)),
        ("0 0 * * 7", datetime(2026, 11, 29)),
    ],
)
def test_cron_lines(line, expected):
    assert Cron.parse(line).after(datetime(2026, 11, 22, 11, 0)) == expected


@pytest.mark.parametrize(
    "line", ["", "* * * *", "60 * * * *", "* * 0 * *", "x * * * *", "5-1 * * * *"]
)
def test_bad_cron_lines_are_refused(line):
    with pytest.raises(ValueError, match="cron"):
        Cron.parse(line)


def test_days_that_never_come_are_no_endless_search():
    with pytest.raises(ValueError, match="no day"):
        Cron.parse("0 0 30 feb *").after(datetime(2026, 1, 1))


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 2**63 - 1, 2**63, 1.5, "x", b"x", [1, [None]], {"a": {"b": 1}}, (1,)),
        *({1: 2}, {2}, {"key": 1}, {"pickled": b""}, [(1,)], {"a": (1,)}),
    ],
)
def test_values_come_back_as_they_were(value):
    back = unpack(pack(value))
    assert back == value
    assert type(back) is type(value)


def test_plain_values_stay_readable_for_others():
    assert pack({"a": [1, "x"]}) == {"a": [1, "x"]}
    assert list(pack((1, 2))) == ["pickled"]


def test_options_of_tasks():
    options = task_options(
        workers=["a", 1], resources={"GPU": 1}, retries=Retry(1, "1 s", ValueError), limit=("db", 2)
    )
    assert options["workers"] == ["a", "1"]
    assert options["resources"] == {"GPU": 1.0}
    assert options["limit"] == ["db", 2]
    assert options["retries"]["backoff_s"] == 1.0
    assert "UnicodeDecodeError" in options["retries"]["only"]
    with oxidask.annotate(priority=5, retries=2):
        assert task_options() == {"priority": 5, "retries": 2}
        assert task_options(priority=7)["priority"] == 7
    with pytest.raises(ValueError, match="from 0 on"):
        Retry(-1)
    with pytest.raises(TypeError, match="exception classes"):
        Retry(1, on=5).as_option()


def test_keywords_of_the_function_stay_with_it():
    kwargs = {"timeout": 5, "limit": ("x", 1), "y": 2}
    assert split_task_keywords(lambda y, limit: y, kwargs) == {"timeout": 5}
    assert kwargs == {"limit": ("x", 1), "y": 2}
    assert split_task_keywords(lambda **kw: kw, {"timeout": 5}) == {}


def test_annotations_of_layers_by_key():
    layer = MaterializedLayer({"x": 1, "yy": 2}, annotations={"priority": len, "colour": "red"})
    plain = MaterializedLayer({"z": 3}, annotations={})
    graph = HighLevelGraph({"a": layer, "b": plain}, {"a": set(), "b": set()})
    found = {}
    _note_annotations(graph, found)
    assert found == {"x": {"priority": 1}, "yy": {"priority": 2}}


def test_the_loop_ends_with_the_last_who_holds_it():
    first, second = _loop.hold(), _loop.hold()
    loop = _loop.get_loop()
    first.release()
    first.release()
    assert _loop.run(asyncio.sleep(0, "still there")) == "still there"
    assert _loop.get_loop() is loop
    second.release()
    assert loop.is_closed()
    assert _loop.run(asyncio.sleep(0, "again")) == "again"


def test_waiting_for_oneself_is_refused():
    async def wait_for_oneself():
        _loop.run(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match="await it"):
        _loop.run(wait_for_oneself())


def test_a_coroutine_is_cancelled_if_nobody_waits_any_more():
    is_cancelled = threading.Event()

    async def never():
        try:
            await asyncio.Event().wait()
        finally:
            is_cancelled.set()

    with _loop.hold():
        with pytest.raises(TimeoutError):
            _loop.run(never(), timeout=0.01)
        assert is_cancelled.wait(10)


def test_blocking_calls_have_a_thread_of_their_own():
    async def main():
        return await _loop.in_own_thread(threading.get_ident)

    assert asyncio.run(main()) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        asyncio.run(_loop.in_own_thread(lambda: 1 / 0))


def test_callbacks_come_in_order_and_survive_errors(caplog):
    calls, found = CallbackThread("calls"), []
    calls.put(found.append, 1)
    calls.put(lambda: 1 / 0)
    calls.put(found.append, 2)
    calls.close(timeout=10)
    assert found == [1, 2]
    assert "ZeroDivisionError" in caplog.text
