"""Stock Dask's collections on Oxidask's schedulers, untouched."""

import sys

import oxidask
import oxidask.threaded

try:
    import dask.array as da
except ImportError:
    sys.exit("this example needs Dask: pip install 'dask[array]'")


def main():
    x = da.arange(1_000_000, chunks=100_000)
    mean = (x * 2).mean()
    # Either name the scheduler to Dask, or let Oxidask compute the collection.
    assert mean.compute(scheduler=oxidask.threaded.get) == 999_999
    answers = oxidask.compute(mean, x.sum(), oxidask.delayed(len)(x))
    print("mean, sum and length:", answers)
    assert answers == (999_999, 499_999_500_000, 1_000_000)


if __name__ == "__main__":
    main()
