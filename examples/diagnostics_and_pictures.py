"""Watching computations, and drawing their graphs."""

import tempfile
from pathlib import Path

import oxidask
from oxidask import delayed
from oxidask.callbacks import Callback
from oxidask.diagnostics import CacheProfiler, Profiler, ProgressBar, ResourceProfiler


class CountTasks(Callback):
    """Counts the tasks that ran."""

    n = 0

    def _posttask(self, key, result, dsk, state, worker_id):
        self.n += 1


def main():
    numbers = [delayed(pow)(i, 2) for i in range(200)]
    total = delayed(sum)(numbers)
    with ProgressBar(), CountTasks() as count:
        assert total.compute() == sum(i * i for i in range(200))
    assert count.n == 201

    with Profiler() as profile, ResourceProfiler(dt=0.01), CacheProfiler() as cache:
        total.compute()
    assert len(profile.results) == len(cache.results) == 201

    with tempfile.TemporaryDirectory() as folder:
        small = delayed(sum)(numbers[:4])
        for name in ("graph.svg", "graph.png", "graph.dot"):
            small.visualize(filename=str(Path(folder, name)))
        oxidask.visualize(small, filename=str(Path(folder, "order.svg")), color="order")
        print("drawn:", sorted(path.name for path in Path(folder).iterdir()))


if __name__ == "__main__":
    main()
