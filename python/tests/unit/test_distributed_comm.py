"""Channels of one's own, beside the cluster's."""

from __future__ import annotations

import asyncio

import pytest
from oxidask.distributed import comm


def run(main):
    asyncio.run(asyncio.wait_for(main(), 30))


async def echo(channel):
    while True:
        await channel.write(await channel.read())


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:0", "tcp://", "inproc://"])
def test_messages_come_whole_and_in_order(address):
    async def main():
        async with comm.listen(address, echo) as listener:
            channel = await comm.connect(listener.contact_address)
            messages = [1, "x", {"y": b"z" * 100_000}, None]
            for message in messages:
                await channel.write(message)
            assert [await channel.read() for _ in messages] == messages
            assert channel.peer_address == listener.contact_address
            await channel.close()
            assert channel.closed()

    run(main)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:0", "inproc://"])
def test_a_closed_peer_ends_the_reading(address):
    async def hang_up(channel):
        await channel.close()

    async def main():
        async with comm.listen(address, hang_up) as listener:
            channel = await comm.connect(listener.contact_address)
            with pytest.raises(comm.CommClosedError):
                await channel.read()
            with pytest.raises(comm.CommClosedError):
                await channel.write(1)

    run(main)


def test_nobody_there_is_said_at_once():
    async def main():
        async with comm.listen("tcp://127.0.0.1:0", echo) as listener:
            address = listener.contact_address
        with pytest.raises(OSError, match=address):
            await comm.connect(address, timeout="5s")
        with pytest.raises(OSError, match="nobody in this process"):
            await comm.connect("inproc://nowhere")

    run(main)


def test_encryption_that_is_required_is_insisted_on():
    async def main():
        with pytest.raises(RuntimeError, match="encryption required"):
            comm.listen("tcp://127.0.0.1:0", echo, require_encryption=True)
        with pytest.raises(RuntimeError, match="encryption required"):
            await comm.connect("tcp://127.0.0.1:1", require_encryption=True)
        with pytest.raises(TypeError, match="ssl_context"):
            await comm.connect("tls://127.0.0.1:1")

    run(main)


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("tcp://127.0.0.1:1", ("tcp", "127.0.0.1:1")),
        ("host:1", ("tcp", "host:1")),
        ("inproc://h/1/2", ("inproc", "h/1/2")),
    ],
)
def test_addresses_are_taken_apart(address, parts):
    assert comm.parse_address(address) == parts
    assert comm.unparse_address(*parts) == comm.normalize_address(address)


def test_addresses_that_are_none():
    with pytest.raises(TypeError, match="an address is text"):
        comm.parse_address(8786)
    with pytest.raises(ValueError, match="no scheme"):
        comm.parse_address("host:1", strict=True)
    with pytest.raises(ValueError, match="no port"):
        comm.parse_host_port("host")
    with pytest.raises(ValueError, match="in brackets"):
        comm.parse_host_port("::1")
    with pytest.raises(ValueError, match="bracket"):
        comm.parse_host_port("[::1")


def test_names_of_hosts_are_looked_up():
    assert comm.resolve_address("tcp://localhost:1") in ("tcp://127.0.0.1:1", "tcp://[::1]:1")
    assert comm.get_address_host_port("tls://[::1]:2") == ("::1", 2)
    assert comm.get_address_host("tcp://host:1") == "host"
