"""Makes the Parquet files of this folder with pandas: run it beside them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

times = pd.to_datetime(["2020-01-01 12:30", None, "2021-02-03 00:00"])
frame = pd.DataFrame(
    {
        "i": np.array([1, 2, 3], dtype="int16"),
        "f": [1.5, np.nan, -2.0],
        "s": ["a", None, "a text of more than twelve bytes"],
        "b": [True, False, True],
        "d": times,
        "z": times.tz_localize("Europe/Vienna"),
        "t": pd.to_timedelta(["1s", None, "2h"]),
        "c": pd.Categorical(["y", None, "x"], categories=["x", "w", "y"], ordered=True),
        "I": pd.array([1, None, 3], dtype="Int64"),
        "B": pd.array([True, None, False], dtype="boolean"),
    },
    index=pd.Index(["p", "q", "q"], name="key"),
)
frame.to_parquet("dtypes.parquet")
pd.DataFrame({0: [1.0, 2.0]}, index=pd.RangeIndex(10, 14, 2, name="n")).to_parquet("range.parquet")
table = pa.table({"a": pa.array([1, 2, 3, None, 5]), "s": ["u", "v", "w", "x", "y"]})
pq.write_table(table, "groups.parquet", row_group_size=2)
