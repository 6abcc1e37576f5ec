"""Rewrites the imports of a peer test file, keeping its line numbers.

resilient (default)  import dask.array as da   ->  da = _pk.module("dask.array")
                     from dask.x import a, b   ->  a, b = _pk.names("dask.x", "a", "b")
plain                import dask.array as da   ->  import oxidask.array as da
                     from dask.x import a, b   ->  from oxidask.x import a, b
none                 unchanged

Nothing else is touched, but for commands ("-m", "dask") and the first string argument of
importorskip,
import_module, mock.patch and monkeypatch.setattr/delattr when it names a peer module.
Names bound by the imports stay as they are (`dask` still means "the package under
test"), so the bodies of the tests run as their authors wrote them.
"""

from __future__ import annotations

import ast
import re

ROOTS = ("dask", "distributed", "streamz", "dask_ml")
PRELUDE = "from peerkit import runtime as _pk"


def is_peer(name):
    return bool(name) and name.split(".")[0] in ROOTS


def _absolute(node, package):
    """absolute module of a relative import, given the package of the test file"""
    if not node.level:
        return node.module
    parts = package.split(".")
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join(parts + ([node.module] if node.module else []))


def _resilient(node, package):
    out = []
    if isinstance(node, ast.Import):
        for a in node.names:
            if not is_peer(a.name):
                out.append(f"import {a.name}" + (f" as {a.asname}" if a.asname else ""))
            elif a.asname:
                out.append(f"{a.asname} = _pk.module({a.name!r})")
            else:
                root = a.name.split(".")[0]
                if a.name != root:
                    out.append(f"_pk.module({a.name!r})")
                out.append(f"{root} = _pk.module({root!r})")
        return "; ".join(out)
    mod = _absolute(node, package)
    if [a.name for a in node.names] == ["*"]:
        return f"globals().update(_pk.star({mod!r}))"
    left = ", ".join(a.asname or a.name for a in node.names)
    right = ", ".join(repr(a.name) for a in node.names)
    return f"{left}, = _pk.names({mod!r}, {right})"


def _plain(node, package, mapping):
    def from_map(name):
        root = name.split(".")[0]
        return mapping.get(root, root) + name[len(root) :]

    out = []
    if isinstance(node, ast.Import):
        for a in node.names:
            if not is_peer(a.name):
                out.append(f"import {a.name}" + (f" as {a.asname}" if a.asname else ""))
            elif a.asname:
                out.append(f"import {from_map(a.name)} as {a.asname}")
            else:
                root = a.name.split(".")[0]
                if a.name != root:
                    out.append(f"import {from_map(a.name)}")
                base = from_map(root)
                out.append(f"import {base} as {root}" if base != root else f"import {root}")
        return "; ".join(out)
    mod = from_map(_absolute(node, package))
    return f"from {mod} import " + ", ".join(
        a.name + (f" as {a.asname}" if a.asname else "") for a in node.names
    )


class _Finder(ast.NodeVisitor):
    def __init__(self, package):
        self.imports, self.strings, self.skips, self.package = [], [], [], package

    def visit_Import(self, node):
        if any(is_peer(a.name) for a in node.names):
            self.imports.append(node)

    def visit_ImportFrom(self, node):
        if node.level or is_peer(node.module):
            if is_peer(_absolute(node, self.package)):
                self.imports.append(node)

    def visit_Call(self, node):
        f = node.func
        name = f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "")
        owner = ""
        if isinstance(f, ast.Attribute):
            owner = (
                f.value.attr if isinstance(f.value, ast.Attribute) else getattr(f.value, "id", "")
            )
        if (
            node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            arg = node.args[0]
            if is_peer(arg.value) and " " not in arg.value:
                if name == "importorskip":
                    self.skips.append(f)
                elif name in ("import_module", "import_or_none") or (
                    owner in ("monkeypatch", "mock", "patch")
                    and name in ("setattr", "delattr", "patch", "object")
                ):
                    self.strings.append(arg)
        self.generic_visit(node)


def rewrite(source, package, mode="resilient", mapping=None):
    """package: dotted package of the test file, e.g. 'dask.array.tests'"""
    if mode == "none":
        return source
    if mode == "resilient":
        # Commands of the peer's, `python -m dask ...`, are the target's.
        source = re.sub(r'("-m",\s*)"dask"', r'\1_pk.target_name("dask")', source)
    tree = ast.parse(source)
    finder = _Finder(package)
    finder.visit(tree)
    data = source.encode("utf8")
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def pos(line, col):
        return starts[line - 1] + col

    edits = []  # (begin, end, text)
    for node in finder.imports:
        begin, end = pos(node.lineno, node.col_offset), pos(node.end_lineno, node.end_col_offset)
        text = (
            _resilient(node, package)
            if mode == "resilient"
            else _plain(node, package, mapping or {})
        )
        lines = data[begin:end].count(b"\n")
        # keep the number of lines: the rest of a multi-line import becomes comments
        edits.append((begin, end, text + ("\n#" * lines)))
    if mode == "resilient":
        for f in finder.skips:
            edits.append(
                (
                    pos(f.lineno, f.col_offset),
                    pos(f.end_lineno, f.end_col_offset),
                    "_pk.importorskip",
                )
            )
    for arg in finder.strings:
        begin, end = pos(arg.lineno, arg.col_offset), pos(arg.end_lineno, arg.end_col_offset)
        if mode == "resilient":
            edits.append((begin, end, f"_pk.real_path({arg.value!r})"))
        else:
            root = arg.value.split(".")[0]
            edits.append(
                (begin, end, repr((mapping or {}).get(root, root) + arg.value[len(root) :]))
            )
    # the prelude goes behind the docstring and the __future__ imports
    if mode == "resilient":
        where = 0
        for stmt in tree.body:
            doc = (
                isinstance(stmt, ast.Expr)
                and isinstance(stmt.value, ast.Constant)
                and stmt is tree.body[0]
            )
            fut = isinstance(stmt, ast.ImportFrom) and stmt.module == "__future__"
            if not (doc or fut):
                break
            where = pos(stmt.end_lineno, stmt.end_col_offset)
        if where:
            edits.append((where, where, "; " + PRELUDE))
        else:
            edits.append(
                (
                    0,
                    0,
                    PRELUDE + "; "
                    if tree.body
                    and isinstance(tree.body[0], (ast.Import, ast.ImportFrom, ast.Assign))
                    and tree.body[0].lineno == 1
                    else PRELUDE + "\n",
                )
            )
    edits.sort(key=lambda e: e[:2])  # an insertion goes in front of what begins there
    out, last = [], 0
    for begin, end, text in edits:
        out.append(data[last:begin])
        out.append(text.encode("utf8"))
        last = end
    out.append(data[last:])
    return b"".join(out).decode("utf8")


def support_modules(source, package):
    """Peer test-support modules (with a `tests` component) that a test file imports."""
    out = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            mod = _absolute(node, package)
            if is_peer(mod) and "tests" in mod.split("."):
                out.add(mod)
        elif isinstance(node, ast.Import):
            out.update(
                a.name for a in node.names if is_peer(a.name) and "tests" in a.name.split(".")
            )
    return out


def support_name(mod):
    return "peersupport_" + mod.replace(".", "_")
