"""Callbacks: what is called when, and who sees which."""

from __future__ import annotations

import threading
from operator import add, mul

import pytest
from oxidask.callbacks import (
    Callback,
    add_callbacks,
    local_callbacks,
    normalize_callback,
    unpack_callbacks,
)
from oxidask.local import get_sync
from oxidask.threaded import get as get_threaded

DSK = {"a": 1, "b": 2, "c": (add, "a", "b"), "d": (mul, "a", "b"), "e": (mul, "c", "d")}
STATE_NAMES = {
    "dependencies",
    "dependents",
    "waiting",
    "waiting_data",
    "cache",
    "ready",
    "running",
    "finished",
    "released",
}

schedulers = pytest.mark.parametrize("get", [get_sync, get_threaded])


@pytest.fixture(autouse=True)
def no_callbacks_left():
    assert not Callback.active
    yield
    left = set(Callback.active)
    Callback.active.clear()
    assert not left


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.events = []

    def _start(self, dsk):
        self.events.append(("start", set(dsk)))

    def _start_state(self, dsk, state):
        assert set(state) >= STATE_NAMES
        self.events.append(("start_state", len(state["finished"])))

    def _pretask(self, key, dsk, state):
        assert key in dsk
        assert key in state["running"]
        self.events.append(("pretask", key))

    def _posttask(self, key, result, dsk, state, worker_id):
        assert worker_id is not None
        self.events.append(("posttask", key, result))

    def _finish(self, dsk, state, errored):
        self.events.append(("finish", errored))


@schedulers
def test_every_stage_is_called_once_and_in_order(get):
    with Recorder() as recorder:
        assert get(DSK, "e") == 6
    events = recorder.events
    assert events[:2] == [("start", set(DSK)), ("start_state", 0)]
    assert events[-1] == ("finish", False)
    tasks = events[2:-1]
    assert sorted(tasks) == sorted(
        [("pretask", key) for key in "cde"]
        + [("posttask", "c", 3), ("posttask", "d", 2), ("posttask", "e", 6)]
    )
    for key in "cde":
        stages = [stage for stage, of_key, *_ in tasks if of_key == key]
        assert stages == ["pretask", "posttask"]
    assert tasks[-2:] == [("pretask", "e"), ("posttask", "e", 6)]


@schedulers
def test_the_state_lives(get):
    """What `start_state` got shows the progress later: the progress bar relies on it."""
    seen = []

    def keep(dsk, state):
        seen.append(state)

    def look(key, result, dsk, state, worker_id):
        seen.append(len(seen[0]["finished"]))

    with Callback(start_state=keep, posttask=look):
        get({f"x{i}": (add, i, 1) for i in range(5)}, [f"x{i}" for i in range(5)])
    assert seen[1:] == sorted(seen[1:])
    assert len(seen[1:]) == 5
    assert 4 <= seen[-1] <= 5
    assert len(seen[0]["finished"]) == 5


@schedulers
def test_finish_is_told_of_an_error(get):
    with Recorder() as recorder, pytest.raises(ZeroDivisionError):
        get({"x": (lambda: 1 / 0,)}, "x")
    assert recorder.events[-1] == ("finish", True)
    assert ("pretask", "x") in recorder.events
    assert not [event for event in recorder.events if event[0] == "posttask"]


def test_tasks_are_reported_by_one_thread_at_a_time():
    inside = threading.Lock()

    def alone(*args):
        assert inside.acquire(blocking=False)
        inside.release()

    dsk = {("x", i): (add, i, 1) for i in range(200)}
    with Callback(pretask=alone, posttask=alone):
        assert sum(get_threaded(dsk, list(dsk))) == sum(range(1, 201))


@schedulers
def test_keyword_callbacks_replace_the_active_ones(get):
    with Recorder() as outer:
        given = Recorder()
        assert get(DSK, "e", callbacks=[given._callback]) == 6
    assert outer.events == []
    assert given.events[-1] == ("finish", False)


@schedulers
def test_inner_computations_do_not_see_outer_callbacks(get):
    recorder = Recorder()

    def inner(x):
        assert not Callback.active
        return get({"inner": (add, x, 1)}, "inner")

    with recorder:
        assert get({"outer": (inner, 1)}, "outer") == 2
        assert Callback.active
    assert ("pretask", "outer") in recorder.events
    assert ("pretask", "inner") not in recorder.events


def test_unset_keywords_do_not_hide_methods():
    class Announce(Callback):
        def _start(self, dsk):
            pass

    callback = Announce(finish=print)
    assert callback._callback == (callback._start, None, None, None, print)


def test_register_and_unregister():
    callback = Callback(start=print)
    callback.register()
    assert Callback.active == {callback._callback}
    callback.unregister()
    assert not Callback.active
    with pytest.raises(KeyError, match="not registered"):
        callback.unregister()


def test_active_is_mutated_not_replaced():
    active = Callback.active
    with Callback(start=print), local_callbacks():
        assert Callback.active is active
    assert Callback.active is active


def test_add_callbacks_takes_callbacks_and_tuples():
    plain = (print, None, None, None, None)
    with add_callbacks(plain, Callback(finish=print)):
        assert Callback.active == {plain, (None, None, None, None, print)}
    assert not Callback.active


def test_a_callback_can_unregister_during_a_computation():
    callback = Callback(finish=lambda dsk, state, errored: callback.unregister())
    callback.register()
    get_sync(DSK, "e")
    assert not Callback.active


def test_a_callback_registered_during_a_computation_stays():
    late = Callback(start=print)
    with Callback(finish=lambda dsk, state, errored: late.register()):
        get_sync(DSK, "e")
    assert Callback.active == {late._callback}
    late.unregister()


def test_overlapping_computations_give_back_what_they_took():
    first, second = Callback(start=print), Callback(finish=print)
    with first:
        outer = local_callbacks()
        assert outer.__enter__() == {first._callback}
        with second:
            inner = local_callbacks()
            assert inner.__enter__() == {second._callback}
            # The outer one ends first, as happens with computations in two threads.
            outer.__exit__(None, None, None)
            inner.__exit__(None, None, None)
            assert Callback.active == {first._callback, second._callback}


def test_local_callbacks_of_given_ones():
    callback = Callback(start=print)
    with Callback(finish=print):
        with local_callbacks([callback, (None,) * 5]) as given:
            assert given == [callback._callback, (None,) * 5]
            assert len(Callback.active) == 1
        with local_callbacks([]) as given:
            assert given == []


def test_unpack_callbacks():
    assert unpack_callbacks([(1, None, 2, 3, 4), (None,) * 5]) == [[1], [], [2], [3], [4]]
    assert [list(stage) for stage in unpack_callbacks([])] == [[], [], [], [], []]


def test_normalize_callback_names_what_it_cannot_take():
    with pytest.raises(TypeError, match="'not one'"):
        normalize_callback("not one")
