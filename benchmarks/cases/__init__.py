"""The cases, one module for each section of the table. Importing this registers them."""

from cases import (
    arrays,
    cluster,
    delayed,
    frames,
    graphs,
    h2o,
    memory,
    native,
    order,
    parallel,
    tasks,
    timeseries,
    tokens,
    tpch,
    workloads,
)

__all__ = [
    "arrays",
    "cluster",
    "delayed",
    "frames",
    "graphs",
    "h2o",
    "memory",
    "native",
    "order",
    "parallel",
    "tasks",
    "timeseries",
    "tokens",
    "tpch",
    "workloads",
]
