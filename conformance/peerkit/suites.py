"""Names of groups of test files, and where the files of a peer lie.

A label such as `dask/array/tests/test_ufunc.py` names a test file by the peer's package.
"""

from __future__ import annotations

import fnmatch
import pathlib
import sys

SUITES = {
    "array": ["dask/array/tests/test_*.py", "!*cupy*"],
    "dataframe": ["dask/dataframe/tests/test_*.py", "dask/dataframe/tseries/tests/test_*.py"],
    "dataframe-io": ["dask/dataframe/io/tests/test_*.py"],
    "dataframe-expr": [
        "dask/dataframe/dask_expr/tests/test_*.py",
        "dask/dataframe/dask_expr/io/tests/test_*.py",
    ],
    "bag": ["dask/bag/tests/test_*.py"],
    "core": ["dask/tests/test_*.py"],
    "diagnostics": [
        "dask/diagnostics/tests/test_*.py",
        "dask/bytes/tests/test_*.py",
        "dask/widgets/tests/test_*.py",
    ],
    "distributed": ["distributed/tests/test_*.py"],
    "distributed-more": ["distributed/*/tests/test_*.py", "distributed/http/*/tests/test_*.py"],
    "streamz": ["streamz/tests/test_*.py", "streamz/dataframe/tests/test_*.py"],
    "ml": ["dask_ml/tests/test_*.py", "dask_ml/tests/*/test_*.py"],
}
# label root -> folder (under a sources folder) that holds it
LAYOUT = {
    "dask": ["dask/dask", "dask"],
    "distributed": ["distributed/distributed", "distributed"],
    "streamz": ["streamz/streamz", "streamz"],
    "dask_ml": ["dask-ml/dask_ml", "dask_ml"],
}
SELF = {"dask": "dask", "distributed": "distributed", "streamz": "streamz", "dask_ml": "dask_ml"}


def folders(sources):
    out = {}
    for root, tries in LAYOUT.items():
        for base in sources:
            for t in tries:
                d = pathlib.Path(base) / t
                if (d / "__init__.py").exists() and root not in out:
                    out[root] = d
    return out


def tests_folder(base, root):
    """dask-ml keeps its tests beside the package"""
    return base.parent / "tests" if root == "dask_ml" else base


def locate(label, where):
    """'dask/array/tests/test_x.py' -> path"""
    root, _, rest = label.partition("/")
    if root not in where:
        return None
    if root == "dask_ml" and rest.startswith("tests/"):
        p = where[root].parent / rest
    else:
        p = where[root] / rest
    return p if p.exists() else None


def expand(names, where):
    labels = []
    for name in names:
        pats = SUITES.get(name, [name])
        drop = [p[1:] for p in pats if p.startswith("!")]
        for pat in pats:
            if pat.startswith("!"):
                continue
            root, _, rest = pat.partition("/")
            if root not in where:
                print(f"no sources of {root}", file=sys.stderr)
                continue
            base = (
                where[root].parent
                if root == "dask_ml" and rest.startswith("tests/")
                else where[root]
            )
            for p in sorted(base.glob(rest)):
                label = f"{root}/{p.relative_to(base)}"
                if not any(fnmatch.fnmatch(label, d) for d in drop) and label not in labels:
                    labels.append(label)
    return labels
