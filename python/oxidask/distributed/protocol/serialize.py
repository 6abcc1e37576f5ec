"""Objects to a header and frames, and back."""

from __future__ import annotations

import copyreg
import json
import pickle
import struct
from collections.abc import Callable, Sequence
from typing import Any

from oxidask._pickle import dumps as _dumps
from oxidask._pickle import loads as _loads

__all__ = [
    "Pickled",
    "Serialize",
    "Serialized",
    "ToPickle",
    "deserialize",
    "deserialize_bytes",
    "nested_deserialize",
    "register_generic",
    "register_serialization",
    "register_serialization_family",
    "serialize",
    "serialize_bytelist",
    "serialize_bytes",
    "to_serialize",
]

_COUNT = struct.Struct("<Q")
_Header = dict[str, Any]
_Frames = list[Any]

# name -> (to header and frames, from them, wants `context`)
_families: dict[str, tuple[Callable[..., Any], Callable[..., Any], bool]] = {}
# class -> (to header and frames, from them)
_classes: dict[type, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {}


def serialize(
    x: Any,
    serializers: Sequence[str] | None = None,
    on_error: str = "message",
    context: Any = None,
    iterate_collection: bool | None = None,
) -> tuple[_Header, _Frames]:
    """Take an object apart: a small header, and frames that may be large.

    Parameters
    ----------
    x
        Any object.
    serializers
        Families that may be used, the first that can does: ``"dask"`` for classes that were
        registered, ``"pickle"``, ``"msgpack"`` for plain data, or what
        :func:`register_serialization_family` added. By default the first two.
    on_error
        ``"message"`` for a header that tells of the error, ``"raise"`` to raise it.

    Returns
    -------
    header, frames

    Examples
    --------
    >>> header, frames = serialize([1, "x"])
    >>> deserialize(header, frames)
    [1, 'x']
    """
    if isinstance(x, Serialized):
        return x.header, x.frames
    if isinstance(x, (Serialize, ToPickle)):
        x = x.data
    problems = []
    for name in serializers or ("dask", "pickle"):
        try:
            to_frames, _, wants_context = _family(name)
            header, frames = to_frames(x, context=context) if wants_context else to_frames(x)
        except NotImplementedError:
            continue
        except Exception as error:
            problems.append(f"{name}: {error}")
            continue
        header["serializer"] = name
        return header, frames
    text = f"{type(x).__name__} can't be serialized by {', '.join(serializers or ('pickle',))}"
    text = "; ".join([text, *problems])
    if on_error == "raise":
        raise TypeError(text)
    return {"serializer": "error"}, [text.encode()]


def deserialize(
    header: _Header, frames: _Frames, deserializers: Sequence[str] | None = None
) -> Any:
    """Put an object together again.

    Parameters
    ----------
    header, frames
        What :func:`serialize` gave.
    deserializers
        Families that may be used; by default all.

    Raises
    ------
    TypeError
        If the object was not serialized, or by a family that may not be used.
    """
    name = header.get("serializer", "pickle")
    if name == "error":
        raise TypeError(bytes(frames[0]).decode())
    if deserializers is not None and name not in deserializers:
        raise TypeError(f"this was serialized by {name}, not by {', '.join(deserializers)}")
    return _family(name)[1](header, frames)


def _family(name: str) -> tuple[Callable[..., Any], Callable[..., Any], bool]:
    if name not in _families:
        raise TypeError(f"no serializer {name!r} is known, only {', '.join(_families)}")
    return _families[name]


def register_serialization_family(
    name: str, dumps: Callable[..., Any] | None, loads: Callable[..., Any] | None
) -> None:
    """Add a family of serializers.

    Parameters
    ----------
    name
        What it is asked for by.
    dumps
        Gives a header and frames for an object; raises NotImplementedError for what it leaves to
        others. May take a keyword ``context``.
    loads
        Gives the object for these.
    """
    import inspect

    def refuse(*args: Any) -> Any:
        raise NotImplementedError(f"the serializer {name!r} goes one way only")

    wants_context = dumps is not None and "context" in inspect.signature(dumps).parameters
    _families[name] = (dumps or refuse, loads or refuse, wants_context)


def register_serialization(
    cls: Any,
    serialize: Callable[[Any], tuple[_Header, _Frames]],
    deserialize: Callable[[_Header, _Frames], Any],
) -> None:
    """Say how objects of a class are taken apart, wherever they are serialized or pickled.

    Parameters
    ----------
    cls
        The class.
    serialize
        Gives a header, a dictionary, and frames, a list of bytes-like objects.
    deserialize
        Gives the object for these.

    Examples
    --------
    >>> class Human:
    ...     def __init__(self, name):
    ...         self.name = name
    >>> def to_frames(human):
    ...     return {}, [human.name.encode()]
    >>> def from_frames(header, frames):
    ...     return Human(bytes(frames[0]).decode())
    >>> register_serialization(Human, to_frames, from_frames)
    >>> deserialize_bytes(serialize_bytes(Human("Ada"))).name
    'Ada'
    """
    if isinstance(cls, str):
        raise TypeError(f"register the class itself, not its name {cls!r}")
    _classes[cls] = (serialize, deserialize)

    def reduce(x: Any) -> Any:
        header, frames = serialize(x)
        return _put_together, (deserialize, header, [pickle.PickleBuffer(f) for f in frames])

    copyreg.pickle(cls, reduce)


def _put_together(deserialize: Any, header: _Header, frames: _Frames) -> Any:
    return deserialize(header, frames)


def register_generic(
    cls: Any,
    serializer_name: str = "dask",
    serialize_func: Any = None,
    deserialize_func: Any = None,
) -> None:
    """Serialize objects of a class by their attributes, each in the way that suits it.

    Examples
    --------
    >>> class Human:
    ...     def __init__(self, name):
    ...         self.name = name
    >>> register_generic(Human)
    >>> header, frames = serialize(Human("Ada"))
    >>> header["serializer"], deserialize(header, frames).name
    ('dask', 'Ada')
    """
    to_frames = serialize_func or serialize
    from_frames = deserialize_func or deserialize

    def take_apart(x: Any) -> tuple[_Header, _Frames]:
        headers: list[Any] = []
        frames: _Frames = []
        for name, value in x.__dict__.items():
            header, more = to_frames(value)
            headers.append((name, header, len(more)))
            frames.extend(more)
        return {"attributes": headers}, frames

    def put_together(header: _Header, frames: _Frames) -> Any:
        x = cls.__new__(cls)
        begin = 0
        for name, one, n_frames in header["attributes"]:
            x.__dict__[name] = from_frames(one, frames[begin : begin + n_frames])
            begin += n_frames
        return x

    _classes[cls] = (take_apart, put_together)


def _dask_dumps(x: Any) -> tuple[_Header, _Frames]:
    for cls in type(x).__mro__[:-1]:
        if cls in _classes:
            header, frames = _classes[cls][0](x)
            return {"class": cls, "header": header}, list(frames)
    raise NotImplementedError(type(x).__name__)


def _dask_loads(header: _Header, frames: _Frames) -> Any:
    return _classes[header["class"]][1](header["header"], frames)


def _pickle_dumps(x: Any) -> tuple[_Header, _Frames]:
    buffers: list[pickle.PickleBuffer] = []
    body = _dumps(x, buffer_callback=buffers.append)
    return {}, [body, *(buffer.raw() for buffer in buffers)]


def _pickle_loads(header: _Header, frames: _Frames) -> Any:
    return _loads(frames[0], frames[1:])


def _plain_dumps(x: Any) -> tuple[_Header, _Frames]:
    body = json.dumps(x, allow_nan=True)
    if json.loads(body) != x:
        raise TypeError(f"{type(x).__name__} is no plain data")
    return {}, [body.encode()]


def _plain_loads(header: _Header, frames: _Frames) -> Any:
    return json.loads(bytes(frames[0]))


register_serialization_family("dask", _dask_dumps, _dask_loads)
register_serialization_family("pickle", _pickle_dumps, _pickle_loads)
register_serialization_family("msgpack", _plain_dumps, _plain_loads)


def serialize_bytelist(x: Any, **kwargs: Any) -> list[Any]:
    """Return an object as a list of bytes-like objects, the header first."""
    header, frames = serialize(x, **{"on_error": "raise", **kwargs})
    return [_dumps({**header, "sizes": [memoryview(frame).nbytes for frame in frames]}), *frames]


def serialize_bytes(x: Any, **kwargs: Any) -> bytes:
    """Return an object as bytes.

    Examples
    --------
    >>> deserialize_bytes(serialize_bytes({"x": 1}))
    {'x': 1}
    """
    head, *frames = serialize_bytelist(x, **kwargs)
    return b"".join([_COUNT.pack(len(head)), head, *frames])


def deserialize_bytes(b: Any) -> Any:
    """Return the object that :func:`serialize_bytes` was given."""
    view = memoryview(b).cast("B")
    (n_head,) = _COUNT.unpack(view[: _COUNT.size])
    begin = _COUNT.size + n_head
    header = _loads(bytes(view[_COUNT.size : begin]))
    frames = []
    for size in header["sizes"]:
        frames.append(view[begin : begin + size])
        begin += size
    return deserialize(header, frames)


class Serialize:
    """Marks an object that is to be serialized as a whole.

    Examples
    --------
    >>> to_serialize(1)
    <Serialize: 1>
    """

    def __init__(self, data: Any) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.data}>"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.data == self.data

    def __hash__(self) -> int:
        return hash(self.data)


to_serialize = Serialize


class Serialized:
    """An object that is serialized already.

    Attributes
    ----------
    header, frames
        Its two parts.
    """

    def __init__(self, header: _Header, frames: _Frames) -> None:
        self.header, self.frames = header, frames

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Serialized):
            return False
        return self.header == other.header and list(self.frames) == list(other.frames)

    def __hash__(self) -> int:
        return hash(tuple(bytes(frame) for frame in self.frames))


class ToPickle(Serialize):
    """Marks an object that is to be pickled."""


class Pickled(Serialized):
    """An object that is pickled already."""


def nested_deserialize(x: Any) -> Any:
    """Return nested containers with all that is marked in them deserialized.

    Examples
    --------
    >>> nested_deserialize([to_serialize(1), {"x": Serialized(*serialize(2))}])
    [1, {'x': 2}]
    """
    if isinstance(x, (Serialize, ToPickle)):
        return x.data
    if isinstance(x, Serialized):
        return deserialize(x.header, x.frames)
    if type(x) is dict:
        return {name: nested_deserialize(value) for name, value in x.items()}
    if type(x) in (list, tuple, set):
        return type(x)(map(nested_deserialize, x))
    return x
