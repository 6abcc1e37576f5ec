"""Gathers what was measured and writes it as Markdown tables, one for each section of cases."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

from case import CONTENDERS, Case, Measure

HEADINGS = {
    "arrays": "Arrays",
    "graphs": "Graphs of arrays",
    "cluster": "Clusters",
    "frames": "Dataframes",
    "h2o": "Dataframes: the questions of h2o",
    "timeseries": "Dataframes: time series",
    "tpch": "Dataframes: TPC-H",
    "tasks": "What a task costs",
    "native": "Native tasks",
    "delayed": "Delayed calls",
    "order": "The static order",
    "memory": "Memory",
    "parallel": "Parallel work",
    "tokens": "Tokens, configuration, pictures",
    "workloads": "Workloads",
}

# What the rows of a section have in common and one must know.
ENDS = """\
Polars ends with a frame of its own, DuckDB with an Arrow table, all others with a pandas object."""
NOTES = {
    "frames": ENDS,
    "h2o": f"Tables in memory. {ENDS}",
    "timeseries": f"Tables in memory. {ENDS}",
    "tpch": """\
From Parquet files, read anew at each query: decimals as floats, dates as timestamps, files of at
most 1,000,000 rows with row groups of 250,000; 1,500,000 orders are scale 1. Oxidask, Dask and
pandas run one text in pandas' style, and pandas is told which columns to read. Polars and DuckDB
run the specification's SQL. Every answer was compared with DuckDB's.""",
}
# Sections whose ratios are also told together, as geometric means.
SUMMED = ("frames", "h2o", "timeseries", "tpch")

INTRODUCTION = """\
# Benchmarks

Written by `make bench`; [docs/benchmarks.md](../docs/benchmarks.md) says how to read it. Each cell
is the median of the rounds, with the lowest and the highest in brackets; `12x` says that Oxidask is
twelve times better than that contender (`0.5x`: half as good). A dash means that the contender
can't do this, is not measured at that size, or is not installed.
"""


@dataclass
class Row:
    """One line of the table: a case at one size."""

    case: Case
    size: int
    # For each contender, for each round, the values of the case's measures.
    samples: dict[str, list[list[float]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass
class Results:
    """Everything that was measured in one run."""

    machine: dict[str, str]
    rounds: int
    is_quick: bool
    rows: dict[tuple[str, int], Row] = field(default_factory=dict)

    def add(self, case: Case, size: int, contender: str, outcome: dict[str, Any]) -> None:
        """Take in what one measurement said."""
        row = self.rows.setdefault((case.name, size), Row(case, size))
        if "values" in outcome:
            row.samples.setdefault(contender, []).append(outcome["values"])
        elif "failed" in outcome:
            row.failures[contender] = outcome["failed"]

    @property
    def failures(self) -> list[str]:
        """What failed and why, one line each."""
        return [
            f"{row.case.name}, {row.size:,}, {contender}: {reason}"
            for row in self.rows.values()
            for contender, reason in row.failures.items()
        ]


def brief(outcome: dict[str, Any]) -> str:
    """One measurement in a few words, for the progress on the screen."""
    if "values" in outcome:
        return " ".join(number(value) for value in outcome["values"])
    return " ".join(f"{kind}: {reason}" for kind, reason in outcome.items())


def number(value: float) -> str:
    """Three digits that count, without an exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = max(0, 2 - _magnitude(value))
    return f"{value:.{digits}f}"


def _magnitude(value: float) -> int:
    return int(f"{abs(value):e}".partition("e")[2])


def cell(row: Row, contender: str, at: int, measure: Measure) -> str:
    if contender in row.failures:
        return "failed"
    values = [sample[at] for sample in row.samples.get(contender, [])]
    if not values:
        return "–"
    middle = statistics.median(values)
    text = number(middle)
    if contender == "oxidask":
        text = f"**{text}**"
    if len(values) > 1:
        text += f" ({number(min(values))}–{number(max(values))})"
    ours = [sample[at] for sample in row.samples.get("oxidask", [])]
    if contender != "oxidask" and ours and middle and (own := statistics.median(ours)):
        ratio = own / middle if measure.more_is_better else middle / own
        text += f", {number(ratio)}x"
    return text


def markdown(results: Results) -> str:
    parts = [INTRODUCTION]
    if results.is_quick:
        parts.append("**A quick run: sizes far too small to say anything.**\n")
    parts.append("\n".join(f"- {what}: {value}" for what, value in results.machine.items()))
    parts.append(f"- rounds: {results.rounds}\n")
    for section, heading in HEADINGS.items():
        rows = [row for row in results.rows.values() if row.case.section == section]
        if rows:
            parts.append(f"## {heading}\n")
            if section in NOTES:
                parts.append(NOTES[section] + "\n")
            parts.append(_table(rows) + "\n")
            if section in SUMMED:
                parts.append(_means(rows) + "\n")
    if results.failures:
        parts.append("## What failed\n")
        parts.append("\n".join(f"- {failure}" for failure in results.failures) + "\n")
    return "\n".join(parts)


def _table(rows: list[Row]) -> str:
    racing = [name for name in CONTENDERS if any(name in row.case.contenders for row in rows)]
    lines = [["measured", "unit", "target", *racing]]
    lines.append(["---", "---", "---", *["---:" for _ in racing]])
    for row in rows:
        for at, measure in enumerate(row.case.measures):
            title = row.case.title.format(n=f"{row.size:,}")
            if measure.what:
                title += f": {measure.what}"
            cells = [cell(row, name, at, measure) for name in racing]
            lines.append([title, measure.unit, measure.target or "–", *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _means(rows: list[Row]) -> str:
    """Say how the others' times compare with ours over all rows that both have."""
    said = []
    for name in CONTENDERS:
        ratios = [
            statistics.median(theirs) / statistics.median(ours)
            for row in rows
            if (ours := [sample[0] for sample in row.samples.get("oxidask", [])])
            and (theirs := [sample[0] for sample in row.samples.get(name, [])])
        ]
        if name != "oxidask" and ratios:
            mean, slowest = statistics.geometric_mean(ratios), min(ratios)
            rows_of = f"{len(ratios)} of {len(rows)} rows"
            said.append(f"- {name}: {number(mean)}x, at least {number(slowest)}x ({rows_of})")
    return "Geometric means of the ratios:\n\n" + "\n".join(said) if said else ""


def plain(results: Results) -> dict[str, Any]:
    """Everything as JSON has it, every single sample included."""
    rows = [
        {
            "case": row.case.name,
            "size": row.size,
            "measures": [asdict(measure) for measure in row.case.measures],
            "samples": row.samples,
            "failures": row.failures,
        }
        for row in results.rows.values()
    ]
    return {"machine": results.machine, "rounds": results.rounds, "rows": rows}
