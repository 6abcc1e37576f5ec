"""Libraries whose arrays blocks may be, by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask.array.dispatch import concatenate_lookup, einsum_lookup, tensordot_lookup

__all__ = [
    "ArrayBackendEntrypoint",
    "NumpyBackendEntrypoint",
    "array_creation_dispatch",
    "concatenate_lookup",
    "einsum_lookup",
    "tensordot_lookup",
]


class ArrayBackendEntrypoint:
    """How arrays of a library are made: subclass it and register an object of the class."""

    @property
    def RandomState(self) -> Any:
        """The class of random states."""
        raise NotImplementedError("This backend has no RandomState")

    @property
    def default_bit_generator(self) -> Any:
        """The class of bit generators."""
        raise NotImplementedError("This backend has no bit generator")

    @staticmethod
    def to_backend(data: Any, **kwargs: Any) -> Any:
        """Return an array of ours with blocks of the library."""
        raise NotImplementedError("This backend converts no arrays")


class NumpyBackendEntrypoint(ArrayBackendEntrypoint):
    """NumPy's arrays."""

    @property
    def RandomState(self) -> Any:
        """NumPy's random state."""
        return np.random.RandomState

    @property
    def default_bit_generator(self) -> Any:
        """NumPy's bit generator."""
        return np.random.PCG64

    @staticmethod
    def to_backend(data: Any, **kwargs: Any) -> Any:
        """Return an array of ours with blocks of NumPy's."""
        if isinstance(data._meta, np.ndarray):
            return data
        return data.map_blocks(np.asarray, **kwargs)


class _Backends:
    """Backends by their names."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {"numpy": NumpyBackendEntrypoint()}

    def register_backend(self, name: str, backend: Any) -> Any:
        """Register a backend.

        Examples
        --------
        >>> _ = array_creation_dispatch.register_backend("mine", NumpyBackendEntrypoint())
        """
        self._known[name] = backend
        return backend

    def dispatch(self, name: str) -> Any:
        """Return the backend of a name.

        Raises
        ------
        ValueError
            If there is none.
        """
        try:
            return self._known[name]
        except KeyError:
            raise ValueError(f"No backend dispatch registered for {name}") from None

    @property
    def backend(self) -> str:
        """The name of the backend that is used: the setting ``array.backend``."""
        from oxidask import config

        return str(config.get("array.backend", "numpy"))


array_creation_dispatch = _Backends()
