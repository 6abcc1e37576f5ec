"""The talks' headline: the mean of two thousand million random numbers, in little memory."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import oxidask.array as da
from oxidask.demo.data import DemoError

__all__ = ["Headline", "headline"]

SIZE = 2_000_000_000
CHUNK = 1_000_000
SEED = 2013


@dataclass(frozen=True)
class Headline:
    """What the headline gave, and what it took."""

    size: int
    n_chunks: int
    mean: float
    seconds: float
    grown_bytes: int
    picture: Path

    def __str__(self) -> str:
        would_take = self.size * 8 / 1e9
        return (
            f"Array    random.normal(10, 0.1, size={self.size:,}, chunks={CHUNK:,}).mean()\n"
            f"         = {self.mean:.6f} in {self.seconds:.2f} s, over {self.n_chunks:,} chunks "
            f"drawn in {self.picture};\n"
            f"         the numbers would take {would_take:.0f} GB, the process grew by "
            f"{self.grown_bytes / 2**20:.0f} MiB"
        )


def headline(
    folder: str | os.PathLike[str], threads: int, size: int = SIZE, seed: int = SEED
) -> Headline:
    """Compute the headline and draw its chunks into `folder`.

    Parameters
    ----------
    folder
        Where the picture goes.
    threads
        How many threads to use.
    size
        How many numbers.
    seed
        The seed: the same numbers whatever the chunks and threads.

    Raises
    ------
    DemoError
        When the picture can't be written.
    """
    x = da.random.default_rng(seed).normal(10, 0.1, size=size, chunks=CHUNK)
    picture = Path(folder) / "array.svg"
    try:
        picture.write_text(x.to_svg())
    except OSError as error:
        raise DemoError(
            f"can't write {str(picture)!r} ({error}): name another folder with --output"
        ) from error
    before = _peak_bytes()
    began = perf_counter()
    mean = float(x.mean().compute(scheduler="threads", num_workers=threads))
    seconds = perf_counter() - began
    grown = _peak_bytes() - before
    return Headline(size, x.npartitions, mean, seconds, grown, picture)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
