"""Computing, persisting and optimising collections of any kind."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from operator import add
from typing import NamedTuple

import oxidask
import pytest
from oxidask import config, delayed
from oxidask.base import (
    DaskMethodsMixin,
    clone_key,
    collections_to_dsk,
    collections_to_expr,
    compute_as_if_collection,
    get_collection_names,
    get_name_from_key,
    get_scheduler,
    named_schedulers,
    replace_name_in_key,
    unpack_collections,
)


class Parts(DaskMethodsMixin):
    """A collection that is no class of ours: a tuple of the values of some keys."""

    __slots__ = ("_graph", "_keys")
    __dask_optimize__ = None

    def __init__(self, graph, keys):
        self._graph = graph
        self._keys = keys

    def __dask_graph__(self):
        return self._graph

    def __dask_keys__(self):
        return self._keys

    def __dask_layers__(self):
        return tuple(sorted(get_collection_names(self)))

    def __dask_tokenize__(self):
        return self._keys

    __dask_scheduler__ = staticmethod(oxidask.threaded.get)

    def __dask_postcompute__(self):
        return tuple, ()

    def __dask_postpersist__(self):
        return Parts._rebuild, (self._keys,)

    @staticmethod
    def _rebuild(graph, keys, *, rename=None):
        return Parts(graph, [replace_name_in_key(key, rename or {}) for key in keys])


@pytest.fixture
def parts():
    return Parts({("x", 0): 1, ("x", 1): (add, ("x", 0), 1), "unused": 0}, [("x", 0), ("x", 1)])


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: object
    b: int = dataclasses.field(init=False, default=3)


class Named(NamedTuple):
    a: object


def test_collections_are_found_and_replaced_in_any_container(parts):
    one = delayed(1)
    args = (
        one,
        [1, (parts, {one})],
        OrderedDict([("k", {"k": parts}), (one, 1)]),
        Frozen(one),
        Named(parts),
        (x for x in [one, 2]),
        "text",
    )
    collections, repack = unpack_collections(*args)
    assert len(collections) == 2
    assert repack(["A", "B"]) == (
        "A",
        [1, ("B", {"A"})],
        OrderedDict([("k", {"k": "B"}), ("A", 1)]),
        Frozen("A"),
        Named("B"),
        ["A", 2],
        "text",
    )
    assert unpack_collections([one], traverse=False)[0] == []


def test_compute_mixes_kinds_and_keeps_the_rest(parts):
    one = delayed(add)(1, 1)
    assert oxidask.compute({"a": parts, "b": [one, "b"]}, 5, one) == (
        {"a": (1, 2), "b": [2, "b"]},
        5,
        2,
    )
    assert oxidask.compute([one], traverse=False)[0][0] is one
    assert oxidask.compute() == ()
    assert parts.compute() == (1, 2)


@pytest.mark.parametrize("scheduler", ["threads", "THREADING", "sync", "single-threaded"])
def test_schedulers_by_name(parts, scheduler):
    assert parts.compute(scheduler=scheduler) == (1, 2)
    with config.set(scheduler=scheduler):
        assert parts.compute() == (1, 2)


def test_schedulers_by_function_executor_and_client(parts):
    calls = []

    def schedule(dsk, keys, **kwargs):
        calls.append(kwargs)
        return oxidask.core.get(dsk, keys)

    class Client:
        def submit(self):
            raise NotImplementedError

        def get(self, dsk, keys, **kwargs):
            return schedule(dsk, keys, **kwargs)

    assert parts.compute(scheduler=schedule, num_workers=3) == (1, 2)
    assert parts.compute(scheduler=Client()) == (1, 2)
    assert calls == [{"num_workers": 3}, {}]
    with ThreadPoolExecutor(2) as executor:
        assert parts.compute(scheduler=executor) == (1, 2)


def test_wrong_schedulers_are_named_with_the_good_ones(parts):
    with pytest.raises(ValueError, match=r"'treads'.*processes.*sync.*threads"):
        parts.compute(scheduler="treads")
    with pytest.raises(ValueError, match="Unexpected scheduler: 5"):
        parts.compute(scheduler=5)
    with pytest.raises(TypeError, match="scheduler="):
        parts.compute(get=oxidask.get)


def test_differing_default_schedulers_need_a_choice(parts):
    class Other(Parts):
        __dask_scheduler__ = staticmethod(oxidask.local.get_sync)

    other = Other({"o": 1}, ["o"])
    with pytest.raises(ValueError, match="differing default schedulers"):
        oxidask.compute(parts, other)
    assert oxidask.compute(parts, other, scheduler="sync") == ((1, 2), (1,))
    assert get_scheduler() is None
    assert get_scheduler(cls=Other) is named_schedulers["sync"]


def test_persisting_keeps_only_values(parts):
    (persisted,) = oxidask.persist(parts)
    assert dict(persisted.__dask_graph__()) == {("x", 0): 1, ("x", 1): 2}
    assert persisted.compute() == (1, 2)


@pytest.mark.parametrize("value", ["k", ("k",), [("k",)], (add, 1, 2), {"k": "k"}])
def test_persisted_values_are_never_taken_for_keys_or_tasks(value):
    collection = Parts({"k": (lambda: value,)}, ["k"])
    assert collection.persist(scheduler="sync").compute(scheduler="sync") == (value,)


def test_optimizing_applies_each_kind_of_optimisation_once(parts):
    seen = []

    def optimizer(dsk, keys, **kwargs):
        seen.append((keys, kwargs))
        return dsk

    class Optimized(Parts):
        __dask_optimize__ = staticmethod(optimizer)

    one, two = Optimized({"a": 1}, ["a"]), Optimized({"b": (add, "a", 1), "a": 1}, ["b"])
    assert oxidask.compute(one, two, parts) == ((1,), (2,), (1, 2))
    assert seen == [([["a"], ["b"]], {})]
    oxidask.compute(one, optimize_graph=False)
    assert len(seen) == 1
    new_one, new_two = oxidask.optimize(one, two, extra=1)
    assert seen[-1] == ([["a"], ["b"]], {"extra": 1})
    assert oxidask.compute(new_one, new_two) == ((1,), (2,))


def test_a_class_of_collection_optimises_and_schedules_keys():
    assert compute_as_if_collection(Parts, {"x": 1}, ["x"]) == (1,)


def test_graphs_and_expressions_of_collections(parts):
    one = delayed(add)(1, 1)
    graph = collections_to_dsk([parts, one])
    assert set(graph) == {*parts.__dask_graph__(), *one.__dask_graph__()}
    expr = collections_to_expr([parts, one])
    assert expr.__dask_keys__() == [parts.__dask_keys__(), [one.key]]
    assert oxidask.core.get(expr.__dask_graph__(), one.key) == 2


def test_what_is_a_collection(parts):
    class Empty:
        def __dask_graph__(self):
            return None

    assert oxidask.is_dask_collection(parts)
    assert oxidask.is_dask_collection(delayed(1))
    assert not oxidask.is_dask_collection(Empty())
    assert not oxidask.is_dask_collection(Parts)
    assert not oxidask.is_dask_collection([parts])


def test_names_and_keys(parts):
    assert get_collection_names(parts) == {"x"}
    assert get_name_from_key(("x", 1)) == "x"
    assert replace_name_in_key(("x", 1), {"x": "y"}) == ("y", 1)
    assert clone_key(("x-1", 2), 0)[1] == 2
    assert clone_key("x-1", 0) == clone_key("x-1", 0) != clone_key("x-1", 1)
    for wrong in (1, (), (1, "x")):
        with pytest.raises(TypeError, match="Expected str"):
            get_name_from_key(wrong)


def _fail_inside_annotations():
    with oxidask.annotate(priority=2, retries=3):
        assert oxidask.get_annotations() == {"workers": ["a"], "priority": 2, "retries": 3}
        raise ZeroDivisionError


def test_annotations_nest_and_belong_to_a_thread():
    with oxidask.annotate(workers="a", priority=1):
        with pytest.raises(ZeroDivisionError):
            _fail_inside_annotations()
        assert oxidask.get_annotations() == {"workers": ["a"], "priority": 1}
        seen = []
        thread = threading.Thread(target=lambda: seen.append(oxidask.get_annotations()))
        thread.start()
        thread.join()
        assert seen == [{}]
    assert oxidask.get_annotations() == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"priority": "x"},
        {"retries": "x"},
        {"workers": 5},
        {"resources": 5},
        {"allow_other_workers": 5},
    ],
)
def test_wrong_annotations_are_named(wrong):
    (name,) = wrong
    with pytest.raises(TypeError, match=f"'{name}'"), oxidask.annotate(**wrong):
        pass


def test_stock_collections_run_here():
    da = pytest.importorskip("dask.array")
    db = pytest.importorskip("dask.bag")
    dd = pytest.importorskip("dask.dataframe")
    pd = pytest.importorskip("pandas")
    x = da.arange(10, chunks=3) + 1
    bag = db.range(6, npartitions=2).map(str)
    frame = dd.from_pandas(pd.DataFrame({"a": range(6)}), npartitions=3)
    one = delayed(add)(1, 1)
    args = (x.sum(), bag, frame.a.sum(), frame, [one])
    total, strings, a_sum, whole, rest = oxidask.compute(*args, scheduler="sync")
    assert (total, strings, a_sum, rest) == (55, list("012345"), 15, [2])
    pd.testing.assert_frame_equal(whole, frame.compute(scheduler="sync"))
    persisted = oxidask.persist(x, frame, scheduler="sync")
    assert persisted[0].sum().compute(scheduler="sync") == 55
    assert oxidask.compute(persisted[1].a.sum(), scheduler="sync") == (15,)
    optimized = oxidask.optimize(x, frame)
    assert oxidask.compute(optimized[0].sum(), optimized[1].a.sum(), scheduler="sync") == (55, 15)


def test_xarray_objects_run_here():
    xr = pytest.importorskip("xarray")
    da = pytest.importorskip("dask.array")
    dataset = xr.Dataset({"q": (("i",), da.arange(5, chunks=2))})
    (result,) = oxidask.compute(dataset, scheduler="sync")
    assert not oxidask.is_dask_collection(result)
    assert int(result.q.sum()) == 10
