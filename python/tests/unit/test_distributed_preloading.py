"""Code that runs when schedulers, workers and nannies start and end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager

import pytest
from oxidask import config
from oxidask.distributed import Client, Nanny, Scheduler, Worker
from oxidask.distributed.preloading import PreloadManager, is_webaddress

SETUP = """
def dask_setup(server):
    server.foo = "setup"

async def dask_teardown(server):
    server.foo = "teardown"
"""


@contextmanager
def records_of(name):
    found = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(handler.format(record))
    logger = logging.getLogger(name)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def test_text():
    async def main():
        async with Scheduler(port=0, preload=SETUP) as scheduler:
            assert scheduler.foo == "setup"
            assert len(scheduler.preloads) == 1
            async with Worker(scheduler.address, nthreads=1, preload=[SETUP]) as worker:
                assert worker.foo == "setup"
            assert worker.foo == "teardown"
        assert scheduler.foo == "teardown"

    asyncio.run(main())


def test_file(tmp_path):
    path = tmp_path / "preloaded_here.py"
    path.write_text(SETUP + "\nANSWER = 42\n")

    async def main():
        async with Scheduler(port=0, preload=str(path)) as scheduler:
            import preloaded_here

            assert preloaded_here.ANSWER == 42
            assert scheduler.foo == "setup"

    asyncio.run(main())


def test_commands_of_click():
    pytest.importorskip("click")
    text = """
import click

@click.command()
@click.option("--value")
async def dask_setup(server, value):
    server.foo = value
"""

    async def main():
        argv = ["--value", "given"]
        async with Scheduler(port=0, preload=text, preload_argv=argv) as scheduler:
            assert scheduler.foo == "given"

    asyncio.run(main())


def test_failures_are_logged():
    text = """
def dask_setup(server):
    raise ValueError("setup 123")

def dask_teardown(server):
    raise ValueError("teardown 456")
"""

    async def main():
        with records_of("distributed.preloading") as found:
            async with Scheduler(port=0, preload=text):
                pass
        assert "setup 123" in found[0]
        assert "teardown 456" in found[1]

    asyncio.run(main())


def test_in_a_worker_of_a_nanny_and_in_the_nanny():
    async def main():
        async with Scheduler(port=0) as scheduler:
            address = f"import oxidask\noxidask.config.set(scheduler_address={scheduler.address!r})"
            with config.set({"scheduler-address": None, "distributed.worker.preload": [SETUP]}):
                async with Nanny(preload_nanny=[address, SETUP], nthreads=1) as nanny:
                    assert nanny.foo == "setup"
                    async with Client(scheduler.address, asynchronous=True) as client:
                        found = await client.run(lambda dask_worker: dask_worker.foo)
                        assert found == {nanny.worker_address: "setup"}
                assert nanny.foo == "teardown"

    asyncio.run(main())


def test_words_for_each():
    assert is_webaddress("http://host/x.py")
    manager = PreloadManager(None, ["a", "b"], [["1"], ["2"]])
    assert [preload.argv for preload in manager] == [["1"], ["2"]]
    assert [p.argv for p in PreloadManager(None, ["a", "b"], ["1", "2"])] == [["1", "2"]] * 2
    with pytest.raises(ValueError, match="2 preloads have 1 lists"):
        PreloadManager(None, ["a", "b"], [["1"]])
