"""Tokens: equal values and no others have equal tokens, in every process."""

import collections
import dataclasses
import datetime
import enum
import functools
import operator
import os
import re
import subprocess
import sys
import textwrap
import threading
import types

import cloudpickle
import numpy as np
import pytest
from oxidask import config
from oxidask.hashing import hash_buffer, hash_buffer_hex, hashers
from oxidask.tokenize import TokenizationError, normalize_token, tokenize


def token(*args, **kwargs):
    """The token, asserted to be repeatable and to survive a journey through pickle."""
    first = tokenize(*args, ensure_deterministic=True, **kwargs)
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first == tokenize(*args, ensure_deterministic=True, **kwargs)
    args, kwargs = cloudpickle.loads(cloudpickle.dumps((args, kwargs)))
    assert first == tokenize(*args, ensure_deterministic=True, **kwargs)
    return first


def test_tokens_do_not_change_from_release_to_release():
    # The same digits are pinned in the tests of oxidask-core.
    assert tokenize(1, "a") == "106ab7eb97d497c3362c23d4e922bd1b"


DISTINCT = [
    None, True, False, 0, 1, -1, 2**63, -(2**63), 2**64, 2**70, -(2**70), 0.0, -0.0, 1.0, 1j,
    float("nan"), float("inf"), "", "a", "1", "\ud83d", b"", b"a", bytearray(b"a"),
    memoryview(b"a"), [], (), {}, set(), frozenset(), [1], (1,), {1}, frozenset([1]), {1: 1},
    [[1]], [(1,)], [1, 1], slice(1), slice(None), range(1), range(1, 2), ..., NotImplemented,
    int, str, len, operator.add, operator.mul, "x".join, "y".join, str.join, re, os,
    datetime.date(2000, 1, 1), datetime.datetime(2000, 1, 1), datetime.timedelta(1),
    np.int64(1), np.int32(1), np.float64(1), np.bool_(True), np.str_("a"), np.datetime64("2000"),
    np.dtype("i4"), np.dtype([("a", "i4")]), np.array(1), np.array([1]), np.array([[1]]),
    np.array([1.0]), np.array(["a"]), np.array(["a"], dtype=object), np.ma.array([1]),
    np.ma.array([1], mask=[True]), np.zeros(0), np.zeros((0, 1)),
    np.zeros(1, "i4,i4").view(np.recarray),
    np.array(["2000"], dtype="M8[s]"), np.array([1], dtype="m8[s]"), np.sin, np.cos,
    functools.partial(max, 1), functools.partial(max, 2), types.SimpleNamespace(a=1),
    collections.OrderedDict([(1, 2)]), collections.Counter("a"), collections.deque([1]),
]  # fmt: skip


@pytest.mark.parametrize("value", DISTINCT, ids=repr)
def test_a_token_is_repeatable(value):
    if not isinstance(value, memoryview):  # which does not pickle as itself
        token(value)
    assert tokenize(value) == tokenize(value)


def test_distinct_values_have_distinct_tokens():
    tokens = {tokenize(value): value for value in DISTINCT}
    assert len(tokens) == len(DISTINCT)


def test_order_and_identity_do_not_matter_where_values_are_equal():
    shared = ["a", "b"]
    assert token([shared, shared]) == token([["a", "b"], ["a", "b"]])
    assert token({"x": 1, 2: shared}) == token({2: shared, "x": 1})
    assert token({(i, "v") for i in range(50)}) == token({(i, "v") for i in reversed(range(50))})
    assert token(1, x=2, y=3) == token(1, y=3, x=2)


def test_order_matters_where_values_differ():
    assert token([1, 2]) != token([2, 1])
    forth = collections.OrderedDict([("a", 1), ("b", 2)])
    back = collections.OrderedDict([("b", 2), ("a", 1)])
    assert token(forth) != token(back)
    assert token(collections.Counter("ab")) == token(collections.Counter("ba"))


def test_keyword_arguments_are_no_dictionary():
    assert len({token(5), token(5, x=1), token(5, y=1), token(5, {"x": 1}), token(5, x=2)}) == 5


def test_shared_parts_cost_no_more_than_distinct_ones():
    lists, tuples = [], ()
    for _ in range(100):  # 2 ** 100 paths lead to the innermost
        lists, tuples = [lists, lists], (tuples, tuples)
    assert token(lists) != token(tuples)


def test_circular_references():
    a, b = [1], [2]
    a.append(a)
    b.append(b)
    assert token(a) != token(b)

    alone = [[], []]
    alone[0].append(alone[0])
    alone[1].append(alone[1])
    crossed = [[], []]
    crossed[0].append(crossed[1])
    crossed[1].append(crossed[0])
    assert token(alone) != token(crossed)

    forth, back = {}, {}
    forth["a"], forth["b"] = forth, [forth]
    back["b"], back["a"] = [back], back
    assert token(forth) == token(back)

    every = [[] for _ in range(30)]
    for member in every:  # as many cycles as there are orders of 30
        member.extend(every)
    token(every)


class Node:
    def __init__(self, value, other=None):
        self.value = value
        self.other = other


def test_circular_objects():
    def ring(value):
        node = Node(value)
        node.other = [Node(0, node), node]
        return node

    assert token(ring(1)) == token(ring(1)) != token(ring(2))


def test_too_deep_an_object_is_refused_in_any_thread():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    raised = []

    def attempt():
        try:
            tokenize(deep)
        except RecursionError as error:
            raised.append(str(error))

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert len(raised) == 1
    assert "levels deep" in raised[0]
    # Python itself would overflow, were it to take the list apart in one go.
    while deep:
        deep = deep.pop()


def test_a_dictionary_that_changes_meanwhile():
    class Intruder:
        def __dask_tokenize__(self):
            d[object()] = 1
            return 1

    d = {1: Intruder(), 2: Intruder()}
    with pytest.raises(RuntimeError, match="changed size from 2 to 3"):
        tokenize(d)


def test_arrays_count_by_value_and_order():
    x = np.arange(24.0).reshape(4, 6)
    assert token(x) == token(x.copy())
    assert token(x[::2, ::3]) == token(x[::2, ::3].copy())
    assert token(x) != token(x.T)
    assert token(x) != token(x.reshape(6, 4))
    assert token(x) != token(np.asfortranarray(x))
    assert token(np.asfortranarray(x)) == token(np.asfortranarray(x.copy()))
    assert token(x[0]) == token(np.arange(6.0))
    assert token(x) != token(x.view("i8"))
    assert token(x.astype(">f8")) != token(x)


def test_padding_of_structured_arrays_takes_no_part():
    dtype = np.dtype([("a", "i1"), ("b", "i8")], align=True)
    assert dtype.itemsize > 9
    # Not copied: a copy may leave the padding as it finds it.
    zeros, ones = (np.frombuffer(bytearray([n]) * 3 * dtype.itemsize, dtype) for n in (0, 1))
    for x in (zeros, ones):
        x["a"], x["b"] = 1, 2
    assert zeros.tobytes() != ones.tobytes()
    assert token(zeros) == token(ones)
    assert token(zeros[0]) == token(ones[0])
    ones["b"][1] = 3
    assert token(zeros) != token(ones)


class Metres(np.ndarray):
    def __array_finalize__(self, other):
        self.scale = getattr(other, "scale", 1)

    def __reduce__(self):
        function, arguments, state = super().__reduce__()
        return function, arguments, (*state, self.scale)

    def __setstate__(self, state):
        super().__setstate__(state[:-1])
        self.scale = state[-1]


def test_attributes_of_array_subclasses_take_part():
    one, thousand = np.arange(3).view(Metres), np.arange(3).view(Metres)
    thousand.scale = 1000
    assert token(one) == token(np.arange(3).view(Metres))
    assert len({token(one), token(thousand), token(np.arange(3))}) == 3


def test_arrays_of_objects():
    x = np.array(["a", None, 1.5, [2]], dtype=object)
    assert token(x) == token(np.array(["a", None, 1.5, [2]], dtype=object))
    assert token(x) != token(np.array(["a", None, 1.5, [3]], dtype=object))


def test_memory_maps_count_by_what_they_hold(tmp_path):
    for name in ("one", "two"):
        np.save(tmp_path / f"{name}.npy", np.arange(10))
    one = np.load(tmp_path / "one.npy", mmap_mode="r")
    two = np.load(tmp_path / "two.npy", mmap_mode="r")
    assert tokenize(one) == tokenize(two) == tokenize(np.arange(10))
    assert tokenize(one[1:]) != tokenize(one[:-1])


def test_a_ufunc_without_a_home_has_no_deterministic_token():
    twice = np.frompyfunc(lambda x: 2 * x, 1, 1)
    assert tokenize(twice) != tokenize(twice)
    with pytest.raises(TokenizationError, match=r"oxidask\.array\.ufunc"):
        tokenize(twice, ensure_deterministic=True)


def make_functions():
    one, two = (lambda x: x), (lambda x: x + 1)

    def by_closure(x):
        return one(x)

    functions = [one, two, by_closure]

    def by_closure(x):
        return two(x)

    functions.append(by_closure)

    def by_default(x, f=one):
        return f(x)

    functions.append(by_default)

    def by_default(x, f=two):
        return f(x)

    functions.append(by_default)

    def by_keyword(x, *, f=one):
        return f(x)

    functions.append(by_keyword)

    def by_constant(x):
        return (lambda y: y + 2)(x)

    functions.append(by_constant)

    def by_constant(x):
        return (lambda y: y + 3)(x)

    functions.append(by_constant)

    def by_set(x):
        return x in {"a", "b", "c"}

    functions.append(by_set)

    def recursive(n):
        return n * recursive(n - 1) if n else 1

    functions.append(recursive)
    functions.append(functools.lru_cache(one))
    functions.append(functools.wraps(one)(lambda x: 5))
    return functions


def test_functions_count_by_what_they_do():
    tokens = [tokenize(f, ensure_deterministic=True) for f in make_functions()]
    assert len(set(tokens)) == len(tokens)
    assert tokens == [tokenize(f, ensure_deterministic=True) for f in make_functions()]


def test_functions_do_not_count_by_where_they_stand():
    text = "def f(x):\n    return x + 1"
    here, there = {"__name__": "__main__"}, {"__name__": "__main__"}
    exec(compile(text, "here.py", "exec"), here)
    exec(compile("\n\n" + text, "there.py", "exec"), there)
    assert tokenize(here["f"]) == tokenize(there["f"])
    exec(compile(text.replace("1", "2"), "here.py", "exec"), here)
    assert tokenize(here["f"]) != tokenize(there["f"])


def test_functions_count_by_the_globals_that_they_use():
    text = "def f(x):\n    return [scale * y for y in x]"
    space = {"__name__": "__main__", "scale": 1, "other": 1}
    exec(text, space)
    first = tokenize(space["f"])
    space["other"] = 2
    assert tokenize(space["f"]) == first
    space["scale"] = 2
    assert tokenize(space["f"]) != first


def test_functions_that_can_be_imported_count_by_name():
    assert normalize_token(textwrap.dedent) == ("textwrap", "dedent")
    assert normalize_token(collections.OrderedDict.fromkeys) != normalize_token(dict.fromkeys)


def make_class(value):
    class Local:
        limit = value

        def method(self):
            return self.limit, __class__

        @property
        def prop(self):
            return 1

    return Local


def test_local_classes_count_by_value():
    assert tokenize(make_class(1), ensure_deterministic=True) == tokenize(make_class(1))
    assert tokenize(make_class(1)) != tokenize(make_class(2))
    assert tokenize(make_class(1)()) == tokenize(make_class(1)())
    assert tokenize(make_class(1)()) != tokenize(make_class(2)())


@pytest.mark.parametrize("base", [enum.Enum, enum.IntEnum, enum.Flag, enum.IntFlag])
def test_enums(base):
    def make(blue):
        return base("Color", {"RED": 1, "BLUE": blue})

    assert tokenize(make(2), ensure_deterministic=True) == tokenize(make(2))
    assert tokenize(make(2).RED) != tokenize(make(4).RED)
    assert len({tokenize(make(2).RED), tokenize(make(2).BLUE), tokenize(1), tokenize(2)}) == 4


@dataclasses.dataclass
class Point:
    x: int
    y: list = dataclasses.field(default_factory=list)

    @functools.cached_property
    def size(self):
        return len(self.y)


class Slotted:
    __slots__ = ("a", "b")


def test_objects_count_by_their_state():
    assert token(Point(1)) == token(Point(1))
    assert token(Point(1)) != token(Point(2))
    a, b = Slotted(), Slotted()
    assert token(a) == token(b)
    a.a = b.b = 1
    assert token(a) != token(b)


def test_what_an_object_has_cached_takes_no_part():
    fresh, used = Point(1, [2]), Point(1, [2])
    assert used.size == 1
    assert token(fresh) == token(used)


class Names(list):
    pass


class Table(dict):
    pass


def test_subclasses_of_builtins_count_with_their_attributes():
    assert token(Names([1])) != token([1])
    one, two = Names([1]), Names([1])
    one.label, two.label = 1, 2
    assert token(one) != token(two)
    assert token(Table(a=1, b=2)) == token(Table(b=2, a=1)) != token({"a": 1, "b": 2})
    pair = collections.namedtuple("pair", "x y")
    assert tokenize(pair(1, 2)) != tokenize((1, 2))


def test_dask_tokenize_decides():
    class Versioned:
        def __init__(self, version, junk):
            self.version, self.junk = version, junk

        def __dask_tokenize__(self):
            return "Versioned", self.version

        def __call__(self):
            return self.junk

    assert tokenize(Versioned(1, object())) == tokenize(Versioned(1, object()))
    assert tokenize(Versioned(1, 0)) != tokenize(Versioned(2, 0))


def test_dask_tokenize_that_says_nothing():
    class Mirror:
        def __dask_tokenize__(self):
            return self

    with pytest.raises(RuntimeError, match="gave Mirror back unchanged"):
        tokenize(Mirror())


def test_a_registered_handler_comes_before_dask_tokenize():
    class Both:
        def __dask_tokenize__(self):
            return "method"

    assert normalize_token(Both()) == "method"
    normalize_token.register(Both, lambda both: "handler")
    assert normalize_token(Both()) == "handler"
    assert tokenize(Both()) == tokenize(Both())


def test_a_handler_for_a_builtin_type_is_heard():
    # In a process of its own: what is registered stays.
    script = """
    from oxidask.tokenize import normalize_token, tokenize
    before = tokenize(["a"]), tokenize("a")
    normalize_token.register(str, lambda text: text.lower() + "!")
    normalize_token.register(list, lambda items: items[::-1])
    assert tokenize(["a"]) != before[0]
    assert tokenize("a") != before[1]
    assert tokenize("A") == tokenize("a")
    assert tokenize([1, 2]) != tokenize([2, 1])
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


def test_an_object_without_a_value_is_equal_to_itself_only():
    o = object()
    assert tokenize(o) == tokenize(o)
    assert len({tokenize(object()) for _ in range(100)}) == 100


def test_what_cannot_be_pickled_gets_a_token_of_its_own():
    lock = threading.Lock()
    assert tokenize(lock) != tokenize(lock)
    assert tokenize([lock]) != tokenize([lock])


@pytest.mark.parametrize("value", [object(), threading.Lock(), [object()], {"x": (object(),)}])
def test_deterministic_or_not(value):
    with pytest.raises(TokenizationError, match="deterministic"):
        tokenize(value, ensure_deterministic=True)
    with config.set({"tokenize.ensure-deterministic": True}):
        with pytest.raises(TokenizationError, match="__dask_tokenize__"):
            tokenize(value)
        tokenize(value, ensure_deterministic=False)
    tokenize(value)


def test_a_nested_call_hears_what_the_outer_one_asked_for():
    class Nested:
        def __dask_tokenize__(self):
            return tokenize(object())

    tokenize(Nested())
    with pytest.raises(TokenizationError):
        tokenize(Nested(), ensure_deterministic=True)
    with pytest.raises(TokenizationError):
        tokenize([{1: Nested()}], ensure_deterministic=True)
    tokenize(Nested())


def test_errors_of_dask_tokenize_come_through():
    class Broken:
        def __dask_tokenize__(self):
            raise ZeroDivisionError("broken")

    with pytest.raises(ZeroDivisionError, match="broken"):
        tokenize([Broken()])


def test_the_same_in_every_process():
    script = """
    import collections, enum
    from oxidask.tokenize import tokenize
    class Color(enum.Enum):
        RED = 1
    class Base:
        names = {"a", "b", "c"}
        def f(self):
            return helper(self)
    def helper(x):
        return x in {"a", "b", "c"} and Base
    values = [{"x", "y", "z"}, {"k": {1, "1"}}, Color.RED, Base, Base(), helper, lambda: helper]
    print(tokenize(*values, ensure_deterministic=True))
    """
    tokens = {
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(tokens) == 1


def test_threads_agree():
    nested = []
    for i in range(200):
        nested = [i, {i: nested}, nested]
    found = []
    threads = [threading.Thread(target=lambda: found.append(tokenize(nested))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_tables_of_pandas():
    pd = pytest.importorskip("pandas")

    def frame(**changes):
        data = {
            "i": [1, 2, 3],
            "s": ["a", None, "c"],
            "n": pd.array([1, None, 3], dtype="Int64"),
            "c": pd.Categorical(["u", "v", "u"]),
            "t": pd.date_range("2000", periods=3, tz="CET"),
            "o": pd.Series([1, "x", None], dtype=object),
        }
        return pd.DataFrame(data | changes)

    first = token(frame())
    assert first == token(frame())
    changes = [
        {"i": [1, 2, 4]},
        {"i": [1.0, 2.0, 3.0]},
        {"s": ["a", "b", "c"]},
        {"n": pd.array([1, 2, 3], dtype="Int64")},
        {"c": pd.Categorical(["u", "v", "u"], ordered=True)},
        {"t": pd.date_range("2000", periods=3, tz="UTC")},
    ]
    assert len({first, *(token(frame(**change)) for change in changes)}) == len(changes) + 1
    assert token(frame().set_index("i")) != first
    assert token(frame().rename(columns={"i": "j"})) != first


def test_what_lies_below_missing_values_takes_no_part():
    pd = pytest.importorskip("pandas")
    mask = np.array([False, True])
    one = pd.arrays.IntegerArray(np.array([1, 5]), mask)
    two = pd.arrays.IntegerArray(np.array([1, 7]), mask)
    assert token(one) == token(two)


@pytest.mark.parametrize("dtype", ["Period[D]", "Sparse[int]", "interval", "string", "boolean"])
def test_extension_arrays_of_pandas(dtype):
    pd = pytest.importorskip("pandas")
    values = {
        "Period[D]": (["2000"], ["2001"]),
        "Sparse[int]": ([0, 1], [0, 2]),
        "interval": ([pd.Interval(0, 1)], [pd.Interval(0, 2)]),
        "string": (["a", None], ["b", None]),
        "boolean": ([True, None], [False, None]),
    }
    one, two = (pd.array(data, dtype=dtype) for data in values[dtype])
    assert token(one) == token(one.copy()) != token(two)


def test_a_range_index_is_not_unrolled():
    pd = pytest.importorskip("pandas")
    parts = normalize_token(pd.RangeIndex(10**12, name="x"))
    assert parts[1:] == ("x", 0, 10**12, 1)


def test_arrow_data_counts_whatever_its_chunks():
    pa = pytest.importorskip("pyarrow")
    whole = pa.chunked_array([[1, 2, None]])
    assert token(whole) == token(pa.chunked_array([[1], [2, None]]))
    assert token(whole) != token(pa.chunked_array([[1, 2, 3]]))
    assert token(pa.array([0, 1, 2])[1:]) == token(pa.array([1, 2]))
    table = pa.table({"x": [1, 2], "y": ["a", "b"]})
    assert token(table) == token(pa.concat_tables([table[:1], table[1:]]))
    assert token(table) != token(table.rename_columns(["x", "z"]))
    assert token(pa.struct({"x": pa.int8()})) != token(pa.struct({"x": pa.int16()}))
    words, others = pa.array(["a", "b"]), pa.array(["a", "c"])
    assert token(words.dictionary_encode()) != token(others.dictionary_encode())


BUFFERS = [
    b"abc", bytearray(b"123"), memoryview(b"456"), b"", np.array(42), np.ones((10, 10)),
    np.zeros((3, 3), dtype=[("a", "i4"), ("b", "i2")]), np.ones(1000, np.int8)[1:],
    np.asfortranarray(np.ones((3, 4))), bytes(1 << 20),
]  # fmt: skip


@pytest.mark.parametrize("hasher", [None, *hashers])
@pytest.mark.parametrize("buffer", BUFFERS, ids=lambda b: type(b).__name__)
def test_hash_buffer(buffer, hasher):
    digest = hash_buffer(buffer, hasher)
    assert digest == hash_buffer(memoryview(buffer).tobytes("A"), hasher)
    assert digest.hex() == hash_buffer_hex(buffer, hasher)


def test_hash_buffer_refuses_what_does_not_lie_together():
    with pytest.raises(BufferError, match="copy it first"):
        hash_buffer(np.ones(10)[::2])
