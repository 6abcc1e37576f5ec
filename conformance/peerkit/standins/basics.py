"""Tiny functions, temporary files, version flags."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import shutil
import sys
import tempfile
import time

from peerkit import runtime as _pk

FORCED = {
    "dask.utils_test": [
        "inc",
        "dec",
        "add",
        "slowadd",
        "import_or_none",
        "_check_warning",
        "GetFunctionTestMixin",
        "hlg_layer",
        "hlg_layer_topological",
    ],
}
FALLBACK = {
    "dask.utils": [
        "tmpfile",
        "tmpdir",
        "filetext",
        "filetexts",
        "tmp_cwd",
        "changed_cwd",
        "ensure_not_exists",
        "M",
        "methodcaller",
        "get_named_args",
    ],
    "dask._compatibility": ["importlib_metadata"],
    # an autouse fixture of test_tokenize.py looks whether these are left as they should be
    "dask.tokenize": ["_SEEN", "_ENSURE_DETERMINISTIC"],
    "dask.base": ["is_dask_collection"],
    "dask.dataframe._compat": [
        "tm",
        "assert_categorical_equal",
        "assert_numpy_array_equal",
        "makeDataFrame",
        "makeTimeDataFrame",
        "makeTimeSeries",
        "makeMixedDataFrame",
        "makeMissingDataFrame",
        "makeDateIndex",
        "makeTimedeltaIndex",
        "IndexingError",
        "is_string_dtype",
        "check_groupby_axis_deprecation",
        "check_observed_deprecation",
        "check_apply_dataframe_deprecation",
        "check_convert_dtype_deprecation",
    ],
    "dask.array.numpy_compat": ["AxisError", "ComplexWarning"],
    "dask.bytes.utils": ["compress"],
    "dask.core": ["flatten"],
}


def inc(x):
    return x + 1


def dec(x):
    return x - 1


def add(x, y):
    return x + y


def slowadd(a, b, delay=0.1):
    time.sleep(delay)
    return a + b


def import_or_none(name):
    if name.split(".")[0] in _pk.PEER_ROOTS:
        name = _pk.target_name(name)
    try:
        return importlib.import_module(name)
    except (ImportError, AttributeError):
        return None


@contextlib.contextmanager
def _check_warning(condition, category, message):
    import pytest

    if not condition:
        yield None
        return
    with pytest.warns(category, match=message) as caught:
        yield caught


def hlg_layer(hlg, prefix):
    for name, layer in hlg.layers.items():
        if name.startswith(prefix):
            return layer
    raise KeyError(f"no layer starts with {prefix!r}: {list(hlg.layers)}")


def hlg_layer_topological(hlg, i):
    return hlg.layers[hlg._toposort_layers()[i]]


class GetFunctionTestMixin:
    """What any `get(graph, keys)` must do.  Tests derive from this and set `get`."""

    def test_get(self):
        graph = {":x": 1, ":y": (inc, ":x"), ":z": (add, ":x", ":y")}
        assert [self.get(graph, k) for k in (":x", ":y", ":z")] == [1, 2, 3]

    def test_badkey(self):
        import pytest

        with pytest.raises(KeyError):
            self.get({":x": 1, ":y": (inc, ":x")}, "badkey")

    def test_nested_badkey(self):
        import pytest

        with pytest.raises(KeyError):
            self.get({"x": 1, "y": 2, "z": (sum, ["x", "y"])}, [["badkey"], "y"])

    def test_data_not_in_dict_is_ok(self):
        assert self.get({"x": 1, "y": (add, "x", 10)}, "y") == 11

    def test_get_with_list(self):
        graph = {"x": 1, "y": 2, "z": (sum, ["x", "y"])}
        assert tuple(self.get(graph, ["x", "y"])) == (1, 2)
        assert self.get(graph, "z") == 3

    def test_get_with_list_top_level(self):
        graph = {
            "a": [1, 2, 3],
            "b": "a",
            "c": [1, (inc, 1)],
            "d": [(sum, "a")],
            "e": ["a", "b"],
            "f": [[[(sum, "a"), "c"], (sum, "b")], 2],
        }
        want = {
            "a": [1, 2, 3],
            "b": [1, 2, 3],
            "c": [1, 2],
            "d": [6],
            "e": [[1, 2, 3], [1, 2, 3]],
            "f": [[[6, [1, 2]], 6], 2],
        }
        for k, v in want.items():
            assert self.get(graph, k) == v, k

    def test_get_with_nested_list(self):
        graph = {"x": 1, "y": 2, "z": (sum, ["x", "y"])}
        got = self.get(graph, [["x"], "y"])
        assert (tuple(got[0]), got[1]) == ((1,), 2)

    def test_get_works_with_unhashables_in_values(self):
        graph = {"x": 1, "y": (lambda a, b: a + len(b), "x", {1})}
        assert self.get(graph, "y") == 2

    def test_nested_tasks(self):
        graph = {"x": 1, "y": (inc, "x"), "z": (add, (inc, "x"), "y")}
        assert self.get(graph, "z") == 4

    def test_get_stack_limit(self):
        graph = {f"x{i + 1}": (inc, f"x{i}") for i in range(10000)}
        graph["x0"] = 0
        assert self.get(graph, "x10000") == 10000

    def test_with_HighLevelGraph(self):
        (HighLevelGraph,) = _pk.names("dask.highlevelgraph", "HighLevelGraph")
        layers = {"a": {"x": 1, "y": (inc, "x")}, "b": {"z": (add, (inc, "x"), "y")}}
        assert self.get(HighLevelGraph(layers, {"a": (), "b": {"a"}}), "z") == 4


# ---------------------------------------------------------------- temporary files
def _remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.exists(path):
        with contextlib.suppress(OSError):
            os.remove(path)


def ensure_not_exists(path):
    _remove(path)


@contextlib.contextmanager
def tmpfile(extension="", dir=None):
    fd, path = tempfile.mkstemp("." + extension.lstrip(".") if extension else "", dir=dir)
    os.close(fd)
    os.remove(path)
    try:
        yield path
    finally:
        _remove(path)


@contextlib.contextmanager
def tmpdir(dir=None):
    path = tempfile.mkdtemp(dir=dir)
    try:
        yield path
    finally:
        _remove(path)


@contextlib.contextmanager
def filetext(text, extension="", open=open, mode="w"):
    with tmpfile(extension) as path:
        with open(path, mode=mode) as f:
            f.write(text)
        yield path


@contextlib.contextmanager
def changed_cwd(path):
    before = os.getcwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def tmp_cwd(dir=None):
    with tmpdir(dir) as path, changed_cwd(path):
        yield path


@contextlib.contextmanager
def filetexts(files, open=open, mode="t", use_tmpdir=True):
    with tmp_cwd() if use_tmpdir else contextlib.nullcontext():
        for name, text in files.items():
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(name, "w" + mode) as f:
                f.write(text)
        try:
            yield list(files)
        finally:
            for name in files:
                _remove(name)


# ---------------------------------------------------------------- small things
_SEEN = {}
_ENSURE_DETERMINISTIC = __import__("contextvars").ContextVar("_ENSURE_DETERMINISTIC")

import importlib.metadata as importlib_metadata  # noqa: F401


def get_named_args(func):
    import inspect

    return [
        p.name
        for p in inspect.signature(func).parameters.values()
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY, p.POSITIONAL_ONLY)
    ]


class methodcaller:
    def __init__(self, method):
        self.method = method

    def __call__(self, obj, *args, **kwargs):
        return getattr(obj, self.method)(*args, **kwargs)

    def __reduce__(self):
        return (methodcaller, (self.method,))

    @property
    def func(self):
        return self


class _M:
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return methodcaller(name)


M = _M()


def is_dask_collection(x):
    graph = getattr(x, "__dask_graph__", None)
    if isinstance(x, type) or graph is None:
        return False
    return graph() is not None


def flatten(seq, container=list):
    """The leaves of nested lists, in order."""
    if isinstance(seq, str):
        yield seq
        return
    for item in seq:
        if isinstance(item, container):
            yield from flatten(item, container)
        else:
            yield item


def _compressors():
    import bz2
    import gzip
    import lzma

    return {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, None: lambda x: x}


compress = _compressors()

try:
    from numpy.exceptions import AxisError, ComplexWarning
except ImportError:
    try:
        from numpy import AxisError, ComplexWarning
    except ImportError:
        AxisError = ComplexWarning = None

try:
    import pandas as _pd
    import pandas._testing as tm
    from pandas._testing import assert_categorical_equal, assert_numpy_array_equal
    from pandas.api.types import is_string_dtype
    from pandas.errors import IndexingError
except ImportError:
    _pd = tm = assert_categorical_equal = assert_numpy_array_equal = None
    is_string_dtype = IndexingError = None


def _names(n):
    import string

    return [c * 10 for c in string.ascii_letters[:n]]


def _numbers(rows, cols):
    import numpy as np

    return np.random.default_rng(2).standard_normal((rows, cols))


def makeDateIndex(k=30, freq="B"):
    return _pd.date_range("2000-01-01", periods=k, freq=freq)


def makeTimedeltaIndex(k=10, freq="D"):
    return _pd.timedelta_range("1 day", periods=k, freq=freq)


def makeDataFrame():
    return _pd.DataFrame(_numbers(30, 4), index=_pd.Index(_names(30)), columns=list("ABCD"))


def makeTimeDataFrame(nper=30, freq="B"):
    return _pd.DataFrame(_numbers(nper, 4), index=makeDateIndex(nper, freq), columns=list("ABCD"))


def makeTimeSeries(nper=30, freq="B", name=None):
    return _pd.Series(_numbers(nper, 1)[:, 0], index=makeDateIndex(nper, freq), name=name)


def makeMissingDataFrame(density=0.9, random_state=None):
    import numpy as np

    df = makeDataFrame()
    hole = np.random.default_rng(random_state).random(df.shape) > density
    return df.mask(hole)


def makeMixedDataFrame():
    return _pd.DataFrame(
        {
            "A": [0.0, 1.0, 2.0, 3.0, 4.0],
            "B": [0.0, 1.0, 0.0, 1.0, 0.0],
            "C": [f"foo{i}" for i in range(1, 6)],
            "D": _pd.bdate_range("2009-01-01", periods=5),
        }
    )


@contextlib.contextmanager
def _quiet(*args, **kwargs):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


check_groupby_axis_deprecation = check_observed_deprecation = _quiet
check_apply_dataframe_deprecation = check_convert_dtype_deprecation = _quiet


# ---------------------------------------------------------------- version flags
def _version_of(what):
    lib = {
        "PY": None,
        "NUMPY": "numpy",
        "PANDAS": "pandas",
        "PYARROW": "pyarrow",
        "SK": "sklearn",
        "DASK": None,
        "BOKEH": "bokeh",
    }.get(what)
    if what == "PY":
        return tuple(sys.version_info[:3])
    if lib is None:
        return None
    try:
        text = importlib.import_module(lib).__version__
    except ImportError:
        return (0, 0, 0)
    return tuple(int(x) for x in re.findall(r"\d+", text)[:3])


def flag(peer, name):
    """Constants such as PANDAS_GE_220, NUMPY_GE_210, WINDOWS, PY_VERSION."""
    from packaging.version import Version

    m = re.fullmatch(r"(PY|NUMPY|PANDAS|PYARROW|BOKEH)_GE_(\d)(\d)(\d*)", name)
    if m:
        have = _version_of(m.group(1))
        want = (int(m.group(2)), int(m.group(3)), int(m.group(4) or 0))
        if m.group(1) in ("PYARROW", "PY"):
            want = (
                int(m.group(2) + m.group(3)) if m.group(1) == "PYARROW" else int(m.group(2)),
                int(m.group(4) or 0) if m.group(1) == "PYARROW" else int(m.group(3) + m.group(4)),
                0,
            )
        if m.group(1) == "NUMPY" and not m.group(4):
            want = (int(m.group(2)), int(m.group(3)), 0)
        return True, have >= want
    m = re.fullmatch(r"(PY|NUMPY|PANDAS|PYARROW|BOKEH|SK)_VERSION", name)
    if m and _version_of(m.group(1)):
        return True, Version(".".join(map(str, _version_of(m.group(1)))))
    constants = {
        "WINDOWS": sys.platform == "win32",
        "MACOS": sys.platform == "darwin",
        "LINUX": sys.platform == "linux",
        "EMSCRIPTEN": sys.platform == "emscripten",
        "HAS_PYARROW": _version_of("PYARROW") > (0, 0, 0) if name == "HAS_PYARROW" else None,
        "CPU_COUNT": os.cpu_count(),
        "ARRAY_EXPR_ENABLED": False,
        "array_expr_enabled": lambda: False,
        "DASK_2025_3_0": True,
        "DASK_2025_5_0": True,
        "DASK_2_26_0": True,
        "DASK_2_20_0": True,
        "DASK_2130": True,
        "PANDAS_1_2_0": True,
        "SK_LOG_LOSS": True,
    }
    if name in constants:
        return True, constants[name]
    return False, None
