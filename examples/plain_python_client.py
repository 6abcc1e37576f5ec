"""A client of a cluster in plain Python: sockets, and nothing of Oxidask's.

It shows that docs/protocol.md is all that a client in another language needs: it says who it is,
submits two tasks, of which the second reads the first, and fetches the result if it is large.

    oxidask scheduler --port 8786 &
    oxidask worker tcp://127.0.0.1:8786 &
    python examples/plain_python_client.py tcp://127.0.0.1:8786 bytes
    python examples/plain_python_client.py tcp://127.0.0.1:8786 python    # for workers with Python

A last argument N makes more of it. The cluster's token, if any, is $OXIDASK_TOKEN.
"""

import hmac
import operator
import os
import pickle
import secrets
import socket
import struct
import sys
from typing import Any

HELLO, WELCOME, REFUSE, DATA, BEAT, GOODBYE = range(1, 7)
CLIENT, PEER = 1, 2
# What stands behind a first byte: a number, or the length of bytes, of a text or of an array.
NUMBERS = dict(zip(range(0xCA, 0xD4), "fdBHIQbhiq", strict=True))
LENGTHS = dict(zip(b"\xc4\xc5\xc6\xd9\xda\xdb\xdc\xdd", "BHIBHIHI", strict=True))


def pack(value: Any) -> bytes:
    """Writes msgpack, in the widest forms: a reader takes any."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, str):
        return b"\xdb" + struct.pack(">I", len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))


def unpack(data: bytes, at: int = 0) -> tuple[Any, int]:
    """Reads a msgpack value: it, and where the next one begins."""
    first, at = data[at], at + 1
    if first < 0x80 or first >= 0xE0:
        return (first if first < 0x80 else first - 0x100), at
    if first in (0xC0, 0xC2, 0xC3):
        return (None, None, False, True)[first & 3], at
    if first in NUMBERS:
        form = ">" + NUMBERS[first]
        return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    if first in LENGTHS:
        (length,) = struct.unpack_from(">" + LENGTHS[first], data, at)
        at += struct.calcsize(LENGTHS[first])
    else:
        length = first & (0x1F if first >= 0xA0 else 0x0F)
    if 0x90 <= first < 0xA0 or first in (0xDC, 0xDD):
        items: list[Any] = [None] * length
        for i in range(length):
            items[i], at = unpack(data, at)
        return items, at
    piece, is_text = data[at : at + length], first not in (0xC4, 0xC5, 0xC6)
    return (piece.decode() if is_text else piece), at + length


class Connection:
    """A session on one connection: as a client of the scheduler, or as a peer of a worker."""

    def __init__(self, address: str, role: int) -> None:
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        self.socket = socket.create_connection((host.strip("[]"), int(port)))
        self.sent = self.heard = self.unacknowledged = 0
        self.messages: list[list[Any]] = []
        self.greet(role)

    def greet(self, role: int) -> None:
        nonce = secrets.token_bytes(16)
        self.socket.sendall(b"OXIDASK\n" + struct.pack("<HHI", 1, 1, 0) + nonce)
        theirs = self.read(32)
        magic, newest, oldest = struct.unpack_from("<8sHH", theirs)
        if magic != b"OXIDASK\n" or not oldest <= 1 <= newest:
            raise ConnectionError(f"version 1 is not spoken there: {theirs!r}")
        token, proof = os.environ.get("OXIDASK_TOKEN", "").encode(), b""
        if token:
            proof = hmac.digest(token, b"oxidask hello" + theirs[16:] + nonce, "sha256")
        session, beat_ms = secrets.token_bytes(16), 600_000
        hello = [role, session, False, 0, 0, proof, 0, 1 << 28, beat_ms, ["plain python"]]
        self.send_frame(HELLO, pack(hello))
        kind, body, _ = self.read_frame()
        answer = unpack(body)[0]
        if kind == REFUSE:
            raise PermissionError(answer[1])
        proof = hmac.digest(token, b"oxidask welcome" + nonce + theirs[16:], "sha256")
        if token and not hmac.compare_digest(proof, answer[4]):
            raise PermissionError("the other side has another token")

    def read(self, n: int) -> bytes:
        data = bytearray()
        while len(data) < n:
            piece = self.socket.recv(n - len(data))
            if not piece:
                raise ConnectionError("the other side is gone")
            data += piece
        return bytes(data)

    def send_frame(self, kind: int, body: bytes) -> None:
        self.sent += kind == DATA
        number = self.sent if kind == DATA else 0
        head = struct.pack("<IBBHQQ", len(body), kind, 0, 0, number, self.heard)
        self.socket.sendall(head + body)
        self.unacknowledged = 0

    def read_frame(self) -> tuple[int, bytes, list[bytes]]:
        length, kind, flags, _, number, _ = struct.unpack("<IBBHQQ", self.read(24))
        body, buffers = self.read(length), []
        if flags & 1:
            lengths, at = unpack(body)
            buffers, body = [self.read(length) for length in lengths], body[at:]
        if kind == DATA:
            self.heard, self.unacknowledged = number, self.unacknowledged + 1
            if self.unacknowledged == 64:
                self.send_frame(BEAT, b"")
        return kind, body, buffers

    def send(self, *message: Any) -> None:
        self.send_frame(DATA, pack(message))

    def receive(self) -> tuple[list[Any], list[bytes]]:
        """The next message, with the buffers that came in its frame."""
        buffers: list[bytes] = []
        while not self.messages:
            kind, body, buffers = self.read_frame()
            if kind in (REFUSE, GOODBYE):
                raise ConnectionError(f"the other side hangs up: {body!r}")
            at = 0
            while kind == DATA and at < len(body):
                message, at = unpack(body, at)
                self.messages.append(message)
        return self.messages.pop(0), buffers

    def close(self) -> None:
        self.send_frame(GOODBYE, b"")
        self.socket.close()


def submission(family: str, n: int) -> tuple[list[Any], list[Any]]:
    """Shared parts, and two tasks: `second` reads `first`."""
    if family == "bytes":
        parts, first, second = [b"constant", b"concatenate"], b"what is " * n, b"sent back"
    else:
        parts = [pickle.dumps(f, 5) for f in (operator.mul, operator.neg)]
        first, second = b"\x00" + pickle.dumps((6 * n, -7), 5), b""
    blobs = [[secrets.token_bytes(16), family, part] for part in parts]
    return blobs, [
        ["first", [0, 0, first], [], False, 0],
        ["second", [1, 0, second], [0], True, 0],
    ]


def result(scheduler: Connection, key: str) -> tuple[str, bytes, list[bytes]]:
    """Waits for a task: family, header and buffers of its value."""
    workers: dict[int, str] = {}
    while True:
        match scheduler.receive()[0]:
            case [0, name, _, _, [family, data]] if name == key:
                pieces = []
                while data:
                    end = 8 + struct.unpack_from("<Q", data)[0]
                    pieces, data = [*pieces, data[8:end]], data[end:]
                return family, pieces[0], pieces[1:]
            case [0, name, _, _, None] if name == key:
                scheduler.send(6, 1, [key])
            case [1, name, [origin, _, text, _]] if name == key:
                raise RuntimeError(f"{origin} failed: {text}")
            case [4, 1, [[task, [[holder, *_], _]]]]:
                peer = Connection(workers[holder], PEER)
                peer.send(0, 1, [task])
                [_, _, _, value], buffers = peer.receive()
                return value[0], value[3], buffers
            case [6, worker, address]:
                workers[worker] = address


def main() -> None:
    address, family, *n = sys.argv[1:]
    scheduler = Connection(address, CLIENT)
    blobs, tasks = submission(family, int(n[0]) if n else 1)
    scheduler.send(0, [1, blobs, [], tasks])
    kind, header, buffers = result(scheduler, "second")
    print(buffers[0].decode() if kind == "bytes" else pickle.loads(header, buffers=buffers))
    scheduler.send(2, ["second"])
    scheduler.close()


if __name__ == "__main__":
    main()
