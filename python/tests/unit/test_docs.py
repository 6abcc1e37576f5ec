"""The documents: their Python runs, their links lead somewhere, the paths that they name exist.

The Python blocks of a page share one namespace and run in order, in a folder of their own. Blocks
with prompts are held to the output they show. Rust blocks are documentation tests of the crate
`oxidask`.
"""

from __future__ import annotations

import copy
import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from oxidask import config

ROOT = Path(__file__).resolve().parents[3]
RUN = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
#: What else a block may be. A language that is not here is a typing error: its code would not run.
OTHER_LANGUAGES = {"", "text", "sh", "yaml", "toml", "rust", "html", "dot"}
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
#: Paths in backticks that begin with a folder of the repository.
NAMED_PATH = re.compile(
    r"`((?:crates|python|docs|benchmarks|conformance|examples|\.ci|\.config)/[\w./-]*)`"
)


@dataclass
class Block:
    """A block of code in a page."""

    language: str
    code: str
    line: int


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> Iterator[Block]:
    for match in FENCE.finditer(text):
        yield Block(match[1], match[2], text.count("\n", 0, match.start(2)))


def run(block: Block, page: str, namespace: dict[str, object]) -> None:
    if ">>> " not in block.code:
        # Blank lines before it, so that a traceback tells the line of the page.
        exec(compile("\n" * block.line + block.code, page, "exec"), namespace)
        return
    test = doctest.DocTestParser().get_doctest(block.code, namespace, page, page, block.line)
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=OPTIONS)
    runner.run(test, out=report.append, clear_globs=False)
    namespace.update(test.globs)
    assert runner.failures == 0, "".join(report)


@pytest.fixture
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a page write files and change settings without leaving a trace."""
    monkeypatch.chdir(tmp_path)
    before = copy.deepcopy(config.global_config)
    yield
    config.global_config.clear()
    config.global_config.update(before)


@pytest.mark.usefixtures("own_place")
@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_python_blocks_run(page: Path) -> None:
    # As in a script: what is defined here can't be imported by a child process.
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language == "python":
            run(block, name_of(page), namespace)
        else:
            assert block.language in OTHER_LANGUAGES, f"{page}:{block.line}: {block.language}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_paths_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = {page.parent / link for link in LINK.findall(text) if "://" not in link}
    paths = {ROOT / path for path in NAMED_PATH.findall(text)}
    assert [str(path) for path in sorted(links | paths) if not path.exists()] == []


def test_the_pages_were_found() -> None:
    assert {"README.md", "docs/guide/delayed.md", "docs/guide/diagnostics.md"} <= set(
        map(name_of, RUN)
    )
    n_blocks = sum(
        block.language == "python" for page in RUN for block in blocks(page.read_text("utf-8"))
    )
    assert n_blocks > 20


def test_a_wrong_output_and_a_wrong_line_are_seen() -> None:
    with pytest.raises(AssertionError, match="Got"):
        run(Block("python", ">>> 1 + 1\n3\n", 4), "page.md", {})
    with pytest.raises(ZeroDivisionError) as info:
        run(Block("python", "1 / 0\n", 4), "page.md", {})
    assert info.traceback[-1].lineno + 1 == 5
