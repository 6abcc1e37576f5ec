"""Named datasets on the scheduler, which all clients see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

from oxidask._pickle import dumps, loads
from oxidask.distributed._client_base import ClientBase, no_default
from oxidask.distributed._future import Future
from oxidask.distributed._values import is_plain
from oxidask.distributed._waiting import futures_of

__all__ = ["Datasets", "DatasetsMixin"]


class DatasetsMixin(ClientBase):
    """``publish_dataset`` and its siblings."""

    as_current: Any

    @property
    def datasets(self) -> Datasets:
        """The published datasets as a mapping."""
        return Datasets(self)

    def publish_dataset(
        self, *args: Any, name: Any = None, override: bool = False, **kwargs: Any
    ) -> Any:
        """Give data a name by which other clients find it; its futures are kept.

        Parameters
        ----------
        *args
            Data for `name`, or one dictionary of names to data.
        name
            A name.
        override
            Whether to take the place of data of the same name.
        **kwargs
            Names and data.

        Raises
        ------
        KeyError
            The name is taken.
        """
        datasets: dict[Any, Any] = dict(kwargs)
        if name is not None:
            if not args or kwargs:
                raise ValueError(
                    "If name is provided, expecting call signature "
                    "`publish_dataset(data, name=...)` with nothing else by keyword"
                )
            datasets = {name: args[0] if len(args) == 1 else args}
        elif args:
            if len(args) != 1 or not isinstance(args[0], dict):
                raise ValueError(
                    "If name is omitted, positional argument must be one dictionary of names to "
                    f"data, got {args!r}"
                )
            datasets.update(args[0])
        return self.sync(self._publish, datasets, override)

    async def _publish(self, datasets: dict[Any, Any], override: bool) -> None:
        for name, data in datasets.items():
            keys = [future.key for future in futures_of(data)]
            packed = {"value": data} if not keys and is_plain(data) else {"pickled": dumps(data)}
            if "pickled" in packed and not self._sends_pickles:
                raise TypeError(f"{data!r} is no plain data, and this client sends no pickles")
            body = {"name": name, "data": packed, "keys": keys, "override": override}
            await self._ask("publish.put", body)

    def unpublish_dataset(self, name: Any, **kwargs: Any) -> Any:
        """Take names away from data.

        Parameters
        ----------
        name
            A name, or a list of names; those that do not exist are no error.
        **kwargs
            ``asynchronous``.
        """
        return self.sync(self._unpublish, name, **kwargs)

    async def _unpublish(self, name: Any) -> None:
        for one in name if isinstance(name, list) else [name]:
            try:
                await self._ask("publish.delete", {"name": one})
            except KeyError:
                continue

    def list_datasets(self, **kwargs: Any) -> Any:
        """Return the names of the datasets.

        Parameters
        ----------
        **kwargs
            ``asynchronous``.
        """
        return self.sync(self._list_datasets, **kwargs)

    async def _list_datasets(self) -> tuple[Any, ...]:
        return tuple(sorted(await self._ask("publish.list", {}), key=str))

    def get_dataset(self, name: Any, default: Any = no_default, **kwargs: Any) -> Any:
        """Return data by its name.

        Parameters
        ----------
        name
            A name, or a list of names.
        default
            What to return if there is no such name; by default KeyError is raised.
        **kwargs
            ``asynchronous``.
        """
        return self.sync(self._get_dataset, name, default, **kwargs)

    async def _get_dataset(self, name: Any, default: Any) -> Any:
        if isinstance(name, list):
            return [await self._get_dataset(one, default) for one in name]
        try:
            found = await self._ask("publish.get", {"name": name})
        except KeyError:
            if not (isinstance(default, str) and default == no_default):
                return default
            raise KeyError(f"Dataset {name!r} not found") from None
        packed = found.get("data", found) if isinstance(found, dict) else found
        if "value" in packed:
            return packed["value"]
        # The scheduler has given them to this client, whether or not use is made of them.
        given = [Future(key, self) for key in found["keys"]]
        try:
            if not self._reads_pickles:
                raise TypeError(f"dataset {name!r} is a pickle, which this client does not read")
            with self.as_current():
                data = loads(packed["pickled"])
            if given:
                await self._ask("publish.list")  # their states come before it
            return data
        finally:
            for future in given:
                future.release()


class Datasets(MutableMapping[Any, Any]):
    """The published datasets of a client.

    An asynchronous client's can be read with ``await datasets[name]`` and ``async for``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getitem__(self, key: Any) -> Any:
        return self._client.get_dataset(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._need_sync("await client.publish_dataset(...)")
        self._client.publish_dataset(value, name=key)

    def __delitem__(self, key: Any) -> None:
        self._need_sync("await client.unpublish_dataset(...)")
        self._client.get_dataset(key)  # KeyError if it is not there
        self._client.unpublish_dataset(key)

    def __iter__(self) -> Iterator[Any]:
        self._need_sync("async for name in client.datasets")
        yield from self._client.list_datasets()

    def __aiter__(self) -> AsyncIterator[Any]:
        if not self._client.asynchronous:
            raise TypeError("the client is not asynchronous: use `for name in client.datasets`")
        return self._names()

    async def _names(self) -> AsyncIterator[Any]:
        for name in await self._client.list_datasets():
            yield name

    def __len__(self) -> int:
        self._need_sync("await client.list_datasets()")
        return len(self._client.list_datasets())

    def __contains__(self, key: object) -> bool:
        self._need_sync("await client.list_datasets()")
        return key in self._client.list_datasets()

    def get(self, key: Any, default: Any = None) -> Any:
        """Return a dataset, or `default` if there is none of that name."""
        return self._client.get_dataset(key, default=default)

    def _need_sync(self, instead: str) -> None:
        if self._client.asynchronous:
            raise TypeError(f"the client is asynchronous: use `{instead}`")
