"""Answers the rewritten imports of a peer test file.

names("dask.array.core", "Array", ...)   values, one per name
module("dask.array")                     the counterpart module (a thin proxy)

Order of search for a name:
 1. a forced stand-in of ours (assertion helpers, cluster fixtures)
 2. the counterpart module in the target, e.g. oxidask.array.core
 3. the nearest public parent in the target: oxidask.array, then oxidask
    (so `from dask.array.core import Array` works when only oxidask.array.Array exists)
 4. a fallback stand-in of ours (temporary files, version flags, ...)
 5. a Missing placeholder: harmless while the file is collected, an error when used
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import types

TARGET = os.environ.get("PEERKIT_TARGET", "oxidask")
MAP = json.loads(os.environ.get("PEERKIT_MAP", "{}"))
HELPERS_MODE = os.environ.get("PEERKIT_HELPERS", "ours")  # ours | native
PEER_ROOTS = ("dask", "distributed", "streamz", "dask_ml")

collecting = True  # set to False by the plugin when the first test starts
log = []  # (peer module, name, how) for --report-imports


class MissingPeerName(AttributeError):
    """The target package has no such name."""


def target_name(peer: str) -> str:
    root, _, rest = peer.partition(".")
    # dask.distributed is an alias of distributed
    if root == "dask" and (rest == "distributed" or rest.startswith("distributed.")):
        root, rest = "distributed", rest[len("distributed") :].lstrip(".")
    base = MAP.get(root, root)
    return base + ("." + rest if rest else "")


class Missing:
    """Stands for something the target lacks."""

    def __init__(self, path, called_with=()):
        self.__dict__["_path"] = path
        # Calls with equal arguments give equal placeholders: parameters of tests use them as keys.
        self.__dict__["_identity"] = (path, repr(called_with))
        self.__dict__["__name__"] = path.rpartition(".")[2]
        self.__dict__["__qualname__"] = self.__dict__["__name__"]
        self.__dict__["__module__"] = "peerkit.missing"

    def _fail(self):
        raise MissingPeerName(f"missing in {TARGET}: {self._path}")

    def __getattr__(self, name):
        if name.startswith(("__", "_mock", "pytest")):
            raise AttributeError(name)
        if collecting:
            return Missing(f"{self._path}.{name}")
        self._fail()

    def __call__(self, *args, **kwargs):
        if not collecting:
            self._fail()
        # used as a decorator: keep the test, let it fail when it runs
        if (
            len(args) == 1
            and not kwargs
            and inspect.isfunction(args[0])
            and args[0].__name__.startswith("test")
        ):
            return failing_test(args[0], self._path)
        return Missing(self._path, (args, kwargs))

    def __eq__(self, other):
        return isinstance(other, Missing) and self._identity == other._identity

    def __hash__(self):
        return hash(self._identity)

    def __mro_entries__(self, bases):
        return (MissingBase,)

    def __bool__(self):
        return False

    def __enter__(self):
        self._fail()

    def __exit__(self, *a):
        return False

    def __iter__(self):
        if collecting:
            return iter(())
        self._fail()

    def __contains__(self, item):
        return False

    def __lt__(self, other):
        return False

    __le__ = __gt__ = __ge__ = __lt__

    def __repr__(self):
        return f"<missing {self._path}>"

    def __reduce__(self):
        return (Missing, (self._path,))


class MissingBase:
    def __init__(self, *a, **k):
        raise MissingPeerName(f"{type(self).__name__} derives from something {TARGET} lacks")


def failing_test(func, path):
    def test(*args, **kwargs):
        raise MissingPeerName(f"missing in {TARGET}: {path}")

    test.__name__ = func.__name__
    test.__doc__ = func.__doc__
    test.__module__ = func.__module__
    test.pytestmark = list(getattr(func, "pytestmark", []))
    try:
        # a cluster decorator would have filled the leading parameters
        params = list(inspect.signature(func).parameters.values())
        lead = {"c", "s", "a", "b", "w", "client", "scheduler"} if "gen_" in path else set()
        test.__signature__ = inspect.Signature([p for p in params if p.name not in lead])
    except (TypeError, ValueError):
        pass
    return test


_tables = None


def tables():
    """{(peer module, name): object} of forced and of fallback stand-ins."""
    global _tables
    if _tables is None:
        forced, fallback = {}, {}
        for mod in (
            "array",
            "frame",
            "basics",
            "cluster",
            "cluster_tasks",
            "cluster_settings",
            "streams",
            "ml",
        ):
            m = importlib.import_module(f"peerkit.standins.{mod}")
            for table, attr in ((forced, "FORCED"), (fallback, "FALLBACK")):
                for peer, names in getattr(m, attr, {}).items():
                    for n in names:
                        # 'assert_eq=bag_assert_eq' gives ours under the peer's name
                        theirs, _, ours = n.partition("=")
                        table[peer, theirs] = getattr(m, ours or theirs)
        _tables = forced, fallback
    return _tables


def _helper(peer, name, which):
    forced, fallback = tables()
    table = forced if which == "forced" else fallback
    key = (peer, name)
    if key in table:
        return True, table[key]
    if peer.startswith("dask.distributed"):
        key = (peer[5:], name)
        if key in table:
            return True, table[key]
    if which == "fallback":
        from peerkit.standins import basics

        return basics.flag(peer, name)
    return False, None


_broken = {}


def _import(name):
    """the module, or None where there is none (or none that can be imported)"""
    if name in _broken:
        return None
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
    except Exception as e:  # a target that breaks while it is imported counts as missing
        _broken[name] = e
        log.append((name, "", f"BROKEN: {type(e).__name__}: {e}"))
        return None


def support(peer):
    """a test-support module of the peer's, rewritten by the runner, if there is one"""
    if "tests" in peer.split("."):
        return _import("peersupport_" + peer.replace(".", "_"))
    return None


def _lookup(modname, name):
    """attribute or submodule `name` of target module `modname`"""
    mod = _import(modname)
    if mod is not None:
        try:
            return True, getattr(mod, name)
        except AttributeError:
            pass
        sub = _import(f"{modname}.{name}")
        if sub is not None:
            return True, sub
    return False, None


# where a name of an inner module is public
ALIASES = {
    ("dask.base", "tokenize"): "dask.tokenize",
    ("dask.base", "normalize_token"): "dask.tokenize",
    ("dask.array.rechunk", "normalize_chunks"): "dask.array.core",
    ("dask.array.slicing", "normalize_chunks"): "dask.array.core",
    ("dask.bag.core", "Delayed"): "dask.delayed",
    ("dask.utils", "SerializableLock"): "dask.utils",
}


def public_parent(peer, name):
    """`name` in the nearest parent module of the target that has it"""
    tname = target_name(peer)
    if (peer, name) in ALIASES:
        ok, value = _lookup(target_name(ALIASES[peer, name]), name)
        if ok:
            return True, value
    if name.startswith("_"):
        return False, None
    root = (
        "distributed"
        if tname.split(".")[:2] == MAP.get("distributed", "").split(".")[:2]
        else peer.split(".")[0]
    )
    base, up = MAP.get(root, TARGET), tname
    while "." in up and len(up) > len(base):
        up = up.rpartition(".")[0]
        if len(up) < len(base):
            break
        mod = _import(up)
        value = getattr(mod, name, None) if mod is not None else None
        if value is not None and not isinstance(value, types.ModuleType):
            return True, value
    return False, None


def is_helper_module(peer):
    return any(p == peer or p.startswith(peer + ".") for table in tables() for p, _ in table)


def one(peer, name):
    forced_ok, forced = _helper(peer, name, "forced")
    if forced_ok and HELPERS_MODE == "ours":
        log.append((peer, name, "helper"))
        return forced
    mod = support(peer)
    if mod is not None and hasattr(mod, name):
        log.append((peer, name, "peer's test support"))
        return getattr(mod, name)
    tname = target_name(peer)
    ok, value = _lookup(tname, name)
    if ok:
        log.append((peer, name, "target"))
        return proxy_of(value) if isinstance(value, types.ModuleType) else value
    if forced_ok:
        log.append((peer, name, "helper"))
        return forced
    ok, value = public_parent(peer, name)
    if ok:
        log.append((peer, name, "public parent"))
        return value
    ok, value = _helper(peer, name, "fallback")
    if ok:
        log.append((peer, name, "fallback helper"))
        return value
    if is_helper_module(f"{peer}.{name}"):
        return module(f"{peer}.{name}")
    log.append((peer, name, "MISSING"))
    return Missing(f"{peer}.{name}")


def names(peer, *wanted):
    return tuple(one(peer, n) for n in wanted)


def star(peer):
    """`from peer import *` : stand-ins of ours and the target's public names"""
    out = {}
    mod = support(peer) or _import(target_name(peer))
    if mod is not None:
        listed = getattr(mod, "__all__", None) or [n for n in vars(mod) if not n.startswith("_")]
        for n in listed:
            if hasattr(mod, n):
                out[n] = getattr(mod, n)
    forced, fallback = tables()
    for (p, n), v in {**fallback, **forced}.items():
        if p == peer:
            out[n] = v
    return out


class PeerModule(types.ModuleType):
    """A view of a target module that is lenient while a test file is collected."""

    def __init__(self, peer, real):
        super().__init__(getattr(real, "__name__", target_name(peer)))
        types.ModuleType.__setattr__(self, "_peer", peer)
        types.ModuleType.__setattr__(self, "_real", real)

    @property
    def __dict__(self):  # pytest's monkeypatch and vars() look here
        return {} if self._real is None else self._real.__dict__

    def __getattr__(self, name):
        if name in ("_peer", "_real") or name.startswith(("_mock", "pytest")):
            raise AttributeError(name)
        peer, real = self._peer, self._real
        ok, value = _helper(peer, name, "forced")
        if ok and HELPERS_MODE == "ours":
            return value
        if real is not None:
            try:
                value = getattr(real, name)
                if isinstance(value, types.ModuleType) and value.__name__.split(".")[0] in (
                    TARGET,
                    *PEER_ROOTS,
                ):
                    return module(f"{peer}.{name}", value)
                return value
            except AttributeError:
                pass
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        ok, value = _helper(peer, name, "fallback")
        if ok:
            return value
        if peer.count("."):
            ok, value = public_parent(peer, name)
            if ok:
                return value
        if is_helper_module(f"{peer}.{name}"):
            return module(f"{peer}.{name}")
        if collecting:
            log.append((peer, name, "MISSING"))
            return Missing(f"{peer}.{name}")
        raise AttributeError(f"module {target_name(peer)!r} has no attribute {name!r}")

    def __setattr__(self, name, value):
        setattr(self._real, name, value)

    def __delattr__(self, name):
        delattr(self._real, name)

    def __dir__(self):
        return dir(self._real)

    def __call__(self, *a, **k):  # `oxidask.delayed` may be a callable module
        return self._real(*a, **k)

    def __reduce__(self):
        return (importlib.import_module, (self._real.__name__,))


_proxies = {}


def module(peer, real=None):
    if peer not in _proxies:
        if real is None:
            real = _import(target_name(peer))
        if real is None and not any(
            p == peer or p.startswith(peer + ".") for t in tables() for p, _ in t
        ):
            log.append((peer, "", "MISSING MODULE"))
            return Missing(peer)
        _proxies[peer] = PeerModule(peer, real)
    return _proxies[peer]


def proxy_of(mod):
    """the proxy that belongs to an already imported target module"""
    name = mod.__name__
    for root in sorted(MAP, key=lambda r: -len(MAP[r])):
        base = MAP[root]
        if name == base or name.startswith(base + "."):
            return module(root + name[len(base) :], mod)
    return mod


def importorskip(name, *args, **kwargs):
    import pytest

    root = name.split(".")[0]
    if root not in PEER_ROOTS:
        return pytest.importorskip(name, *args, **kwargs)
    real = _import(target_name(name))
    if real is None:
        pytest.skip(f"no counterpart of {name} in {TARGET}", allow_module_level=True)
    return module(name, real)


def real_path(dotted):
    """'dask.array.core.x' -> the target's dotted path, for monkeypatching by string"""
    return target_name(dotted) if dotted.split(".")[0] in PEER_ROOTS else dotted
