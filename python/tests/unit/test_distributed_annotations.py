"""What ``annotate`` says about arrays and delayed values, as it reaches the scheduler."""

import itertools

import numpy as np
import oxidask
import oxidask.array as da
import pytest
from oxidask import delayed
from oxidask.distributed import Client, Retry, futures_of


@pytest.fixture(scope="module")
def client():
    with Client(
        processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as client:
        yield client


class Flaky:
    """Raises so many times before it gives its argument."""

    def __init__(self, n):
        self.failures = itertools.repeat(None, n)

    def __call__(self, x):
        for _ in self.failures:
            raise OSError("once more")
        return x


def priority_of(client, collection, **options):
    """Return what the scheduler knows as the user's priority of the tasks of a collection."""
    kept = client.persist(collection, **options)
    tasks = [
        client.sync(client._ask, "info.task", {"key": future.key}) for future in futures_of(kept)
    ]
    ranks = {32_767 - (task["priority"] >> 48) for task in tasks}
    assert len(ranks) == 1
    return ranks.pop() / 1000


def test_layers_of_arrays_are_tried_again(client):
    x = da.ones(4, chunks=4)
    with oxidask.annotate(retries=2):
        y = x.map_blocks(Flaky(2), meta=np.ones(0))
    z = y.map_blocks(np.negative, meta=np.ones(0))
    np.testing.assert_array_equal(client.compute(z).result(), -np.ones(4))
    with oxidask.annotate(retries=Retry(1, on=ArithmeticError)):
        w = x.map_blocks(Flaky(1), meta=np.ones(0))
    with pytest.raises(OSError, match="once more"):
        client.compute(w).result()


def test_arrays_without_annotations_are_not_tried_again(client):
    with oxidask.annotate(retries=2):
        x = da.ones(4, chunks=2) + 1
    # What is said of an array is not said of those that are made of it.
    y = x.rechunk(4).map_blocks(Flaky(1), meta=np.ones(0))
    with pytest.raises(OSError, match="once more"):
        client.compute(y).result()


def test_merged_layers_have_what_was_said_of_each(client):
    with oxidask.annotate(priority=7):
        x = da.arange(8, chunks=4) + 1
    assert priority_of(client, x) == 7
    assert priority_of(client, x * 2) == 7
    with oxidask.annotate(priority=9):
        y = x * 3
    assert priority_of(client, y) == 9
    assert priority_of(client, x.rechunk(8)) == 0
    assert priority_of(client, y.sum()) in (0, 9)


def test_what_is_said_of_one_layer_counts_more(client):
    with oxidask.annotate(priority=lambda key: 5 + key[1]):
        x = da.ones(3, chunks=3) + 2
    assert priority_of(client, x, priority=2) == 5
    assert priority_of(client, da.ones(3, chunks=3) + 3, priority=2) == 2
    with oxidask.annotate(workers="nobody", allow_other_workers=True, priority=3):
        y = delayed(abs)(-11)
    assert priority_of(client, y) == 3
    # Both count: how often by the call, how urgently by the layer.
    with oxidask.annotate(priority=4):
        z = da.ones(4, chunks=4).map_blocks(Flaky(2), meta=np.ones(0))
    np.testing.assert_array_equal(client.compute(z, retries=2).result(), np.ones(4))


def test_resources_hold_for_layers(client):
    with oxidask.annotate(resources={"GPU": 1}):
        x = da.ones(5, chunks=5)
    (future,) = futures_of(client.persist(x))
    state = client.sync(client._ask, "info.task", {"key": future.key})["state"]
    assert state == "no-worker"
    future.cancel()


def test_layers_show_their_annotations():
    with oxidask.annotate(priority=7):
        x = da.ones(6, chunks=3) + 1
    y = x.sum()
    layers = y.__dask_graph__().layers
    assert layers[x.name].annotations == {"priority": 7}
    assert not layers[y.name].annotations
