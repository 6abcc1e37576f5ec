"""Where the peers' public names are: the modules, classes and commands to compare."""

from __future__ import annotations

# counterpart candidates of each peer root, for a target package {T}
ROOTS = {
    "dask": ["{T}"],
    "distributed": ["{T}.distributed"],
    "streamz": ["{T}.streamz", "{T}_streamz"],
    "dask_ml": ["{T}.ml", "{T}_ml", "{T}.dask_ml"],
}
# what those are when the target is dask itself
SELF = {"dask": "dask", "distributed": "distributed", "streamz": "streamz", "dask_ml": "dask_ml"}

PUBLIC, SEMI = 0, 1

MODULES = [
    (PUBLIC, m)
    for m in """
    dask dask.config dask.datasets dask.delayed dask.diagnostics dask.callbacks dask.cache
    dask.graph_manipulation dask.threaded dask.multiprocessing dask.local
    dask.array dask.array.linalg dask.array.fft dask.array.random dask.array.ma
    dask.array.overlap dask.array.gufunc dask.array.stats dask.array.image
    dask.array.lib.stride_tricks
    dask.dataframe dask.bag dask.bag.random dask.bytes
    distributed distributed.diagnostics distributed.diagnostics.plugin
    distributed.diagnostics.memory_sampler distributed.diagnostics.progressbar
    distributed.deploy distributed.protocol distributed.security
    streamz streamz.dataframe streamz.dataframe.aggregations streamz.batch streamz.dask
    streamz.graph streamz.collection
    dask_ml.cluster dask_ml.compose dask_ml.datasets dask_ml.decomposition dask_ml.ensemble
    dask_ml.feature_extraction.text dask_ml.impute dask_ml.linear_model dask_ml.metrics
    dask_ml.model_selection dask_ml.naive_bayes dask_ml.preprocessing dask_ml.wrappers
    """.split()
] + [
    (SEMI, m)
    for m in """
    dask.base dask.core dask.optimization dask.highlevelgraph dask.blockwise dask.order
    dask.rewrite dask.sizeof dask.system dask.tokenize dask.typing dask.utils dask.hashing
    dask.backends dask.layers dask.array.core dask.array.reductions dask.array.slicing
    dask.array.rechunk dask.array.percentile dask.dataframe.utils dask.dataframe.dispatch
    dask.dataframe.extensions dask.dataframe.methods dask.utils_test dask.array.utils
    distributed.utils distributed.comm distributed.core distributed.utils_test
    distributed.metrics distributed.preloading distributed.versions
    """.split()
]

# (tier, peer module, class name or None, factory of an instance or None)
# a factory gets `m`, which maps a peer module name to the counterpart module


def _frame(m):
    import pandas as pd

    pdf = pd.DataFrame(
        {
            "x": [1, 2, 3, 4],
            "s": list("abcd"),
            "t": pd.date_range("2020-01-01", periods=4),
            "c": pd.Categorical(list("aabb")),
        }
    )
    return m("dask.dataframe").from_pandas(pdf, npartitions=2)


CLASSES = (
    [
        (PUBLIC, "dask.array", "Array", lambda m: m("dask.array").ones((4, 4), chunks=2)),
        (
            PUBLIC,
            "dask.array",
            "Array.blocks",
            lambda m: m("dask.array").ones((4, 4), chunks=2).blocks,
        ),
        (
            PUBLIC,
            "dask.array.random",
            "RandomState",
            lambda m: m("dask.array.random").RandomState(0),
        ),
        (PUBLIC, "dask.array.random", "Generator", lambda m: m("dask.array.random").default_rng(0)),
        (PUBLIC, "dask.array.gufunc", "gufunc", None),
        (PUBLIC, "dask.dataframe", "DataFrame", _frame),
        (PUBLIC, "dask.dataframe", "Series", lambda m: _frame(m).x),
        (PUBLIC, "dask.dataframe", "Index", lambda m: _frame(m).index),
        (PUBLIC, "dask.dataframe", "Scalar", lambda m: _frame(m).x.sum()),
        (PUBLIC, "dask.dataframe", "GroupBy", lambda m: _frame(m).groupby("x")),
        (PUBLIC, "dask.dataframe", "SeriesGroupBy", lambda m: _frame(m).groupby("x").s),
        (PUBLIC, "dask.dataframe", "Rolling", lambda m: _frame(m).x.rolling(2)),
        (
            PUBLIC,
            "dask.dataframe",
            "Resampler",
            lambda m: _frame(m).set_index("t", sorted=True).x.resample("1D"),
        ),
        (PUBLIC, "dask.dataframe", "Series.str", lambda m: _frame(m).s.str),
        (PUBLIC, "dask.dataframe", "Series.dt", lambda m: _frame(m).t.dt),
        (PUBLIC, "dask.dataframe", "Series.cat", lambda m: _frame(m).c.cat),
        (PUBLIC, "dask.dataframe", "Aggregation", None),
        (PUBLIC, "dask.bag", "Bag", lambda m: m("dask.bag").from_sequence([1, 2])),
        (PUBLIC, "dask.bag", "Item", lambda m: m("dask.bag").from_sequence([1, 2]).sum()),
        (PUBLIC, "dask.delayed", "Delayed", lambda m: m("dask.delayed").delayed(1)),
        (PUBLIC, "dask.callbacks", "Callback", None),
        (PUBLIC, "dask.cache", "Cache", None),
        (PUBLIC, "dask.diagnostics", "ProgressBar", None),
        (PUBLIC, "dask.diagnostics", "Profiler", None),
        (PUBLIC, "dask.diagnostics", "ResourceProfiler", None),
        (PUBLIC, "dask.diagnostics", "CacheProfiler", None),
        (PUBLIC, "dask.highlevelgraph", "HighLevelGraph", None),
    ]
    + [
        (PUBLIC, "distributed", c, None)
        for c in """Client Future as_completed Queue Lock Variable Event Semaphore MultiLock Actor
    ActorFuture LocalCluster SpecCluster SubprocessCluster Adaptive Nanny Security
    SchedulerPlugin WorkerPlugin NannyPlugin PipInstall CondaInstall UploadFile UploadDirectory
    Environ get_task_stream CompatibleExecutor""".split()
    ]
    + [
        (PUBLIC, "distributed.deploy", "Cluster", None),
        (PUBLIC, "distributed.diagnostics.memory_sampler", "MemorySampler", None),
        (SEMI, "distributed", "Scheduler", None),
        (SEMI, "distributed", "Worker", None),
        (PUBLIC, "streamz", "Stream", None),
        (PUBLIC, "streamz.dask", "DaskStream", None),
        (PUBLIC, "streamz.batch", "Batch", None),
        (PUBLIC, "streamz.collection", "Streaming", None),
    ]
    + [
        (PUBLIC, "streamz.dataframe", c, None)
        for c in """DataFrame Series DataFrames Seriess Index Rolling Window GroupBy
    Random PeriodicDataFrame""".split()
    ]
    + [
        (PUBLIC, "streamz.dataframe.aggregations", c, None)
        for c in "Aggregation Sum Mean Count Size Var Full".split()
    ]
)
# modules where only these names are for users (the rest is machinery)
ONLY = {
    "dask.local": ["get_async", "get_sync"],
    "dask.threaded": ["get"],
    "dask.multiprocessing": ["get"],
    "dask.delayed": ["Delayed", "delayed"],
    "dask.array.lib.stride_tricks": ["sliding_window_view"],
    "dask.bytes": ["read_bytes"],
}
# every public class of these modules is also compared member by member
MEMBERS_OF = """dask_ml.cluster dask_ml.compose dask_ml.decomposition dask_ml.ensemble
dask_ml.feature_extraction.text dask_ml.impute dask_ml.linear_model dask_ml.model_selection
dask_ml.naive_bayes dask_ml.preprocessing dask_ml.wrappers""".split()

# module: the click command; label: how a user starts it
COMMANDS = [
    ("dask scheduler", "distributed.cli.dask_scheduler", ["scheduler"]),
    ("dask worker", "distributed.cli.dask_worker", ["worker"]),
    ("dask spec", "distributed.cli.dask_spec", ["spec"]),
    ("dask ssh", "distributed.cli.dask_ssh", ["ssh"]),
]
