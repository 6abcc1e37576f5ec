"""The one-machine schedulers: threads, processes, one thread; larger than memory; failures."""

import numpy as np
import oxidask
from oxidask import delayed


def count_primes(start, stop):
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(max(2, start), stop))


def main():
    lazy = delayed(sum)([delayed(count_primes)(i * 2000, (i + 1) * 2000) for i in range(4)])
    # Pure Python keeps the interpreter's lock: processes run it in parallel.
    counts = {name: lazy.compute(scheduler=name) for name in ("threads", "sync", "processes")}
    print("primes below 8000:", counts)
    assert set(counts.values()) == {1007}

    # Values of 128 MiB altogether pass through a budget of 32 MiB; the rest waits on disk.
    chunks = [delayed(np.full)(2**20, float(i)) for i in range(16)]
    norms = delayed(sum)([(x * y).sum() for x, y in zip(chunks, reversed(chunks), strict=True)])
    with oxidask.config.set({"local.memory-limit": "32 MiB"}):
        answer = norms.compute()
    assert answer == 2**20 * sum(i * (15 - i) for i in range(16))

    # A failing task raises what it raised, with its own traceback.
    try:
        (delayed(int)("no number") + 1).compute()
    except ValueError as error:
        print("as expected:", error)
    else:
        raise AssertionError("the error is lost")


if __name__ == "__main__":
    main()
