#!/usr/bin/env python3
"""How much of the public API of dask / distributed / streamz / dask-ml does a package have?

    api_coverage.py [PACKAGE] [--all] [--signatures] [--only TEXT] [--json FILE]
                    [--map PEER=MODULE]... [--quiet] [--peer-only]

PACKAGE (default ``oxidask``) is imported next to the installed peer.  For each module
and class that peerkit/public_api.py lists, the peer is introspected *at run time*, and each
public name is looked for in the counterpart.  A name counts as present when the counterpart has
the attribute: on the class or, where a small instance can be made, on the instance (so that
packages that delegate through ``__getattr__`` are not punished).

Printed: one line per group ("dask.array  250/291"), the missing names below it,
and as the last line ``coverage: N/M``.  The exit status is always 0.

--all         also count the semi-public modules (dask.base, dask.utils, ...)
--signatures  for callables present on both sides, list parameters that are missing
--only TEXT   only groups whose label contains TEXT
--map A=B     the counterpart of peer root A (dask, distributed, streamz, dask_ml)
--peer-only   list the peer's public names as JSON and stop (used for the feature map)

Needs only the standard library plus the peer packages themselves.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import types
import warnings

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:] = [HERE, *(p for p in sys.path if os.path.realpath(p or ".") != HERE)]
from peerkit.public_api import (
    CLASSES,
    COMMANDS,
    MEMBERS_OF,
    MODULES,
    ONLY,
    PUBLIC,
    ROOTS,
    SELF,
)

# Checkouts of the peers' sources may lie beside this script; they must not pass for packages.
del sys.path[0]
warnings.simplefilter("ignore")


class Names:
    """Maps peer module names to modules of one package."""

    def __init__(self, package, maps=None):
        self.package = package
        self.maps = dict(maps or {})
        self.cache = {}

    def candidates(self, peer):
        root, _, rest = peer.partition(".")
        tail = "." + rest if rest else ""
        if root in self.maps:
            bases = [self.maps[root]]
        elif self.package == "dask":
            bases = [SELF.get(root, root)]
        else:
            bases = [b.format(T=self.package) for b in ROOTS.get(root, ["{T}." + root])]
        return [b + tail for b in bases]

    def __call__(self, peer):
        if peer not in self.cache:
            found, why = None, ""
            for name in self.candidates(peer):
                try:
                    found = importlib.import_module(name)
                    break
                except BaseException as e:  # a broken target must not stop the report
                    why = f"{type(e).__name__}: {e}"
                    # `from oxidask import delayed`-style attribute standing in for a module
                    up, _, last = name.rpartition(".")
                    try:
                        obj = getattr(importlib.import_module(up), last)
                        if not isinstance(obj, types.ModuleType) and hasattr(obj, "__dict__"):
                            found = obj
                            break
                    except BaseException:
                        pass
            self.cache[peer] = (found, why)
        found, why = self.cache[peer]
        if found is None:
            raise ImportError(why)
        return found


def root_of(obj):
    return str(getattr(obj, "__module__", "") or "").split(".")[0]


def public_names(mod, own_root):
    """Public names of a peer module, without modules and foreign imports."""
    name = mod.__name__
    if name in ONLY:
        return [n for n in ONLY[name] if hasattr(mod, n)]
    if name == "dask":
        keep = [n for n in vars(mod) if not n.startswith("_")]
        out = [
            n
            for n in keep
            if not isinstance(getattr(mod, n), types.ModuleType)
            and root_of(getattr(mod, n)) == own_root
            and n not in ("annotations",)
        ]
        # documented sub-packages and modules count as names of the top level
        out += "array bag dataframe delayed config diagnostics datasets distributed".split()
        return sorted(set(out))
    listed = getattr(mod, "__all__", None)
    if listed and name not in ("dask.array.stats",):
        return sorted(
            n
            for n in set(listed)
            if not n.startswith("_")
            and (
                not isinstance(getattr(mod, n, None), types.ModuleType)
                or getattr(mod, n).__name__.startswith(name)
            )
        )
    out = []
    for n in dir(mod):
        if n.startswith("_"):
            continue
        obj = getattr(mod, n)
        if isinstance(obj, types.ModuleType) or n == "annotations":
            continue
        home = str(getattr(obj, "__module__", "") or "")
        if not (inspect.isclass(obj) or callable(obj)):
            continue
        package = hasattr(mod, "__path__")
        if home == name or (package and (home == name or home.startswith(name + "."))):
            out.append(n)
        elif name in ("streamz", "dask_ml.metrics", "dask.array.random") and home.startswith(name):
            out.append(n)
    if name == "streamz":
        drop = {
            "get_io_loop",
            "get_thread_identity",
            "convert_interval",
            "identity",
            "build_node_set",
            "create_graph",
            "readable_graph",
            "to_graphviz",
            "visualize",
            "get_message_batch",
            "get_message_batch_cudf",
            "load_plugins",
            "sync",
            "OrderedWeakrefSet",
            "APIRegisterMixin",
        }
        out = [n for n in out if n not in drop]
    return sorted(set(out))


def members(obj):
    out = set()
    for n in dir(obj):
        if not n.startswith("_"):
            out.add(n)
    # column names leak into dir() of frames
    return sorted(out - {"x", "s", "t", "c"})


def has(owner, inst, name):
    for o in (owner, inst):
        if o is None:
            continue
        try:
            if name in dir(o):
                return True
        except BaseException:
            pass
        try:
            getattr(o, name)
            return True
        except BaseException as e:
            # an attribute that exists but refuses (NotImplementedError) does not count;
            # a property that needs data may raise something else: look on the type
            if name in getattr(type(o), "__dict__", {}):
                return not isinstance(e, NotImplementedError)
    return False


def fetch(owner, name):
    try:
        return (
            inspect.getattr_static(owner, name) if inspect.isclass(owner) else getattr(owner, name)
        )
    except BaseException:
        try:
            return getattr(owner, name)
        except BaseException:
            return None


def params(f):
    try:
        f = getattr(f, "__func__", f)
        p = inspect.signature(f).parameters.values()
    except BaseException:
        return None
    names = [
        q.name
        for q in p
        if q.kind in (q.POSITIONAL_OR_KEYWORD, q.KEYWORD_ONLY) and q.name not in ("self", "cls")
    ]
    catchall = any(q.kind == q.VAR_KEYWORD for q in p)
    return names, catchall


class Group:
    def __init__(self, label, tier, names, present, note="", sig=None):
        self.label, self.tier, self.note = label, tier, note
        self.names = list(names)
        self.missing = [n for n in self.names if not present(n)]
        self.sig = sig or {}

    @property
    def have(self):
        return len(self.names) - len(self.missing)


def flatten(d, prefix=""):
    out = []
    for k, v in d.items():
        if isinstance(v, dict) and v:
            out += flatten(v, f"{prefix}{k}.")
        else:
            out.append(f"{prefix}{k}")
    return out


def click_flags(mod):
    cmd = getattr(mod, "main", None)
    flags = []
    for p in getattr(cmd, "params", []):
        flags += [
            o
            for o in list(getattr(p, "opts", [])) + list(getattr(p, "secondary_opts", []))
            if o.startswith("-")
        ]
    return sorted(set(flags))


def help_text(package, args):
    tries = []
    exe = shutil.which(package)
    if exe:
        tries.append([exe, *args, "--help"])
    tries.append([sys.executable, "-m", package, *args, "--help"])
    for t in tries:
        try:
            r = subprocess.run(t, capture_output=True, text=True, timeout=60)
        except Exception:
            continue
        if r.returncode == 0 and r.stdout:
            return r.stdout
    return ""


# ------------------------------------------------------------------ the survey
def survey(package, maps=None, want_all=False, only="", signatures=False, peer_only=False):
    peer = Names("dask")
    target = Names(package, maps)
    groups = []

    def wanted(label, tier):
        return (want_all or tier == PUBLIC) and only in label

    for tier, modname in MODULES:
        if not wanted(modname, tier):
            continue
        try:
            mod = peer(modname)
        except BaseException as e:
            groups.append(Group(modname, tier, [], lambda n: True, f"peer not importable: {e}"))
            continue
        if modname in ("dask.delayed",) and not isinstance(mod, types.ModuleType):
            mod = sys.modules[modname]
        names = public_names(mod, modname.split(".")[0])
        note, other = "", None
        if not peer_only:
            try:
                other = target(modname)
            except BaseException as e:
                note = f"no counterpart module ({e})"

        def present(n, other=other, modname=modname):
            if peer_only:
                return True
            if other is None:
                return False
            if has(other, None, n):
                return True
            try:
                target(f"{modname}.{n}")
                return True
            except BaseException:
                return False

        sig = {}
        if signatures and other is not None:
            for n in names:
                a, b = params(fetch(mod, n)), params(fetch(other, n))
                if a and b and not b[1]:
                    lost = [x for x in a[0] if x not in b[0]]
                    if lost:
                        sig[n] = lost
        groups.append(Group(modname, tier, names, present, note, sig))

    todo = list(CLASSES)
    for modname in MEMBERS_OF:
        try:
            mod = peer(modname)
        except BaseException:
            continue
        for n in public_names(mod, "dask_ml"):
            if inspect.isclass(getattr(mod, n, None)):
                todo.append((PUBLIC, modname, n, None))

    def owner_of(names_of, modname, cls):
        mod = names_of(modname)
        obj = mod
        for part in cls.split("."):
            obj = getattr(obj, part)
        return obj

    for tier, modname, cls, make in todo:
        label = f"{modname}:{cls}"
        if not wanted(label, tier):
            continue
        inst = pcls = None
        try:
            if make is not None:
                inst = make(peer)
                pcls = type(inst)
            else:
                pcls = owner_of(peer, modname, cls)
        except BaseException as e:
            if not isinstance(e, AttributeError):
                groups.append(
                    Group(label, tier, [], lambda n: True, f"peer: {type(e).__name__}: {e}")
                )
            continue
        names = members(inst if inst is not None else pcls)
        note, tinst, tcls = "", None, None
        if not peer_only:
            try:
                if make is not None:
                    tinst = make(target)
                    tcls = type(tinst)
                else:
                    tcls = owner_of(target, modname, cls)
            except BaseException as e:
                note = f"no counterpart ({type(e).__name__}: {str(e)[:100]})"

        def present(n, tcls=tcls, tinst=tinst):
            return peer_only or (tcls is not None and has(tcls, tinst, n))

        sig = {}
        if signatures and tcls is not None:
            for n in names:
                a, b = params(fetch(pcls, n)), params(fetch(tcls, n))
                if a and b and not b[1]:
                    lost = [x for x in a[0] if x not in b[0]]
                    if lost:
                        sig[n] = lost
        groups.append(Group(label, tier, names, present, note, sig))

    # configuration keys
    label = "configuration keys"
    if wanted(label, PUBLIC):
        try:
            peer("distributed")
            # the packages' own defaults, not what this machine's files or environment add
            merged = {}
            for d in peer("dask.config").defaults:
                peer("dask.config").update(merged, d)
            keys = sorted(set(flatten(merged)))
            try:
                tconf = target("dask.config")
                try:
                    target("distributed")
                except BaseException:
                    pass
            except BaseException:
                tconf = None
            blank = object()

            def present(k, tconf=tconf):
                if peer_only:
                    return True
                try:
                    return tconf.get(k, default=blank) is not blank
                except BaseException:
                    return False

            groups.append(Group(label, PUBLIC, keys, present))
        except BaseException as e:
            groups.append(Group(label, PUBLIC, [], lambda n: True, f"peer: {e}"))

    for label, modname, args in COMMANDS:
        label = "command line: " + label
        if not wanted(label, PUBLIC):
            continue
        try:
            flags = click_flags(peer(modname))
        except BaseException as e:
            groups.append(Group(label, PUBLIC, [], lambda n: True, f"peer: {e}"))
            continue
        text = None if peer_only else help_text(package, args)
        have = set()
        if not peer_only:
            have = set(re.findall(r"(?<![\w-])--?[a-z0-9][\w-]*", text or ""))
            try:
                have |= set(click_flags(target(modname)))
            except BaseException:
                pass
        groups.append(
            Group(
                label,
                PUBLIC,
                flags,
                lambda n: peer_only or n in have,
                "" if peer_only or have else "no such command",
            )
        )
    return groups


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("package", nargs="?", default="oxidask")
    ap.add_argument("--all", action="store_true")
    ap.add_argument("--signatures", action="store_true")
    ap.add_argument("--only", default="")
    ap.add_argument("--json")
    ap.add_argument("--map", action="append", default=[])
    ap.add_argument("--quiet", action="store_true", help="no lists of missing names")
    ap.add_argument("--peer-only", action="store_true")
    a = ap.parse_args()
    maps = dict(x.split("=", 1) for x in a.map)
    try:
        importlib.import_module("dask.config")
    except ImportError as e:
        print(f"the peer is not installed for {sys.executable}: {e}")
        print("coverage: 0/0")
        return

    groups = survey(a.package, maps, a.all, a.only, a.signatures, a.peer_only)
    if a.peer_only:
        json.dump(
            [{"label": g.label, "tier": g.tier, "names": g.names, "note": g.note} for g in groups],
            sys.stdout,
        )
        return
    have = total = 0
    for g in groups:
        have += g.have
        total += len(g.names)
        print(f"{g.label:<48} {g.have:>4}/{len(g.names):<4} {g.note}")
        if g.missing and not a.quiet:
            line = "      missing: "
            if g.have == 0 and len(g.names) > 12:
                print(line + f"all {len(g.names)}")
            else:
                for n in g.missing:
                    if len(line) + len(n) > 110:
                        print(line)
                        line = "               "
                    line += n + " "
                print(line)
        for n, lost in sorted(g.sig.items()):
            print(f"      {n}(): no parameter {', '.join(lost)}")
    if a.json:
        with open(a.json, "w") as f:
            json.dump(
                {
                    "package": a.package,
                    "have": have,
                    "total": total,
                    "groups": [
                        {
                            "label": g.label,
                            "have": g.have,
                            "total": len(g.names),
                            "missing": g.missing,
                            "note": g.note,
                            "signatures": g.sig,
                        }
                        for g in groups
                    ],
                },
                f,
                indent=1,
            )
    if a.signatures:
        print(f"signatures with missing parameters: {sum(len(g.sig) for g in groups)}")
    print(f"coverage: {have}/{total}")


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        pass
    except SystemExit:
        pass
    except BaseException as e:  # always exit 0, always a last line
        import traceback

        traceback.print_exc()
        print(f"the survey broke off: {type(e).__name__}: {e}")
        print("coverage: 0/0")
    sys.stdout.flush()
    os._exit(0)
