"""What dataframes need beside the package: pandas 3 or later, and pyarrow."""

from __future__ import annotations

__all__ = ["pandas"]

try:
    import pandas
    import pyarrow  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"oxidask.dataframe needs {error.name}, which is not installed: pip install pandas pyarrow",
        name=error.name,
    ) from None
