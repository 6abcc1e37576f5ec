"""Files of tables come back as they were written, in any form and from any place."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from pandas.testing import assert_frame_equal  # noqa: E402


@pytest.fixture
def frame() -> Any:
    rng = np.random.default_rng(0)
    n = 60
    return pd.DataFrame(
        {
            "i": rng.integers(-50, 50, n),
            "f": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n).round(3)),
            "s": rng.choice(["a", "bb", "a longer text than twelve"], n),
            "c": pd.Categorical(rng.choice(["x", "y"], n)),
        }
    )


@pytest.fixture(params=[1, 3, 7])
def both(request: pytest.FixtureRequest, frame: Any) -> tuple[Any, Any]:
    return frame, dd.from_pandas(frame, npartitions=request.param)


def as_text(frame: Any) -> Any:
    return frame.astype({"c": "str"})


@pytest.mark.parametrize("compression", [None, "gzip", "bz2", "xz", "zstd"])
def test_text_tables_with_compression(
    both: tuple[Any, Any], compression: str | None, tmp_path: Path
) -> None:
    pdf, ddf = both
    if compression == "zstd":
        pytest.importorskip("zstandard")
    paths = ddf.to_csv(str(tmp_path / "*.csv"), index=False, compression=compression)
    assert len(paths) == ddf.npartitions
    back = dd.read_csv(str(tmp_path / "*.csv"), compression=compression).compute()
    assert_frame_equal(back.reset_index(drop=True), as_text(pdf))


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
def test_compression_is_told_by_names(frame: Any, ending: str, tmp_path: Path) -> None:
    packed: Any = {".gz": gzip, ".bz2": bz2, ".xz": lzma}[ending]
    path = tmp_path / f"a.csv{ending}"
    path.write_bytes(packed.compress(frame.to_csv(index=False).encode()))
    assert_frame_equal(dd.read_csv(str(path)).compute(), as_text(frame))


def test_blocks_by_pandas_are_those_of_the_file(frame: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    frame.to_csv(path, index=False)
    for size in (50, 333, 10**6):
        # A dtype for all columns is for pandas.
        back = dd.read_csv(str(path), blocksize=size, dtype="str", keep_default_na=False)
        expected = pd.read_csv(path, dtype="str", keep_default_na=False)
        assert_frame_equal(back.compute().reset_index(drop=True), expected)
    assert dd.read_csv(str(path), blocksize=50, dtype="str").npartitions > 10


def test_a_column_of_paths(frame: Any, tmp_path: Path) -> None:
    dd.from_pandas(frame, npartitions=3).to_csv(str(tmp_path / "*.csv"), index=False)
    back = dd.read_csv(str(tmp_path / "*.csv"), include_path_column="from")
    counts = back.compute()["from"].value_counts()
    assert counts.tolist() == [20, 20, 20]
    assert sorted(counts.index) == [str(tmp_path / f"{n}.csv") for n in range(3)]
    with pytest.raises(ValueError, match="already contain the column name"):
        dd.read_csv(str(tmp_path / "*.csv"), include_path_column="i")


def test_files_of_other_columns(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("x,y\n1,2\n")
    (tmp_path / "2.csv").write_text("x,z\n3,4\n")
    pattern = str(tmp_path / "*.csv")
    assert list(dd.read_csv(pattern).compute().columns) == ["x", "y", "z"]
    with pytest.raises(ValueError, match=r"Columns do not match: .*2\.csv"):
        dd.read_csv(pattern, enforce=True).compute()


def test_remote_files(both: tuple[Any, Any]) -> None:
    fsspec = pytest.importorskip("fsspec")
    pdf, ddf = both
    place = f"memory://oxidask-{os.getpid()}-{ddf.npartitions}"
    ddf.to_csv(f"{place}/csv/*.csv", index=False)
    back = dd.read_csv(f"{place}/csv/*.csv", blocksize=200).compute()
    assert_frame_equal(back.reset_index(drop=True), as_text(pdf))
    ddf.to_parquet(f"{place}/pq", write_metadata_file=True)
    assert_frame_equal(dd.read_parquet(f"{place}/pq").compute(), pdf)
    few = dd.read_parquet(f"{place}/pq", columns=["s"], filters=[("i", ">", 0)])
    assert_frame_equal(few.compute(), pdf.loc[pdf.i > 0, ["s"]])
    ddf.to_json(f"{place}/json/*.json")
    back = dd.read_json(f"{place}/json/*.json").compute().reset_index(drop=True)
    assert_frame_equal(back, as_text(pdf))
    fsspec.filesystem("memory").rm(place, recursive=True)


@pytest.mark.parametrize("by", ["c", ["s", "c"]])
def test_parquet_in_folders(both: tuple[Any, Any], by: Any, tmp_path: Path) -> None:
    pdf, ddf = both
    ddf.to_parquet(tmp_path, partition_on=by, write_metadata_file=True)
    assert {"_metadata", "_common_metadata"} <= set(os.listdir(tmp_path))
    back = dd.read_parquet(tmp_path)
    assert back._expr.is_native
    assert list(back.c.cat.categories) == ["x", "y"]
    expected = pdf.sort_index()
    found = back.compute().sort_index()[list(pdf.columns)]
    assert_frame_equal(found.astype({"s": "str"}), expected, check_index_type=False)
    one = dd.read_parquet(tmp_path, filters=[("c", "==", "x")])
    assert one.npartitions < back.npartitions or back.npartitions == 1
    assert len(one) == (pdf.c == "x").sum()


def test_parquet_is_appended(frame: Any, tmp_path: Path) -> None:
    first, second = dd.from_pandas(frame[:40], npartitions=2), dd.from_pandas(frame[40:], 1)
    first.to_parquet(tmp_path, write_metadata_file=True)
    second.to_parquet(tmp_path, append=True)
    back = dd.read_parquet(tmp_path, calculate_divisions=True)
    assert_frame_equal(back.compute(), frame)
    assert back.npartitions == 3
    with pytest.raises(ValueError, match="overlap with previously written divisions"):
        second.to_parquet(tmp_path, append=True)
    with pytest.raises(ValueError, match="Appended columns"):
        second[["i"]].to_parquet(tmp_path, append=True, ignore_divisions=True)
    with pytest.raises(ValueError, match="Appended dtypes"):
        second.astype({"i": "f8"}).to_parquet(tmp_path, append=True, ignore_divisions=True)
    assert len(dd.read_parquet(tmp_path)) == 60


def test_each_file_counts_its_rows_by_its_own_word(frame: Any, tmp_path: Path) -> None:
    for name, part in (("a", frame[:20]), ("b", frame[20:])):
        part.to_parquet(tmp_path / f"{name}.parquet")
    assert_frame_equal(dd.read_parquet(tmp_path).compute(), frame)
    frame[:5].to_parquet(tmp_path / "c.parquet")
    back = dd.read_parquet(tmp_path).compute()
    assert back.index.tolist() == [*range(60), *range(5)]


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_dtypes_of_other_kinds(frame: Any, backend: str, tmp_path: Path) -> None:
    dd.from_pandas(frame, npartitions=3).to_parquet(tmp_path)
    back = dd.read_parquet(tmp_path, dtype_backend=backend)
    expected = pd.read_parquet(tmp_path, dtype_backend=backend)
    assert back.dtypes.astype(str).tolist() == back.compute().dtypes.astype(str).tolist()
    if backend == "pyarrow":
        assert back.dtypes["i"] == expected.dtypes["i"]
    assert back.i.sum().compute() == frame.i.sum()


def test_row_groups_that_filters_rule_out(frame: Any, tmp_path: Path) -> None:
    pdf = frame.sort_values("i").reset_index(drop=True)
    dd.from_pandas(pdf, npartitions=6).to_parquet(tmp_path)
    for filters in (
        [("i", ">", 20)],
        [[("i", ">", 20), ("s", "==", "a")], [("i", "<", -30)]],
        [("i", "in", [1, 2, 3])],
        [("i", "not in", [1, 2, 3])],
        [("f", "is", None)],
    ):
        back = dd.read_parquet(tmp_path, filters=filters)
        if filters[0] != ("f", "is", None):
            expected = pd.read_parquet(tmp_path, filters=filters)
            assert back.compute()["i"].tolist() == expected["i"].tolist()
        else:
            assert len(back) == pdf.f.isna().sum()
    assert dd.read_parquet(tmp_path, filters=[("i", ">", 20)]).npartitions < 4
    none = dd.read_parquet(tmp_path, filters=[("i", ">", 1000)])
    assert none.npartitions == 1
    assert len(none) == 0


def test_what_is_wrong_with_files(frame: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "1,2\n" * 100 + "1,2,3\n")
    with pytest.raises(pd.errors.ParserError, match=r"a\.csv, line 102: Expected 2 fields, saw 3"):
        dd.read_csv(str(path), sample=50, blocksize=100).compute()
    path.write_text("x,y\n" + "1,2\n" * 100 + "1,foo\n")
    with pytest.raises(ValueError, match=r"a\.csv, line 102: 'foo' in column 'y' of int64"):
        dd.read_csv(str(path), sample=50, blocksize=100).compute()
    with pytest.raises(FileNotFoundError, match="absent"):
        dd.read_parquet(tmp_path / "absent.parquet")
    frame.to_parquet(tmp_path / "b.parquet")
    late = dd.read_parquet(tmp_path / "b.parquet")
    with pytest.raises(ValueError, match="nothing"):
        dd.read_parquet(tmp_path / "b.parquet", columns=["nothing"])
    content = (tmp_path / "b.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"b\.parquet is no whole Parquet file"):
        dd.read_parquet(tmp_path / "b.parquet")
    (tmp_path / "b.parquet").unlink()
    with pytest.raises(FileNotFoundError, match=r"b\.parquet"):
        late.compute()


@pytest.mark.parametrize("write", ["to_csv", "to_parquet", "to_json", "to_orc"])
def test_no_file_is_left_of_a_partition_that_failed(frame: Any, write: str, tmp_path: Path) -> None:
    def fails(part: Any) -> Any:
        raise ValueError("this one")

    ddf = dd.from_pandas(frame, npartitions=1).map_partitions(fails, meta=frame.iloc[:0])
    with pytest.raises(ValueError, match="this one"):
        getattr(ddf, write)(str(tmp_path / "out"))
    assert os.listdir(tmp_path / "out") == []


def test_files_that_are_read_are_not_overwritten(frame: Any, tmp_path: Path) -> None:
    dd.from_pandas(frame, npartitions=2).to_parquet(tmp_path)
    ddf = dd.read_parquet(tmp_path)
    with pytest.raises(ValueError, match="Cannot overwrite a path that you are reading from"):
        (ddf.i + 1).to_frame().to_parquet(tmp_path, overwrite=True)
    assert_frame_equal(ddf.compute(), frame)


def test_json_lines_in_blocks(frame: Any, tmp_path: Path) -> None:
    dd.from_pandas(frame, npartitions=2).to_json(str(tmp_path / "*.json"))
    back = dd.read_json(str(tmp_path / "*.json"), blocksize=500)
    assert back.npartitions > 4
    assert_frame_equal(back.compute().reset_index(drop=True), as_text(frame))
    with pytest.raises(ValueError, match="only available with orient='records'"):
        dd.read_json(str(tmp_path / "*.json"), orient="split", lines=True)


def test_orc(both: tuple[Any, Any], tmp_path: Path) -> None:
    pytest.importorskip("pyarrow.orc")
    pdf, ddf = as_text(both[0]), both[1].astype({"c": "str"})
    ddf.to_orc(tmp_path, write_index=False)
    back = dd.read_orc(tmp_path)
    assert back.npartitions == ddf.npartitions
    assert_frame_equal(back.compute().reset_index(drop=True), pdf)
    few = dd.read_orc(tmp_path, columns=["s"], index="i", split_stripes=2, aggregate_files=True)
    assert few.npartitions == -(-ddf.npartitions // 2)
    assert_frame_equal(few.compute(), pdf.set_index("i")[["s"]])
    with pytest.raises(ValueError, match="nothing"):
        dd.read_orc(tmp_path, columns=["nothing"])


def test_hdf(both: tuple[Any, Any], tmp_path: Path) -> None:
    pytest.importorskip("tables")
    pdf, ddf = as_text(both[0]), both[1].astype({"c": "str"})
    ddf.to_hdf(tmp_path / "a.h5", "/data")
    back = dd.read_hdf(tmp_path / "a.h5", "/data", chunksize=13)
    assert back.npartitions == 5
    assert_frame_equal(back.compute(), pdf)
    ddf.to_hdf(tmp_path / "b-*.h5", "/data")
    assert_frame_equal(dd.read_hdf(str(tmp_path / "b-*.h5"), "/data").compute(), pdf)


def test_databases(both: tuple[Any, Any], tmp_path: Path) -> None:
    sa = pytest.importorskip("sqlalchemy")
    pdf, ddf = as_text(both[0]), both[1].astype({"c": "str"})
    pdf.index.name = "id"
    uri = f"sqlite:///{tmp_path}/a.db"
    ddf.rename_axis("id").to_sql("rows", uri)
    for n in (1, 4):
        back = dd.read_sql_table("rows", uri, "id", npartitions=n)
        assert back.npartitions == n
        assert back.known_divisions
        assert_frame_equal(back.compute(), pdf)
    few = dd.read_sql("rows", uri, "id", columns=["s"], divisions=[0, 20, 59])
    assert_frame_equal(few.compute(), pdf[["s"]])
    query = sa.select(sa.column("id"), sa.column("i")).select_from(sa.text("rows"))
    some = dd.read_sql_query(query.where(sa.column("i") > 0), uri, "id", npartitions=3)
    assert_frame_equal(some.compute(), pdf.loc[pdf.i > 0, ["i"]])
    with pytest.raises(TypeError, match="must be of type str"):
        dd.read_sql_table("rows", sa.create_engine(uri), "id")
    with pytest.raises(ValueError, match="exists"):
        ddf.to_sql("rows", uri)


class Capsule:
    """What another library's table shows of itself."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


def test_tables_of_other_libraries(frame: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.Table.from_pandas(frame)
    for data in (table, Capsule(table)):
        back = dd.from_arrow(data, npartitions=4)
        assert back.npartitions == 4
        assert_frame_equal(back.compute(), frame)
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        dd.from_arrow({"x": [1]}, npartitions=1)


def test_fixed_widths(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("name  n\n" + "".join(f"{chr(97 + n % 26) * 3:<6}{n}\n" for n in range(50)))
    expected = pd.read_fwf(path, widths=[6, 2])
    back = dd.read_fwf(str(path), widths=[6, 2], blocksize=60)
    assert back.npartitions > 3
    assert_frame_equal(back.compute().reset_index(drop=True), expected)
