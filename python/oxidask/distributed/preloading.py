"""Code that runs inside a scheduler, worker, nanny or client when it starts and when it ends.

A preload is a module, a file, a web address, or the text of a module. Its ``dask_setup(server)``
and ``dask_teardown(server)`` may be functions, coroutine functions, or commands of ``click``, which
get the words of `preload_argv`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import logging
import os
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

__all__ = [
    "Preload",
    "PreloadManager",
    "configured_scheduler",
    "is_webaddress",
    "process_preloads",
    "validate_preload_argv",
]

logger = logging.getLogger("distributed.preloading")


def is_webaddress(name: str) -> bool:
    """Whether a preload is to be downloaded.

    Examples
    --------
    >>> is_webaddress("https://example.com/setup.py"), is_webaddress("setup.py")
    (True, False)
    """
    return name.startswith(("http://", "https://"))


class Preload:
    """One preload.

    Parameters
    ----------
    dask_server
        The scheduler, worker, nanny or client.
    name
        A module, a file, a web address, or the text of a module.
    argv
        Words for its ``dask_setup``, if that is a command of ``click``.
    file_dir
        Not needed: files are loaded from where they are.
    """

    def __init__(
        self, dask_server: Any, name: str, argv: Sequence[str] = (), file_dir: str | None = None
    ) -> None:
        self.dask_server = dask_server
        self.name = str(name)
        self.argv = list(argv)
        self.module: ModuleType | None = None

    def load(self) -> None:
        """Run the module, once."""
        if self.module is None:
            self.module = _load(self.name)

    async def start(self) -> None:
        """Call its ``dask_setup``; an error is logged."""
        self.load()
        setup = getattr(self.module, "dask_setup", None)
        if setup is None:
            return
        try:
            if hasattr(setup, "make_context"):  # a command of click
                context = setup.make_context("dask_setup", self.argv, allow_extra_args=False)
                result = setup.callback(self.dask_server, *context.args, **context.params)
            else:
                result = setup(self.dask_server)
            if inspect.isawaitable(result):
                await result
            logger.info("Run preload setup: %s", self._shown)
        except Exception:
            logger.exception("Failed to run preload setup: %s", self._shown)

    async def teardown(self) -> None:
        """Call its ``dask_teardown``; an error is logged."""
        teardown = getattr(self.module, "dask_teardown", None)
        if teardown is None:
            return
        try:
            result = getattr(teardown, "callback", teardown)(self.dask_server)
            if inspect.isawaitable(result):
                await result
            logger.info("Run preload teardown: %s", self._shown)
        except Exception:
            logger.exception("Failed to run preload teardown: %s", self._shown)

    @property
    def _shown(self) -> str:
        return "text" if _is_text(self.name) else self.name


class PreloadManager(Sequence[Preload]):
    """The preloads of one server, in order."""

    def __init__(self, dask_server: Any, preload: Any, preload_argv: Any) -> None:
        names = [preload] if isinstance(preload, (str, os.PathLike)) else list(preload or [])
        words = _words_for(len(names), preload_argv)
        self._preloads = [
            Preload(dask_server, os.fspath(name), argv)
            for name, argv in zip(names, words, strict=True)
        ]

    def load(self) -> None:
        """Run the modules; a module that can't be loaded raises."""
        for preload in self._preloads:
            preload.load()

    async def start(self) -> None:
        """Set them all up."""
        for preload in self._preloads:
            await preload.start()

    async def teardown(self) -> None:
        """Tear them all down."""
        for preload in self._preloads:
            await preload.teardown()

    def __getitem__(self, index: Any) -> Any:
        return self._preloads[index]

    def __len__(self) -> int:
        return len(self._preloads)

    def __iter__(self) -> Iterator[Preload]:
        return iter(self._preloads)


def configured_scheduler() -> str | None:
    """Return the scheduler's address that the configuration names.

    Preloads that were written for Dask set it in Dask's own configuration, where that is installed.
    """
    from oxidask import config

    found = config.get("scheduler-address", None)
    theirs = sys.modules.get("dask.config")
    if found is None and theirs is not None:
        found = theirs.get("scheduler-address", None)
    return found  # type: ignore[no-any-return]


def process_preloads(
    dask_server: Any, preload: Any, preload_argv: Any, *, file_dir: str | None = None
) -> PreloadManager:
    """Return the preloads that some names and words mean."""
    return PreloadManager(dask_server, preload, preload_argv)


def validate_preload_argv(ctx: Any, param: Any, value: Sequence[str]) -> Sequence[str]:
    """Refuse words that no preload takes: the callback of ``click`` for the rest of a command."""
    if value and not (ctx.params.get("preload") or ()):
        import click

        raise click.UsageError(
            f"Got unexpected extra argument: ({' '.join(value)}). See --help. Words for a preload "
            "come behind --preload.",
            ctx,
        )
    return value


def _words_for(count: int, preload_argv: Any) -> list[list[str]]:
    words = list(preload_argv or [])
    if not words:
        return [[] for _ in range(count)]
    if isinstance(preload_argv, str):
        words = [preload_argv]
    if all(isinstance(word, str) for word in words):
        return [list(words) for _ in range(count)]
    if len(words) != count:
        raise ValueError(f"{count} preloads have {len(words)} lists of words: give one for each")
    return [list(each) for each in words]


def _is_text(name: str) -> bool:
    return not is_webaddress(name) and ("\n" in name or (" " in name and not name.endswith(".py")))


def _load(name: str) -> ModuleType:
    if is_webaddress(name):
        logger.info("Downloading preload at %s", name)
        with urllib.request.urlopen(name) as response:
            return _from_text(response.read(), name)
    if _is_text(name):
        return _from_text(name, "<preload>")
    if name.endswith(".py"):
        stem = os.path.splitext(os.path.basename(name))[0]
        spec = importlib.util.spec_from_file_location(stem, name)
        if spec is None or spec.loader is None:
            raise ImportError(f"the preload {name!r} can't be loaded")
        module = importlib.util.module_from_spec(spec)
        # Functions that are sent here import it by its name.
        sys.modules[stem] = module
        spec.loader.exec_module(module)
        return module
    return importlib.import_module(name)


def _from_text(text: str | bytes, name: str) -> ModuleType:
    module = ModuleType(f"preload-{abs(hash(text)):x}")
    exec(compile(text, name, "exec"), module.__dict__)
    return module
