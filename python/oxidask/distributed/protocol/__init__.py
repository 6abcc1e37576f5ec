"""Values as a header and frames: the plain form of what travels between processes.

Tasks' values travel in Rust, pickled with their large buffers apart. The functions here give that
form to programs that move values by themselves, and :func:`register_serialization` says how
objects of a class are taken apart, which then holds wherever they are pickled.
"""

from __future__ import annotations

from oxidask._pickle import loads as pickle_loads
from oxidask.distributed.protocol.frames import decompress, dumps, loads, maybe_compress
from oxidask.distributed.protocol.serialize import (
    Pickled,
    Serialize,
    Serialized,
    ToPickle,
    deserialize,
    deserialize_bytes,
    nested_deserialize,
    register_generic,
    register_serialization,
    register_serialization_family,
    serialize,
    serialize_bytelist,
    serialize_bytes,
    to_serialize,
)

__all__ = [
    "Pickled",
    "Serialize",
    "Serialized",
    "ToPickle",
    "decompress",
    "deserialize",
    "deserialize_bytes",
    "dumps",
    "loads",
    "maybe_compress",
    "nested_deserialize",
    "pickle_loads",
    "register_generic",
    "register_serialization",
    "register_serialization_family",
    "serialize",
    "serialize_bytelist",
    "serialize_bytes",
    "to_serialize",
]
