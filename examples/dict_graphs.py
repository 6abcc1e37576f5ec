"""Plain dict graphs, and a collection of one's own on top of them."""

from operator import add, mul

import oxidask
from oxidask.base import DaskMethodsMixin
from oxidask.graph_manipulation import checkpoint
from oxidask.order import order
from oxidask.threaded import get


class Row(DaskMethodsMixin):
    """A lazy list of numbers: all that the collection protocol asks for."""

    def __init__(self, graph, keys):
        self.graph = graph
        self.keys = keys

    def __dask_graph__(self):
        return self.graph

    def __dask_keys__(self):
        return self.keys

    def __dask_postcompute__(self):
        return list, ()

    __dask_scheduler__ = staticmethod(get)
    __dask_optimize__ = None

    def __dask_tokenize__(self):
        return tuple(self.keys)


def main():
    graph = {"x": 2, "y": (add, "x", 1), "z": (mul, (add, "x", "y"), 10), "all": ["x", "y", "z"]}
    assert get(graph, "z") == 50
    assert get(graph, ["x", ["y", "all"]]) == (2, (3, [2, 3, 50]))
    assert order(graph)["x"] < order(graph)["z"]

    row = Row({("row", i): (mul, i, i) for i in range(5)}, [("row", i) for i in range(5)])
    print("squares:", row.compute(), "and their sum:", oxidask.delayed(sum)(row).compute())
    assert row.compute() == [0, 1, 4, 9, 16]
    assert oxidask.delayed(sum)(row).compute() == 30
    assert checkpoint(oxidask.delayed(row)).compute() is None


if __name__ == "__main__":
    main()
