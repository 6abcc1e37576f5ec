"""Public functions of oxidask.utils, oxidask.sizeof and oxidask.system."""

import builtins
import datetime
import functools
import io
import operator
import os
import pickle
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from oxidask import utils
from oxidask.sizeof import SimpleSizeof, sizeof
from oxidask.system import CPU_COUNT, cpu_count
from oxidask.utils import (
    Dispatch,
    M,
    OperatorMethodMixin,
    SerializableLock,
    cached_cumsum,
    cached_max,
    cached_property,
    derived_from,
    ensure_bytes,
    ensure_unicode,
    extra_titles,
    filetexts,
    format_bytes,
    format_time,
    format_time_ago,
    funcname,
    getargspec,
    has_keyword,
    is_arraylike,
    is_dataframe_like,
    is_index_like,
    is_series_like,
    itemgetter,
    iter_chunks,
    key_split,
    methodcaller,
    ndeepmap,
    parse_bytes,
    parse_timedelta,
    pseudorandom,
    random_state_data,
    stringify,
    takes_multiple_arguments,
    tmpdir,
    tmpfile,
    typename,
)


def test_every_public_name_is_there():
    for name in utils.__all__:
        assert hasattr(utils, name), name


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100", 100), ("100 MB", 100_000_000), ("100M", 100_000_000), ("5.4 kB", 5400),
        ("1kiB", 1024), ("1Mi", 2**20), ("1e6", 10**6), ("1e3 kB", 10**6), ("MB", 10**6),
        (".5GB", 5 * 10**8), ("2 PiB", 2**51), ("-5kB", -5000), (123, 123), (1.9, 1), ("7B", 7),
    ],
)  # fmt: skip
def test_parse_bytes(text, value):
    assert parse_bytes(text) == value


@pytest.mark.parametrize(
    ("text", "wrong"), [("5 foos", "'foos'"), ("1.5.2", "'1.5.2'"), ("five GB", "'fiveGB'")]
)
def test_parse_bytes_names_what_is_wrong(text, wrong):
    with pytest.raises(ValueError, match=wrong):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1s", 1), ("100ms", 0.1), ("5S", 5), ("5.5 s", 5.5), ("1 second", 1), ("3500 us", 0.0035),
        ("1 ns", 1e-9), ("2m", 120), ("2 minutes", 120), ("5 days", 432_000), ("2 w", 1_209_600),
        ("1 Hour", 3600), ("ms", 0.001), (None, None), (3, 3), ("3", 3),
        (datetime.timedelta(milliseconds=1500), 1.5), (datetime.timedelta(seconds=2), 2),
    ],
)  # fmt: skip
def test_parse_timedelta(text, value):
    assert parse_timedelta(text) == (None if value is None else pytest.approx(value))


def test_parse_timedelta_units():
    assert parse_timedelta("1", default="ms") == 0.001
    assert parse_timedelta("1s", default=False) == 1
    with pytest.raises(ValueError, match="Missing time unit: 1"):
        parse_timedelta("1", default=False)
    with pytest.raises(TypeError, match="got None"):
        parse_timedelta("1", default=None)
    with pytest.raises(KeyError, match="Invalid time unit: foo"):
        parse_timedelta("1 foo")
    with pytest.raises(ValueError, match="'1h30m'"):
        parse_timedelta("1h30m")


@pytest.mark.parametrize("n", [0, 920, 2**12, 10**9, 2**60])
def test_format_bytes_can_be_parsed(n):
    assert parse_bytes(format_bytes(n)) == pytest.approx(n, rel=0.01)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 us"), (1e-6, "1.00 us"), (0.0123, "12.30 ms"), (60, "60.00 s"),
        (600, "600.00 s"), (601, "10m 1s"), (7200, "120m 0s"), (7201, "2hr 0m"),
        (172_800, "48hr 0m"), (172_801, "2d 0hr"),
    ],
)  # fmt: skip
def test_format_time(seconds, text):
    assert format_time(seconds) == text


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        ({}, "Just now"), ({"minutes": 1}, "1 minute ago"), ({"hours": 6}, "6 hours ago"),
        ({"days": 5}, "5 days ago"), ({"days": 16}, "2 weeks ago"), ({"days": 190}, "6 months ago"),
        ({"days": 800}, "2 years ago"),
    ],
)  # fmt: skip
def test_format_time_ago(ago, text):
    assert format_time_ago(datetime.datetime.now() - datetime.timedelta(**ago)) == text


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("x", "x"), ("x-1", "x"), ("x-1-2-3", "x"), (("x-2", 1), "x"), ("('x-2', 1)", "x"),
        ("('x', 1)", "x"), ("hello-world-1", "hello-world"), (b"hello-world-1", "hello-world"),
        ("ae05086432ca935f6eba409a8ecd4896", "data"), ("x-abcdefab", "x"), ("_(x)", "x"),
        ("<module.submodule.myclass object at 0xdaf372", "myclass"), (None, "Other"),
        ("", "Other"), (1, "Other"), ((), "Other"), ("x-facade", "x-facade"),
        ("from-delayed-e5d5e2c7a2bb8a60a39c8b8dcb2ec5be", "from-delayed"),
    ],
)  # fmt: skip
def test_key_split(key, name):
    assert key_split(key) == name


def test_names_of_functions():
    class Callable:
        def method(self):
            pass

        def __repr__(self):
            return "callable"

    assert funcname(lambda: 1) == "lambda"
    assert funcname(functools.partial(functools.partial(len))) == "len"
    assert funcname(M.sum) == "sum"
    assert funcname(Callable) == "Callable"
    assert funcname(Callable().method) == "method"
    assert funcname(Callable()) == "callable"
    assert funcname(np.vectorize(int)) == "vectorize_int"
    assert len(funcname(type("x" * 100, (), {}))) == 50
    assert typename(Callable()) == typename(Callable) == f"{__name__}.Callable"
    assert typename(subprocess.Popen, short=True) == "subprocess.Popen"


def test_signatures():
    def f(x, y, *, z=1):
        pass

    class Single:
        def __init__(self, a):
            pass

        def two(self, a, b):
            pass

    @functools.wraps(f)
    def wrapper(*args):
        pass

    assert getargspec(wrapper).args == ["x", "y"]
    assert getargspec(Single).args == ["self", "a"]
    assert has_keyword(functools.partial(f, 1), "z")
    assert not has_keyword(f, "w")
    assert not has_keyword(max, "w")
    takes = [map, f, Single(1).two, lambda *args: 0, pow]
    assert [takes_multiple_arguments(g) for g in takes] == [True] * len(takes)
    takes_not = [sum, len, Single, lambda: 0, lambda x, y=1: 0, np.sin]
    assert [takes_multiple_arguments(g) for g in takes_not] == [False] * len(takes_not)
    assert not takes_multiple_arguments(lambda *args: 0, varargs=False)


def test_callers_compare_and_pickle():
    assert methodcaller("count") is M.count is pickle.loads(pickle.dumps(M.count))
    assert "count" in repr(M.count)
    assert itemgetter(1) == pickle.loads(pickle.dumps(itemgetter(1))) != itemgetter(2)
    assert hash(itemgetter(1)) == hash(itemgetter(1))
    assert itemgetter(1) != operator.itemgetter(1)


def test_operator_mixin():
    class Boxed(OperatorMethodMixin):
        def __init__(self, value):
            self.value = value

        @classmethod
        def _get_unary_operator(cls, op):
            return lambda self: op(self.value)

        @classmethod
        def _get_binary_operator(cls, op, inv=False):
            return lambda self, other: op(other, self.value) if inv else op(self.value, other)

    for op in (operator.sub, operator.and_, operator.eq, operator.neg, operator.invert):
        Boxed._bind_operator(op)
    box = Boxed(6)
    assert (box - 1, 1 - box, box & 3, 3 & box, box == 6, -box, ~box) == (5, -5, 2, 2, True, -6, -7)


def test_dispatch_prefers_the_nearest_class():
    class Base:
        pass

    class Derived(Base):
        pass

    kind = Dispatch("kind")
    kind.register(object, lambda x: "object")
    assert kind(Derived()) == "object"
    kind.register(Base, lambda x: "base")  # after Derived was met
    assert kind(Derived()) == "base"
    kind.register((Derived, int), lambda x: "derived")
    assert (kind(Derived()), kind(Base()), kind(True), kind("")) == (
        "derived", "base", "derived", "object",
    )  # fmt: skip


def test_dispatch_without_an_implementation_names_the_type():
    kind = Dispatch("kind")
    with pytest.raises(TypeError, match=r"kind has no implementation for builtins\.int"):
        kind(1)


def test_dispatch_registers_lazily_and_once():
    from decimal import Decimal

    calls = []
    kind = Dispatch("kind")
    kind.register(object, lambda x: "object")

    @kind.register_lazy("decimal")
    def register():
        calls.append(1)
        kind.register(Decimal, lambda x: "decimal")

    found = []
    threads = [threading.Thread(target=lambda: found.append(kind(Decimal(1)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["decimal"] * 8
    assert calls == [1]


def test_serializable_locks_with_one_token_are_one_lock():
    a, b, named = SerializableLock(), SerializableLock(), SerializableLock("name")
    copy = pickle.loads(pickle.dumps(a))
    with a, b:
        assert not copy.acquire(blocking=False)
        assert copy.locked()
        assert not named.locked()
    assert SerializableLock("name").lock is named.lock
    assert "name" in repr(named)


def test_buffers_become_bytes_and_text():
    for data in (b"1", "1", memoryview(b"1"), bytearray(b"1"), np.frombuffer(b"1", "u1")):
        assert ensure_bytes(data) == b"1"
        assert ensure_unicode(data) == "1"
    assert ensure_bytes(np.arange(4, dtype="u1")[::2]) == b"\0\2"
    with pytest.raises(TypeError, match="int 5"):
        ensure_bytes(5)


def test_nested_lists():
    assert ndeepmap(0, str, [1]) == ndeepmap(0, str, 1) == "1"
    assert ndeepmap(3, str, [[[1], [2, 3]], [[]]]) == [[["1"], ["2", "3"]], [[]]]


def test_iter_chunks():
    assert list(iter_chunks([14, 8, 5, 9, 7], 19)) == [[14], [8, 5], [9, 7]]
    assert list(iter_chunks([], 19)) == []
    with pytest.raises(ValueError, match="size 20 is larger than max_size=19"):
        list(iter_chunks([1, 20], 19))


def test_cached_sums_and_maxima():
    a = (1, 2, 3)
    assert cached_cumsum(a) is cached_cumsum(a)
    assert cached_cumsum(a) == (1, 3, 6)
    assert cached_cumsum(a, initial_zero=True) == (0, 1, 3, 6)
    changing = [1, 2]
    assert cached_cumsum(changing) == (1, 3)
    changing[0] = 5
    assert cached_cumsum(changing) == (5, 7)
    assert cached_max(a) == 3
    assert np.isnan(cached_max((1, float("nan"), 3)))


def test_stringify():
    dsk = {("x", 1): (len, ["a"]), ("x", 2): (len, [("x", 1), ("y", 1)])}
    assert stringify(dsk, exclusive=dsk) == {
        ("x", 1): (len, ["a"]),
        ("x", 2): (len, ["('x', 1)", ("y", 1)]),
    }
    assert stringify([1]) == "[1]"


def test_what_looks_like_what():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": [1]})
    values = [frame, frame.x, frame.index, frame.x.values, [1], 1]
    checks = [is_dataframe_like, is_series_like, is_index_like, is_arraylike]
    table = [[check(value) for check in checks] for value in values]
    assert table[:3] == [[True, False, False, False], [False, True, False, True],
                         [False, False, True, True]]  # fmt: skip
    assert table[3:] == [[False, False, False, True], [False] * 4, [False] * 4]
    assert is_dataframe_like(pd.DataFrame)
    assert is_series_like(pd.Series)
    assert is_index_like(pd.Index)


def test_random_states_do_not_depend_on_how_many_there_are():
    few, many = random_state_data(3, 1234), random_state_data(9, 1234)
    assert all((a == b).all() for a, b in zip(few, many, strict=False))
    assert pseudorandom(10, [0.5, 0.2, 0.2, 0.1], 5).tolist() == [0, 2, 0, 3, 0, 1, 2, 1, 0, 0]
    with pytest.raises(ValueError, match="add to 1"):
        pseudorandom(3, [0.5])


def test_cached_property_is_read_only():
    class A:
        calls = 0

        @cached_property
        def x(self):
            self.calls += 1
            return 5

    a = A()
    assert (a.x, a.x, a.calls) == (5, 5, 1)
    with pytest.raises(AttributeError, match="'x'"):
        a.x = 6


def test_temporary_files_go_away():
    with tmpfile("jpg") as name:
        assert name.endswith(".jpg")
        open(name, "w").close()
    assert not os.path.exists(name)
    with tmpdir() as folder:
        open(os.path.join(folder, "x"), "w").close()
    assert not os.path.exists(folder)
    before = os.getcwd()
    with filetexts({"deep/a.txt": b"1"}, mode="b") as names, open(names[0], "rb") as file:
        assert file.read() == b"1"
    assert os.getcwd() == before


def test_derived_docstrings():
    class Original:
        def f(self, a, b):
            """Do it.

            Longer.

            Parameters
            ----------
            a : int
            b : int

            Examples
            --------
            >>> 1 + 1
            """

    class Copy:
        @derived_from(Original, inconsistencies="None that we know.", ua_args=["a"])
        def f(self, a):
            """Of ours."""

        @derived_from(Original, version="9.9")
        def g(self):
            pass

    doc = Copy.f.__doc__
    assert doc.startswith("Do it.")
    assert "Original.f." in doc
    assert "Known inconsistencies: None that we know." in doc
    assert "Of ours." in doc
    assert "a : int  (Not supported in Oxidask)" in doc
    assert "b : int  (Not supported in Oxidask)" in doc
    assert ">>> 1 + 1  # doctest: +SKIP" in doc
    with pytest.raises(NotImplementedError, match=r"g needs a version of .* 9\.9"):
        Copy().g()


def test_extra_titles_leave_other_lines_alone():
    doc = "Notes\n-----\na\n\nOther\n-----\n\nNotes\n-----\n-----\nb"
    assert extra_titles(doc).count("Extra Notes\n-----------") == 1
    assert extra_titles("a\nb") == "a\nb"


def test_deprecation():
    @utils._deprecated(message="go away")
    def f():
        return 1

    with pytest.warns(FutureWarning, match="^go away$"):
        assert f() == 1

    @utils._deprecated_kwarg("old", "new", {"yes": True})
    def g(new=None):
        return new

    with pytest.warns(FutureWarning, match="old='yes' is deprecated, use new=True"):
        assert g(old="yes") is True
    with pytest.warns(FutureWarning):
        assert g(old="other") == "other"
    with pytest.raises(TypeError, match="not both"):
        g(old=1, new=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert g(new=3) == 3


def test_tracebacks_are_shortened():
    from oxidask import config

    space = {}
    exec(compile("def library(f):\n    return f()", "library.py", "exec"), space)

    def boom():
        raise ZeroDivisionError

    def frames(error):
        traceback, names = error.__traceback__, []
        while traceback is not None:
            names.append(traceback.tb_frame.f_code.co_name)
            traceback = traceback.tb_next
        return names

    def attempt():
        with utils.shorten_traceback():
            space["library"](lambda: space["library"](boom))

    with config.set({"admin.traceback.shorten": ["library.py"]}):
        with pytest.raises(ZeroDivisionError) as caught:
            attempt()
        assert "library" not in frames(caught.value)
        assert frames(caught.value)[-1] == "boom"
    with config.set({"admin.traceback.shorten": []}):
        with pytest.raises(ZeroDivisionError) as caught:
            attempt()
        assert frames(caught.value).count("library") == 2


def test_show_versions(capsys):
    utils.show_versions()
    assert '"numpy": ' in capsys.readouterr().out


def test_sizeof():
    assert sizeof(1) == sys.getsizeof(1)
    assert funcname(sizeof) == "sizeof"
    assert sizeof([bytes(1000)] * 3) > 3000
    assert sizeof({"x": [np.ones(1000)]}) > 8000
    assert 8_000_000 < sizeof([np.ones(1000)] * 1000) < 9_000_000
    assert sizeof(np.broadcast_to(1, (100, 100))) <= 8
    assert sizeof(int) > 0
    assert sizeof(type("Thin", (SimpleSizeof, list), {})([bytes(9999)])) < 1000


def test_sizeof_of_tables():
    pd = pytest.importorskip("pandas")
    pa = pytest.importorskip("pyarrow")
    numbers = pd.DataFrame({"x": np.arange(10_000), "y": np.arange(10_000.0)})
    assert 160_000 < sizeof(numbers) < 165_000
    word = "w" * 10_000
    repeated = pd.Series([word] * 1000, dtype=object)
    distinct = pd.Series([f"{i:10000}" for i in range(1000)], dtype=object)
    assert sizeof(repeated) < 50_000 < 9_000_000 < sizeof(distinct) < 12_000_000
    assert 10_000 <= sizeof(pa.table({"x": [word]})) < 12_000
    assert sizeof(pd.MultiIndex.from_product([range(100), range(100)])) < 100_000


def test_cpu_count_heeds_the_affinity():
    assert CPU_COUNT == cpu_count() >= 1
    if hasattr(os, "sched_setaffinity"):
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(allowed)})
        try:
            assert cpu_count() == 1
        finally:
            os.sched_setaffinity(0, allowed)


@pytest.fixture
def many_processors(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 250)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 250, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(250)), raising=False)
    monkeypatch.setattr(sys, "platform", "linux")

    def pretend(files):
        def pretended(path, *args, **kwargs):
            if path in files:
                return io.StringIO(files[path])
            if str(path).startswith(("/sys/fs/cgroup", "/proc/self/cgroup")):
                raise FileNotFoundError(path)
            return original(path, *args, **kwargs)

        monkeypatch.setattr(builtins, "open", pretended)

    original = open
    return pretend


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({}, 250),
        ({"/sys/fs/cgroup/cpu.max": "2005 10"}, 201),
        ({"/sys/fs/cgroup/cpu.max": "max 10"}, 250),
        ({"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max": "300 100"}, 3),
        ({"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/cpu.max": "250 100"}, 3),
        (
            {
                "/proc/self/cgroup": "0::/a/b\n",
                "/sys/fs/cgroup/a/cpu.max": "200 100",
                "/sys/fs/cgroup/a/b/cpu.max": "max 100",
            },
            2,
        ),
        (
            {
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "150",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100",
            },
            2,
        ),
        (
            {
                "/sys/fs/cgroup/cpuacct,cpu/cpu.cfs_quota_us": "-1",
                "/sys/fs/cgroup/cpuacct,cpu/cpu.cfs_period_us": "100",
            },
            250,
        ),
        ({"/sys/fs/cgroup/cpu.max": "1 100"}, 1),
    ],
)
def test_cpu_count_heeds_control_groups(many_processors, files, count):
    many_processors(files)
    assert cpu_count() == count
