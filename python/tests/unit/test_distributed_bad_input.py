"""What users get wrong: each ends in an error that says so, at once, and leaves nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from oxidask.distributed import Client, LocalCluster, MultiLock, Security, SpecCluster


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as connected,
    ):
        yield connected


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_nobody_listens_at_the_address() -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    began = time.monotonic()
    with pytest.raises(OSError, match=address):
        Client(address, timeout=1)
    assert time.monotonic() - began < 20


def test_the_other_side_is_no_scheduler() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(OSError, match=address):
            Client(address, timeout=2)
        thread.join(10)


@pytest.mark.parametrize("address", ["tcp://", "udp://127.0.0.1:1", "tcp://127.0.0.1:notaport"])
def test_an_address_that_makes_no_sense(address: str) -> None:
    with pytest.raises((ValueError, OSError), match=address):
        Client(address, timeout=1)


def test_tls_without_certificates() -> None:
    with pytest.raises((ValueError, OSError), match=r"tls|TLS|certificate"):
        Client(f"tls://127.0.0.1:{free_port()}", timeout=1)


def test_a_certificate_that_is_not_there() -> None:
    security = Security(
        tls_ca_file="nowhere.pem",
        tls_client_cert="nowhere.pem",
        tls_client_key="nowhere.pem",
        require_encryption=True,
    )
    with pytest.raises(OSError, match="nowhere"):
        Client(f"tls://127.0.0.1:{free_port()}", security=security, timeout=1)


def test_an_argument_that_can_not_be_pickled(client: Client) -> None:
    with pytest.raises(TypeError, match="pickle"):
        client.submit(len, threading.Lock())
    assert client.submit(len, "abc").result(timeout=30) == 3


def make_lock() -> object:
    return threading.Lock()


def test_a_result_that_can_not_be_pickled(client: Client) -> None:
    future = client.submit(make_lock, pure=False)
    with pytest.raises((TypeError, RuntimeError), match="pickle"):
        future.result(timeout=30)
    assert client.submit(len, "abcd").result(timeout=30) == 4


class NoWayBack:
    def __reduce__(self) -> object:
        return int, ("no number",)


def make_one() -> NoWayBack:
    return NoWayBack()


def test_a_result_that_can_not_be_read(client: Client) -> None:
    with pytest.raises((ValueError, RuntimeError), match="no number"):
        client.submit(make_one, pure=False).result(timeout=30)


def fail_oddly() -> None:
    class Local(Exception):
        def __init__(self, a: int, b: int) -> None:
            super().__init__("with words")
            self.lock = threading.Lock()

    raise Local(1, 2)


def test_an_exception_that_can_not_be_pickled(client: Client) -> None:
    with pytest.raises(Exception, match="with words"):
        client.submit(fail_oddly, pure=False).result(timeout=30)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"retries": -1}, ValueError),
        ({"priority": "high"}, (TypeError, ValueError)),
        ({"resources": {"GPU": -1}}, ValueError),
    ],
)
def test_options_that_make_no_sense(
    client: Client, settings: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        client.submit(len, "a", **settings)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"n_workers": "two"}, TypeError, "n_workers must be an integer, got 'two'"),
        ({"n_workers": -1}, ValueError, "n_workers is -1"),
        ({"n_workers": 1, "threads_per_worker": 0}, ValueError, "threads_per_worker is 0"),
        ({"n_workers": 1, "nworkers": 2}, TypeError, "nworkers"),
        ({"n_workers": 1, "worker_class": 5}, TypeError, "worker_class must be a class"),
    ],
)
def test_a_cluster_that_makes_no_sense(
    options: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        LocalCluster(processes=False, dashboard_address=None, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "error", "text"),
    [({}, ValueError, "describes no process"), ({"cls": 5}, TypeError, "is no class")],
)
def test_a_description_that_makes_no_sense(
    spec: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        SpecCluster(workers={0: spec})


@pytest.mark.parametrize("n", [-1, "2", float("inf")])
def test_a_number_of_workers_that_makes_no_sense(n: object) -> None:
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster,
        pytest.raises(ValueError, match="is no number of workers"),
    ):
        cluster.scale(n)


def test_workers_that_are_not_there_are_not_asked(client: Client) -> None:
    with pytest.raises(ValueError, match=r"there are no workers \['nobody'\]"):
        client.run(os.getpid, workers=["nobody"])
    assert len(client.run(os.getpid, workers=[0])) == 1


def test_a_closed_client() -> None:
    with LocalCluster(
        n_workers=1, processes=False, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        connected = Client(cluster)
        future = connected.submit(len, "abc")
        assert future.result(timeout=10) == 3
        connected.close()
        with pytest.raises(Exception, match="closed|[Cc]ancelled"):
            future.result(timeout=10)
        with pytest.raises(Exception, match="closed"):
            connected.submit(len, "abc")


def test_nothing_is_left_after_close() -> None:
    code = """
import os, threading, time
from oxidask.distributed import Client, LocalCluster
fds = len(os.listdir("/proc/self/fd"))
for processes in (False, True):
    settings = dict(threads_per_worker=1, processes=processes, dashboard_address=None)
    with LocalCluster(n_workers=2, **settings) as c:
        with Client(c) as client:
            assert client.gather(client.map(abs, range(-10, 0))) == list(range(10, 0, -1))
deadline = time.monotonic() + 10
while time.monotonic() < deadline:
    tasks = os.listdir("/proc/self/task")
    if len(tasks) == 1:
        break
    time.sleep(0.05)
names = [open(f"/proc/self/task/{t}/comm").read().strip() for t in os.listdir("/proc/self/task")]
children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
print(len(names), len(children), len(os.listdir("/proc/self/fd")) - fds, names)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    n_threads, n_children, n_files = ran.stdout.split()[:3]
    assert (n_threads, n_children) == ("1", "0"), ran.stdout
    assert int(n_files) <= 0, ran.stdout
    assert "Traceback" not in ran.stderr, ran.stderr


def test_a_cluster_is_left_by_the_end_of_its_process() -> None:
    code = """
from oxidask.distributed import Client, LocalCluster
cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
client = Client(cluster)
print(*client.run(__import__("os").getpid).values(), flush=True)
future = client.submit(abs, -1)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    pids = [int(word) for word in ran.stdout.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        assert time.monotonic() < deadline, "workers outlive their cluster"
        time.sleep(0.05)


def test_equal_calls_in_one_map_are_one_task(client: Client) -> None:
    assert client.gather(client.map(len, ["ab"] * 6)) == [2] * 6


@pytest.mark.parametrize("protocol", ["inproc", "tcp"])
def test_a_client_that_has_lost_its_scheduler(protocol: str) -> None:
    with LocalCluster(
        n_workers=1,
        processes=False,
        threads_per_worker=1,
        dashboard_address=None,
        protocol=protocol,
    ) as cluster:
        connected = Client(cluster)
        future = connected.submit(len, "abc")
        assert future.result(timeout=10) == 3
        waiting = connected.submit(len, "abcd", workers=["nobody"])
    address = cluster.scheduler_address
    try:
        with pytest.raises(Exception, match="[Cc]ancelled"):
            waiting.result(timeout=10)
        assert connected.status == "closed"
        assert "No scheduler connected" in repr(connected)
        assert "No scheduler connected" in connected._repr_html_()
        with pytest.raises(Exception, match="[Cc]ancelled"):
            future.result(timeout=10)
        with pytest.raises(RuntimeError, match=f"has lost its scheduler at {address}"):
            connected.submit(len, "abc")
        with pytest.raises(RuntimeError, match="has lost its scheduler"):
            connected.scheduler_info()
    finally:
        connected.close()
    assert connected.status == "closed"


def test_keys_handlers_and_locks_that_make_no_sense(client: Client) -> None:
    with pytest.raises(TypeError, match="key="):
        client.submit(len, "abc", key=["a"])
    with pytest.raises(TypeError, match="handler"):
        client.subscribe_topic("topic", 5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="names= is empty"):
        MultiLock([]).acquire()


def test_clients_that_nobody_closes_end_with_their_cluster() -> None:
    before = set(threading.enumerate())
    tasks_before = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 0
    for _ in range(3):
        with LocalCluster(
            n_workers=1, processes=False, threads_per_worker=1, dashboard_address=None
        ) as cluster:
            forgotten = Client(cluster)
            assert forgotten.submit(len, "abc").result(timeout=10) == 3
        assert forgotten.status == "closed"
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert not set(threading.enumerate()) - before
    if tasks_before:
        # Threads that are Rust's alone: those of three clients and more would be left.
        assert len(os.listdir("/proc/self/task")) < tasks_before + 6


FORKS = """
import os, sys
from oxidask.distributed import Client

client = Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None)
assert client.submit(len, "abc").result(timeout=10) == 3
child = os.fork()
if child == 0:
    assert client.status == "closed"
    try:
        client.submit(len, "abc")
    except RuntimeError as error:
        assert "forked" in str(error)
        sys.exit(7)  # by way of all that is done at the end of a process
    sys.exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert client.submit(len, "abcd").result(timeout=10) == 4
client.close()
print("fine")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes can't be forked here")
def test_a_forked_process_leaves_its_parents_cluster_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "fine\n", done.stderr
