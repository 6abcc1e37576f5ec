"""Objects as header and frames, MessagePack, and dumps of a cluster's state."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oxidask.distributed import cluster_dump, protocol
from oxidask.distributed._msgpack import packb, unpackb


class Human:
    def __init__(self, name, photo=None):
        self.name, self.photo = name, photo


class Child(Human):
    pass


class Robot:
    def __init__(self, number):
        self.number = number


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(plain)
def test_message_pack_gives_back_what_it_was_given(value):
    assert unpackb(packb(value)) == value


@given(plain)
def test_message_pack_is_what_others_read_and_write(value):
    msgpack = pytest.importorskip("msgpack")
    assert msgpack.unpackb(packb(value), strict_map_key=False) == value
    assert unpackb(msgpack.packb(value)) == value


@given(plain)
def test_message_pack_that_is_cut_short_is_refused(value):
    with pytest.raises(ValueError, match="cut short"):
        unpackb(packb([value])[:-1])


@pytest.mark.parametrize("size", [0, 15, 16, 31, 32, 255, 256, 65535, 65536])
def test_every_form_of_a_size(size):
    for value in ("x" * size, b"x" * size, [1] * size, dict.fromkeys(map(str, range(size)), 1)):
        assert unpackb(packb(value)) == value


def test_large_buffers_are_frames_of_their_own():
    array = np.arange(1000.0)
    header, frames = protocol.serialize(array)
    assert max(memoryview(frame).nbytes for frame in frames) == array.nbytes
    assert (protocol.deserialize(header, frames) == array).all()


def test_registered_attributes_travel_each_in_its_way():
    protocol.register_generic(Human)
    ada = Human("Ada", photo=np.arange(10))
    header, frames = protocol.serialize(ada)
    assert header["serializer"] == "dask"
    back = protocol.deserialize(header, frames)
    assert back.name == "Ada"
    assert (back.photo == ada.photo).all()


def test_a_registered_class_is_pickled_as_was_said():
    calls = []

    def to_frames(robot):
        calls.append(robot.number)
        return {"n": robot.number}, [b"frame"]

    protocol.register_serialization(Robot, to_frames, robot_of)
    assert protocol.deserialize_bytes(protocol.serialize_bytes(Robot(7))).number == 7
    assert pickle.loads(pickle.dumps(Robot(8), protocol=5)).number == 8
    assert calls == [7, 8]


def robot_of(header, frames):
    assert bytes(frames[0]) == b"frame"
    return Robot(header["n"])


def test_what_a_family_can_not_do_is_said():
    header, frames = protocol.serialize(object(), serializers=["msgpack"])
    with pytest.raises(TypeError, match="object can't be serialized by msgpack"):
        protocol.deserialize(header, frames)
    with pytest.raises(TypeError, match="can't be serialized"):
        protocol.serialize(object(), serializers=["msgpack"], on_error="raise")
    header, frames = protocol.serialize((1, 2))
    with pytest.raises(TypeError, match="serialized by pickle, not by msgpack"):
        protocol.deserialize(header, frames, deserializers=["msgpack"])


@pytest.mark.parametrize("value", [b"x" * 100_000, bytes(range(256)) * 400, b""])
def test_messages_come_back_compressed_or_not(value):
    message = {"op": "put", "value": value, "array": np.zeros(10_000)}
    back = protocol.loads(protocol.dumps(message))
    assert back["value"] == value
    assert not back["array"].any()


def test_what_does_not_compress_stays_as_it_is():
    noise = np.random.default_rng(0).bytes(50_000)
    assert protocol.maybe_compress(noise) == (None, noise)


@pytest.mark.parametrize("form", ["msgpack", "yaml"])
def test_dumps_are_read_back(tmp_path, form):
    if form == "yaml":
        pytest.importorskip("yaml")
    state = {"scheduler": {"tasks": {"x": {"state": "memory"}}}, "workers": {"tcp://h:1": {}}}
    path = cluster_dump.write_state(state, f"file://{tmp_path}/dump", form)
    assert cluster_dump.load_cluster_dump(path) == state


def test_dumps_of_unknown_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match="xml"):
        cluster_dump.write_state({}, str(tmp_path / "dump"), "xml")
    with pytest.raises(ValueError, match="ends with none"):
        cluster_dump.load_cluster_dump("dump.txt")
