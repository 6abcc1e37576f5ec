"""A web server whose answers are computed on a cluster.

Each request submits one task and awaits it, so the server's one thread goes on with other requests
meanwhile. Written twice: with asyncio alone, and with tornado, as in Dask's talks.

    python examples/web_server.py --serve     asyncio; then open http://127.0.0.1:8000/30
    python examples/web_server.py --tornado   with tornado (pip install tornado)
    python examples/web_server.py --load 60   how long the load lasts; one second by default

Without --serve it asks itself for answers over 16 connections, and prints the latencies.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import time
from typing import Any

from oxidask.distributed import Client


def fib(n: int) -> int:
    """Compute the n-th Fibonacci number, slowly."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


async def answer(client: Client, path: str) -> tuple[int, str]:
    """Give the status and the body for a path such as ``/30``."""
    number = path.strip("/")
    if not number.isdigit() or int(number) > 35:
        return 400, f"{path}: ask for /N with N up to 35\n"
    return 200, f"{await client.submit(fib, int(number), pure=False)}\n"


async def serve_asyncio(client: Client, port: int) -> Any:
    """Serve with asyncio's streams: just enough of HTTP/1.1 for a GET."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                _, path, _ = line.decode().split(" ", 2)
                status, body = await answer(client, path)
                head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write((head + body).encode())
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    return await asyncio.start_server(connection, "127.0.0.1", port)


async def serve_tornado(client: Client, port: int) -> Any:
    """Serve with tornado."""
    from tornado.web import Application, RequestHandler

    class Handler(RequestHandler):
        async def get(self) -> None:
            status, body = await answer(client, self.request.path)
            self.set_status(status)
            self.write(body)

    return Application([("/.*", Handler)]).listen(port, "127.0.0.1")


async def load(port: int, seconds: float, n_connections: int = 16, number: int = 5) -> list[float]:
    """Ask over several connections at a time; give the latencies in seconds."""
    latencies: list[float] = []
    until = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            began = time.perf_counter()
            writer.write(f"GET /{number} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            status = await reader.readline()
            if b" 200 " not in status:
                raise RuntimeError(f"the server answered {status!r}")
            length = 0
            while header := (await reader.readline()).strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            await reader.readexactly(length)
            latencies.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(one() for _ in range(n_connections)))
    return latencies


async def main(options: argparse.Namespace, client_class: Any = Client) -> list[float]:
    """Serve until stopped, or measure and give the latencies in seconds, the shortest first."""
    latencies: list[float] = []
    async with client_class(asynchronous=True, processes=False, dashboard_address=None) as client:
        serve = serve_tornado if options.tornado else serve_asyncio
        server = await serve(client, options.port)
        print(f"http://127.0.0.1:{options.port}/30", flush=True)
        try:
            if not options.serve:
                latencies = sorted(await load(options.port, options.load))
                p50, p99 = statistics.median(latencies), latencies[int(len(latencies) * 0.99)]
                print(
                    f"{len(latencies)} requests, {len(latencies) / options.load:.0f} a second, "
                    f"none failed; median {p50 * 1e3:.2f} ms, 99th percentile {p99 * 1e3:.2f} ms"
                )
            else:
                await asyncio.Event().wait()
        finally:
            if options.tornado:
                server.stop()
            else:
                server.close()
    return latencies


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--tornado", action="store_true")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--load", type=float, default=1.0, metavar="SECONDS")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(parser.parse_args()))
