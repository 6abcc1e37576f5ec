"""Dataframes: pandas' API over partitions, lazy and in parallel.

Columns of numbers, text, times and categories are native, and kernels without Python's lock work
on them; what has no kernel pandas does, partition by partition.
"""

from __future__ import annotations

from oxidask.base import compute
from oxidask.dataframe._asof import merge_asof
from oxidask.dataframe._collection import is_collection as is_dask_collection
from oxidask.dataframe._converting import isna, to_datetime, to_numeric, to_timedelta
from oxidask.dataframe._csv import read_csv, read_fwf, read_table
from oxidask.dataframe._formats import read_hdf, read_json, read_orc, to_hdf, to_json, to_orc
from oxidask.dataframe._frame import DataFrame, Series
from oxidask.dataframe._index import Index
from oxidask.dataframe._io import (
    from_array,
    from_arrow,
    from_dask_array,
    from_delayed,
    from_dict,
    from_map,
    from_pandas,
)
from oxidask.dataframe._merge import merge
from oxidask.dataframe._multi import concat
from oxidask.dataframe._parquet import read_parquet
from oxidask.dataframe._partitions import map_partitions
from oxidask.dataframe._repartition import repartition
from oxidask.dataframe._reshaping import get_dummies, melt, pivot_table
from oxidask.dataframe._scalar import Scalar
from oxidask.dataframe._sql import read_sql, read_sql_query, read_sql_table, to_sql
from oxidask.dataframe._to_csv import to_csv
from oxidask.dataframe._to_parquet import to_parquet
from oxidask.dataframe._windows import map_overlap
from oxidask.dataframe.groupby import Aggregation

__all__ = [
    "Aggregation",
    "DataFrame",
    "Index",
    "Scalar",
    "Series",
    "compute",
    "concat",
    "from_array",
    "from_arrow",
    "from_dask_array",
    "from_delayed",
    "from_dict",
    "from_map",
    "from_pandas",
    "get_dummies",
    "is_dask_collection",
    "isna",
    "map_overlap",
    "map_partitions",
    "melt",
    "merge",
    "merge_asof",
    "pivot_table",
    "read_csv",
    "read_fwf",
    "read_hdf",
    "read_json",
    "read_orc",
    "read_parquet",
    "read_sql",
    "read_sql_query",
    "read_sql_table",
    "read_table",
    "repartition",
    "to_csv",
    "to_datetime",
    "to_hdf",
    "to_json",
    "to_numeric",
    "to_orc",
    "to_parquet",
    "to_sql",
    "to_timedelta",
]
