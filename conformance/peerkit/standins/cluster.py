"""Clusters, fixtures and small functions for the tests of distributed.

Two ways to start the cluster of @gen_cluster:

servers       Scheduler and Worker of the target, in the test's own event loop; the test
              gets the real objects as s, a, b (the peer's own way)
localcluster  LocalCluster(processes=False) of the target; the test gets plain records
              with only address, name and nthreads as s, a, b.  A test that passes here
              asks nothing of the insides of a scheduler or of a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time as _time

import pytest

from peerkit import runtime as _pk

MODE = os.environ.get("PEERKIT_CLUSTER", "servers")
FORCED = {
    "distributed.utils_test": [
        "NO_AMM",
        "gen_cluster",
        "gen_test",
        "cluster",
        "loop",
        "loop_in_thread",
        "cleanup",
        "client",
        "client_no_amm",
        "client_secondary",
        "s",
        "a",
        "b",
        "c",
        "cluster_fixture",
        "popen",
        "name_of_test",
        "requires_default_ports",
        "no_time_resync",
    ]
}
FALLBACK = {}
NO_AMM = {"distributed.scheduler.active-memory-manager.start": False}


def dist():
    return _pk.module("distributed")


_config = {
    "distributed.admin.tick.interval": "500 ms",
    "distributed.worker.profile.enabled": False,
    "distributed.comm.timeouts.connect": "5s",
}


@contextlib.contextmanager
def _configured(extra):
    try:
        conf = _pk.module("dask").config
        ctx = conf.set({**_config, "temporary-directory": tempfile.gettempdir(), **(extra or {})})
    except Exception:
        ctx = contextlib.nullcontext()
    with ctx:
        yield


class Record:
    """What a black-box test may know of a server."""

    def __init__(self, address, name=None, nthreads=None, **more):
        self.address, self.name, self.nthreads = address, name, nthreads
        self.ip, self.port = None, None
        hostport = address.partition("://")[2]
        if ":" in hostport:
            self.ip, _, port = hostport.rpartition(":")
            self.port = int(port) if port.isdigit() else None
        self.__dict__.update(more)

    def __repr__(self):
        return f"<Record {self.address}>"


@contextlib.asynccontextmanager
async def _servers(nthreads, host, security, Worker, scheduler_kwargs, worker_kwargs):
    (Scheduler,) = _pk.names("distributed", "Scheduler")
    workers = []
    kw = {"security": security} if security is not None else {}
    s = await Scheduler(
        host=host,
        port=0,
        **{"dashboard": False, "dashboard_address": ":0", **kw, **scheduler_kwargs},
    )
    try:
        starting = []
        for i, spec in enumerate(nthreads):
            one = {
                "name": i,
                "host": spec[0],
                **kw,
                **worker_kwargs,
                **(spec[2] if len(spec) > 2 else {}),
            }
            starting.append(Worker(s.address, nthreads=spec[1], **one))
        workers = list(await asyncio.gather(*starting))
        end = _time.time() + 20
        while len(s.workers) < len(workers):
            await asyncio.sleep(0.01)
            assert _time.time() < end, "the workers did not arrive"
        yield s, workers
    finally:
        for w in workers:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(w.close(), 10)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(s.close(), 10)


@contextlib.asynccontextmanager
async def _records(nthreads, host, security, Worker, scheduler_kwargs, worker_kwargs):
    LocalCluster, Client, Nanny = _pk.names("distributed", "LocalCluster", "Client", "Nanny")
    kw = {"security": security} if security is not None else {}
    apart = Worker is Nanny  # tests that ask for nannies want processes that can be restarted
    each = {n for _, n, *_ in nthreads} or {1}
    more = dict(worker_kwargs)
    for spec in nthreads:
        if len(spec) > 2:
            if len({str(x[2:]) for x in nthreads}) > 1:
                pytest.skip("localcluster mode: workers with options of their own")
            more.update(spec[2])
    async with LocalCluster(
        n_workers=len(nthreads),
        threads_per_worker=max(each),
        processes=apart,
        asynchronous=True,
        dashboard_address=None,
        protocol="tls://" if kw else "tcp://",
        host="127.0.0.1",
        **kw,
        **more,
    ) as cl:
        async with Client(cl, asynchronous=True, **kw) as c:
            if nthreads:
                await c.wait_for_workers(len(nthreads))
            cores = c.nthreads()
            if inspect.isawaitable(cores):
                cores = await cores
            names = {
                getattr(w, "worker_address", getattr(w, "address", None)): n
                for n, w in getattr(cl, "workers", {}).items()
            }
            rows = [
                Record(addr, names.get(addr, i), n) for i, (addr, n) in enumerate(cores.items())
            ]
            rows.sort(key=lambda r: str(r.name))
            yield Record(cl.scheduler_address), rows


def gen_cluster(
    nthreads=None,
    scheduler="127.0.0.1",
    timeout=30,
    security=None,
    Worker=None,
    client=False,
    scheduler_kwargs=None,
    worker_kwargs=None,
    client_kwargs=None,
    active_rpc_timeout=1,
    config=None,
    clean_kwargs=None,
    allow_unclosed=True,
):
    """A test with a small cluster: async def test(c, s, a, b) when client=True."""
    if nthreads is None:
        nthreads = [("127.0.0.1", 1), ("127.0.0.1", 2)]

    def decorate(func):
        start = _servers if MODE == "servers" else _records

        async def run(outer, kwargs):
            Client, W = _pk.names("distributed", "Client", "Worker")
            kind = Worker if Worker is not None and not isinstance(Worker, _pk.Missing) else W
            with _configured(config):
                async with start(
                    nthreads, scheduler, security, kind, scheduler_kwargs or {}, worker_kwargs or {}
                ) as (s, ws):
                    if not client:
                        return await asyncio.wait_for(func(s, *ws, *outer, **kwargs), timeout)
                    kw = {"security": security} if security is not None else {}
                    async with Client(
                        s.address, asynchronous=True, **kw, **(client_kwargs or {})
                    ) as c:
                        return await asyncio.wait_for(func(c, s, *ws, *outer, **kwargs), timeout)

        @functools.wraps(func)
        def test_func(*outer, **kwargs):
            return asyncio.run(run(outer, kwargs))

        params = list(inspect.signature(func).parameters.values())
        taken = 1 + len(nthreads) + bool(client)
        lead, seen = [], 0
        for p in params:
            if seen < taken and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
                seen += 1
                continue
            if p.kind is p.VAR_POSITIONAL:
                continue
            lead.append(p)
        test_func.__signature__ = inspect.Signature(lead)
        return test_func

    if callable(nthreads):  # used without parentheses
        f, nthreads = nthreads, [("127.0.0.1", 1), ("127.0.0.1", 2)]
        return decorate(f)
    return decorate


def gen_test(timeout=30, config=None, clean_kwargs=None):
    def decorate(func):
        @functools.wraps(func)
        def test_func(*args, **kwargs):
            async def run():
                with _configured(config):
                    return await asyncio.wait_for(func(*args, **kwargs), timeout)

            return asyncio.run(run())

        return test_func

    return decorate


# ---------------------------------------------------------------- clusters in other processes
def cli():
    """The target's command line, as a list."""
    return os.environ.get("PEERKIT_CLI", "").split() or [
        sys.executable,
        "-m",
        _pk.target_name("dask"),
    ]


class _Process:
    """What tests ask of a worker's process."""

    def __init__(self, popen):
        self.popen, self.pid = popen, popen.pid

    def terminate(self):
        self.popen.terminate()

    def kill(self):
        self.popen.kill()

    def is_alive(self):
        return self.popen.poll() is None

    @property
    def exitcode(self):
        return self.popen.poll()

    def join(self, timeout=None):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(timeout)


@contextlib.contextmanager
def cluster(
    nworkers=2,
    nanny=False,
    worker_kwargs=None,
    active_rpc_timeout=10,
    disconnect_timeout=20,
    scheduler_kwargs=None,
    config=None,
):
    """({'address': ...}, [{'address': ..., 'proc': ...}, ...]) of a cluster of processes,
    started through the target's command line (`dask scheduler`, `dask worker`)."""
    import json

    (Client,) = _pk.names("distributed", "Client")
    options = []
    for k, v in (worker_kwargs or {}).items():
        if k in ("heartbeat_interval", "validate"):
            continue
        if k == "resources":
            v = " ".join(f"{r}={n}" for r, n in v.items())
        options += ["--" + k.replace("_", "-"), str(v)]
    env = dict(os.environ)
    for k, v in {**_config, **(config or {})}.items():
        env["DASK_" + k.upper().replace("-", "_").replace(".", "__")] = str(v)
    procs = []
    with tempfile.TemporaryDirectory() as d, _configured(config):
        where = os.path.join(d, "scheduler.json")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": env}
        more = []
        for k, v in (scheduler_kwargs or {}).items():
            more += ["--" + k.replace("_", "-"), str(v)]
        try:
            sched = subprocess.Popen(
                [
                    *cli(),
                    "scheduler",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    "0",
                    "--no-dashboard",
                    "--dashboard-address",
                    ":0",
                    "--scheduler-file",
                    where,
                    *more,
                ],
                **quiet,
            )
            procs.append(sched)
            workers = {}
            for i in range(nworkers):
                workers[str(i)] = subprocess.Popen(
                    [
                        *cli(),
                        "worker",
                        "--scheduler-file",
                        where,
                        "--nanny" if nanny else "--no-nanny",
                        "--nthreads",
                        "1",
                        "--name",
                        str(i),
                        "--no-dashboard",
                        "--host",
                        "127.0.0.1",
                        "--local-directory",
                        d,
                        *options,
                    ],
                    **quiet,
                )
                procs.append(workers[str(i)])
            end = _time.time() + 30
            while not os.path.exists(where):
                _time.sleep(0.02)
                assert sched.poll() is None, f"the scheduler command ended with {sched.poll()}"
                assert _time.time() < end, "no scheduler file"
            address = None
            while address is None:  # the file may be half written
                try:
                    address = json.load(open(where))["address"]
                except ValueError:
                    _time.sleep(0.02)
                    assert _time.time() < end, "no readable scheduler file"
            with Client(address, set_as_default=False) as c:
                c.wait_for_workers(nworkers, timeout=30)
                rows = sorted(
                    c.scheduler_info(n_workers=-1)["workers"].items(),
                    key=lambda kv: str(kv[1].get("name")),
                )
            yield (
                {"address": address},
                [
                    {
                        "address": addr,
                        "name": row.get("name"),
                        "proc": (lambda p=workers.get(str(row.get("name")), sched): _Process(p)),
                    }
                    for addr, row in rows
                ],
            )
        finally:
            for p in procs:  # nothing of theirs is needed any more: no farewell
                if p.poll() is None:
                    p.kill()
                p.wait()


@pytest.fixture
def cleanup():
    yield
    with contextlib.suppress(Exception):
        (default_client,) = _pk.names("distributed", "default_client")
        default_client().close(timeout=2)


@pytest.fixture
def loop(cleanup):
    """None: a client of the target makes its own loop."""
    yield None


@pytest.fixture
def loop_in_thread(cleanup):
    yield None


@pytest.fixture
def cluster_fixture(loop):
    with cluster() as (scheduler, workers):
        yield scheduler, workers


@pytest.fixture
def s(cluster_fixture):
    return cluster_fixture[0]


@pytest.fixture
def a(cluster_fixture):
    return cluster_fixture[1][0]


@pytest.fixture
def b(cluster_fixture):
    return cluster_fixture[1][1]


@pytest.fixture
def client(loop, cluster_fixture):
    (Client,) = _pk.names("distributed", "Client")
    with Client(cluster_fixture[0]["address"]) as c:
        yield c


c = client  # the tests know it by both names


@pytest.fixture
def client_no_amm(client):
    before = client.amm.running()
    if before:
        client.amm.stop()
    yield client
    if before:
        client.amm.start()


@pytest.fixture
def client_secondary(loop, cluster_fixture):
    (Client,) = _pk.names("distributed", "Client")
    with Client(cluster_fixture[0]["address"], set_as_default=False) as c:
        yield c


@pytest.fixture
def name_of_test(request):
    return f"{request.node.nodeid}"


@pytest.fixture
def no_time_resync():
    yield


@pytest.fixture
def requires_default_ports(name_of_test):
    end = _time.time() + 30
    while _time.time() < end:
        busy = []
        for port in (8786, 8787):
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    sock.bind(("127.0.0.1", port))
                except OSError:
                    busy.append(port)
        if not busy:
            break
        _time.sleep(1)
    else:
        pytest.skip("the default ports are busy")
    yield


@contextlib.contextmanager
def popen(args, capture_output=False, terminate_timeout=10, kill_timeout=10, **kwargs):
    """Start a command of the peer's (dask ...) as the target's, stop it at the end."""
    args = list(args)
    if os.path.basename(str(args[0])) == "dask":
        args[:1] = cli()
    elif "python" in os.path.basename(str(args[0])):
        args[0] = sys.executable
        if args[1:3] == ["-m", "dask"]:
            args[:3] = cli()
    if capture_output:
        kwargs["stdout"] = subprocess.PIPE
        kwargs["stderr"] = subprocess.STDOUT
    p = subprocess.Popen(args, **kwargs)
    try:
        yield p
    finally:
        if p.poll() is None:
            p.send_signal(signal.SIGINT)
            try:
                p.wait(terminate_timeout)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait(kill_timeout)
        if p.stdout is not None:
            p.stdout.close()
