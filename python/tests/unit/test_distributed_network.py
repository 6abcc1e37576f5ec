"""A cluster whose network goes away and comes back: in a network namespace of its own, on Linux."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 1
NOT_ALLOWED = 77


def enter_namespace() -> None:
    """Leave the machine's network for one with nothing but a loopback interface."""
    user = 0 if os.geteuid() == 0 else CLONE_NEWUSER
    if ctypes.CDLL(None, use_errno=True).unshare(user | CLONE_NEWNET):
        print(os.strerror(ctypes.get_errno()))
        sys.exit(NOT_ALLOWED)


def switch_loopback(up: bool) -> None:
    import fcntl

    name = b"lo".ljust(16, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, name + bytes(16))
        (flags,) = struct.unpack_from("h", answer, 16)
        flags = flags | IFF_UP if up else flags & ~IFF_UP
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, name + struct.pack("h14x", flags))


def slow_inc(x: int) -> int:
    time.sleep(0.0005)
    return x + 1


def run_through_cuts(n_cuts: int, seconds: float) -> None:
    """Compute while nobody can reach the scheduler, again and again."""
    from oxidask.distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        assert cluster.scheduler_address.startswith("tcp://")
        first = set(client.nthreads())
        parts = client.map(slow_inc, range(4000))
        total = client.submit(sum, parts)
        for _ in range(n_cuts):
            client.submit(slow_inc, time.time()).result(timeout=60)
            switch_loopback(up=False)
            meanwhile = client.submit(slow_inc, time.time())
            time.sleep(seconds)  # The outage.
            assert not meanwhile.done()
            switch_loopback(up=True)
            assert meanwhile.result(timeout=60) > 0
        assert total.result(timeout=60) == sum(range(1, 4001))
        assert set(client.nthreads()) == first, "workers came back as others"
        print("whole")


def test_the_network_goes_away_and_comes_back() -> None:
    program = [sys.executable, __file__]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode == NOT_ALLOWED:
        pytest.skip(f"no network namespace is to be had here: {done.stdout.strip()}")
    assert done.stdout.splitlines()[-1:] == ["whole"], done.stdout + done.stderr


if __name__ == "__main__":
    enter_namespace()
    switch_loopback(up=True)
    run_through_cuts(n_cuts=3, seconds=1.0)
