"""Lazy calls of ordinary functions: build first, compute in parallel later."""

import oxidask
from oxidask import delayed


@delayed
def load(name):
    return list(range(len(name)))


@delayed(pure=True)
def total(numbers):
    return sum(numbers)


@delayed(nout=2)
def extremes(numbers):
    return min(numbers), max(numbers)


def main():
    tables = [load(name) for name in ("alpha", "beta", "gamma delta")]
    # Delayed values are found inside lists, dicts and dataclasses.
    report = delayed(dict)(totals=[total(t) for t in tables], first=tables[0][0])
    low, high = extremes(tables[2])
    print(result := oxidask.compute(report, low, high + 1))
    assert result == ({"totals": [10, 6, 55], "first": 0}, 0, 11)

    # Equal pure calls are one task.
    assert total([1, 2]).key == total([1, 2]).key
    # What is persisted is computed once, and goes on as a delayed value.
    kept = total(tables[0]).persist()
    assert (kept + 1).compute() == 11


if __name__ == "__main__":
    main()
