"""Writes the dtypes that pandas' operators give, for all native dtypes: ``elementwise_dtypes.txt``.

A line is an operator, the left dtype, and a letter for each right side: the columns of ``COLUMNS``,
then the scalars of ``SCALARS`` on the right, then those on the left. Letters stand for dtypes,
capitals for exceptions, ``?`` for anything else.
"""

import operator
import pathlib
import warnings

import numpy as np
import pandas as pd

OPERATORS = {
    "Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "TrueDiv": operator.truediv,
    "FloorDiv": operator.floordiv, "Mod": operator.mod, "Pow": operator.pow, "Eq": operator.eq,
    "Ne": operator.ne, "Lt": operator.lt, "Le": operator.le, "Gt": operator.gt, "Ge": operator.ge,
    "And": operator.and_, "Or": operator.or_, "Xor": operator.xor,
}  # fmt: skip
COLUMNS = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32",
    "float64", "boolean", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64",
    "Float32", "Float64", "str", "datetime64[s]", "datetime64[us]", "datetime64[ns]",
    "datetime64[us, Europe/Vienna]", "datetime64[ns, UTC]", "timedelta64[s]", "timedelta64[us]",
    "timedelta64[ns]",
]  # fmt: skip
NAMES = [*COLUMNS, "datetime64[ns, Europe/Vienna]", "datetime64[us, UTC]"]
SCALARS = [
    True, 3, -3, 300, 2**63, 2.5, "missing", "x", pd.Timestamp("2020-01-01").as_unit("s"),
    pd.Timestamp("2020-01-01").as_unit("ns"), pd.Timestamp("2020-01-01", tz="UTC").as_unit("us"),
    pd.Timedelta(seconds=1).as_unit("s"), pd.Timedelta(seconds=1).as_unit("ns"),
]  # fmt: skip
ERRORS = {"TypeError": "T", "UFuncTypeError": "T", "OverflowError": "O", "ValueError": "V"}


def letter(name: str) -> str:
    at = NAMES.index(name)
    return chr(ord("a") + at) if at < 26 else chr(ord("0") + at - 26)


def column(dtype: str) -> pd.Series:
    if dtype in ("bool", "boolean"):
        return pd.Series([True, True], dtype=dtype)
    if dtype == "str":
        return pd.Series(["a", "b"], dtype=dtype)
    if dtype.startswith("datetime"):
        times = pd.Series(pd.to_datetime(["2020-01-01", "2021-01-01"]))
        return (times.dt.tz_localize("UTC") if "," in dtype else times).astype(dtype)
    numbers = pd.Series([1, 2])
    if dtype.startswith("timedelta"):
        return numbers.astype("timedelta64[s]").astype(dtype)
    return numbers.astype(dtype)


def missing_of(dtype: str):
    if dtype.startswith(("datetime", "timedelta")):
        return pd.NaT
    return pd.NA if dtype[0].isupper() or dtype == "boolean" else np.nan


def result(function, left, right) -> str:
    try:
        answer = function(left, right)
    except Exception as error:
        if type(error).__name__ == "NotImplementedError":
            return "N"
        return ERRORS.get(type(error).__name__, "?")
    name = str(getattr(answer, "dtype", "none"))
    return letter(name) if name in NAMES else "?"


def main() -> None:
    warnings.simplefilter("ignore")
    lines = []
    for name, function in OPERATORS.items():
        for dtype in COLUMNS:
            scalars = [missing_of(dtype) if scalar == "missing" else scalar for scalar in SCALARS]
            row = [result(function, column(dtype), column(right)) for right in COLUMNS]
            row += [result(function, column(dtype), scalar) for scalar in scalars]
            row += [result(function, scalar, column(dtype)) for scalar in scalars]
            lines.append(f"{name}\t{dtype}\t{''.join(row)}\n")
    pathlib.Path(__file__).with_suffix(".txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
