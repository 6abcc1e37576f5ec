"""The small HTTP page of a scheduler."""

from __future__ import annotations

import asyncio
import json

import pytest
from oxidask.distributed import Scheduler
from oxidask.distributed._status_page import StatusServer

IDENTITY = {
    "address": "tcp://127.0.0.1:1",
    "n_tasks": 3,
    "workers": {"tcp://h:2": {"name": "<b>", "nthreads": 2, "metrics": {"memory": 2**20}}},
}


async def get(port, path, method="GET"):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), head, body


def serve(main, prefix="/"):
    async def run():
        server = StatusServer(lambda: IDENTITY, prefix)
        await server.start(":0")
        try:
            await main(server)
        finally:
            server.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_pages_for_people_and_for_programs():
    async def main(server):
        status, head, body = await get(server.port, "/status")
        assert status == 200
        assert "text/html" in head
        assert "1 workers, 2 threads, 3 tasks" in body
        assert "&lt;b&gt;" in body  # names are no HTML
        assert await get(server.port, "/health/") == (200, *(await get(server.port, "/health"))[1:])
        assert "dask_scheduler_tasks 3\n" in (await get(server.port, "/metrics"))[2]
        assert json.loads((await get(server.port, "/api/v1/identity"))[2]) == IDENTITY
        assert (await get(server.port, "/status", "HEAD"))[2] == ""

    serve(main)


@pytest.mark.parametrize(("path", "method", "status"), [("/no", "GET", 404), ("/", "POST", 405)])
def test_all_else_is_refused(path, method, status):
    async def main(server):
        assert (await get(server.port, path, method))[0] == status

    serve(main)


def test_a_prefix_is_part_of_all_paths():
    async def main(server):
        assert (await get(server.port, "/foo/status"))[0] == 200

    serve(main, "/foo")


def test_a_port_that_is_taken_is_said_and_another_one_is_used():
    async def main(server):
        other = StatusServer(lambda: IDENTITY)
        with pytest.warns(UserWarning, match=f"Port {server.port} is already in use"):
            await other.start(server.port)
        try:
            assert other.port != server.port
            assert (await get(other.port, "/health"))[2] == "ok"
        finally:
            other.close()

    serve(main)


def test_without_a_page_there_is_what_programs_read():
    async def main():
        async with Scheduler(port=0, dashboard=False, dashboard_address=":0") as scheduler:
            port = scheduler.http_server.port
            assert (await get(port, "/health"))[2] == "ok"
            assert (await get(port, "/status"))[0] == 404
        async with Scheduler(port=0, dashboard=False) as scheduler:
            assert scheduler.http_server is None

    asyncio.run(asyncio.wait_for(main(), 30))
