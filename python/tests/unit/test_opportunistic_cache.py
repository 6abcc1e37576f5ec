"""The opportunistic cache: what it keeps, what it gives back, and its budget."""

from __future__ import annotations

from operator import add

import pytest
from oxidask.cache import Cache, CostAwareCache, Scorer
from oxidask.callbacks import Callback
from oxidask.local import get_sync
from oxidask.threaded import get as get_threaded

schedulers = pytest.mark.parametrize("get", [get_sync, get_threaded])


@schedulers
def test_results_are_reused(get):
    calls = []

    def inc(x):
        calls.append(x)
        return x + 1

    cache = Cache(100_000)
    with cache:
        assert get({"x": (inc, 1)}, "x") == 2
        assert cache.cache.data["x"] == 2
        assert get({"x": (inc, 1), "y": (inc, 2), "z": (add, "x", "y")}, "z") == 5
    assert calls == [1, 2]
    assert not cache.starttimes
    assert not cache.durations
    assert not Callback.active


@schedulers
def test_a_cached_tuple_is_a_value_and_not_a_task(get):
    cache = Cache(100_000)
    with cache:
        for _ in range(2):
            assert get({"x": (lambda: (add, 1, 2),)}, "x") == (add, 1, 2)
            assert get({"k": (lambda: "x",), "y": (lambda v: v, "k")}, "y") == "x"


@schedulers
def test_a_task_that_is_cached_does_not_compute_its_inputs(get):
    calls = []

    def note(*args):
        calls.append(args)
        return 1

    dsk = {"x": (note, 1), "y": (note, "x")}
    cache = Cache(100_000)
    with cache:
        get(dsk, "y")
        cache.cache.retire("x")
        get(dsk, "y")
    assert calls == [(1,), (1,)]


def test_any_store_will_do():
    class Store:
        def __init__(self):
            self.data = {}

        def put(self, key, value, cost, nbytes=None):
            assert cost > 0
            assert nbytes > 0
            self.data[key] = value

    store = Store()
    with Cache(store):
        get_sync({"x": (add, 1, 2)}, "x")
    assert store.data == {"x": 3}
    with pytest.raises(TypeError, match="limit"):
        Cache(store, limit=1)


def test_numbers_are_budgets():
    cache = Cache(10_000, limit=1)
    assert isinstance(cache.cache, CostAwareCache)
    assert cache.cache.available_bytes == 10_000
    assert cache.cache.limit == 1


def test_the_price_of_a_result_contains_its_inputs():
    cache = Cache(100_000)
    state = {"dependencies": {"x": set(), "y": {"x"}}}
    cache._pretask("x", {}, state)
    cache.starttimes["x"] -= 10
    cache._posttask("x", 1, {}, state, 0)
    cache._pretask("y", {}, state)
    cache._posttask("y", 1, {}, state, 0)
    assert cache.cache.scorer.cost["y"] > cache.cache.scorer.cost["x"]


def test_the_budget_holds_and_the_cheapest_goes():
    cache = CostAwareCache(100)
    for i in range(50):
        cache.put(i, i, cost=(i * 7) % 50, nbytes=10)
        assert cache.total_bytes == 10 * len(cache.data) <= 100
    # Recent uses weigh a little more, far less than the difference between these costs.
    assert {(key * 7) % 50 for key in cache.data} == set(range(40, 50))


def test_what_does_not_fit_or_is_not_worth_it_is_not_kept():
    cache = CostAwareCache(100, limit=5)
    cache.put("huge", 1, cost=100, nbytes=101)
    cache.put("cheap", 1, cost=4, nbytes=1)
    assert cache.data == {}
    cache.put("x", "old", cost=10, nbytes=1)
    cache.put("x", "new", cost=1, nbytes=1)
    assert cache.data == {}
    assert cache.total_bytes == 0


def test_use_keeps_a_value():
    cache = CostAwareCache(20)
    cache.put("used", 1, cost=1, nbytes=10)
    cache.put("idle", 2, cost=1.5, nbytes=10)
    for _ in range(3):
        assert cache.get("used") == 1
    cache.put("new", 3, cost=2, nbytes=10)
    assert set(cache.data) == {"used", "new"}


def test_old_merit_fades():
    cache = CostAwareCache(10, halflife=1)
    cache.put("old", 1, cost=1000, nbytes=10)
    for i in range(12):
        cache.put(i, i, cost=1, nbytes=10)
    assert "old" not in cache.data
    for i in range(5000):  # The weight of a use doubles each time: it must not overflow.
        cache.put(i, i, cost=1, nbytes=10)
    assert len(cache.data) == 1
    assert len(cache._heap) < 100


def test_resize_and_clear():
    cache = CostAwareCache(100)
    for i in range(10):
        cache.put(i, i, cost=i, nbytes=10)
    cache.resize(30)
    assert set(cache.data) == {7, 8, 9}
    cache.clear()
    assert (cache.data, cache.total_bytes, cache.nbytes) == ({}, 0, {})


def test_a_scorer_needs_a_halflife():
    with pytest.raises(ValueError, match="-1"):
        Scorer(halflife=-1)
