"""What a client tells about the cluster: workers, tasks, where results are, how much they take."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from oxidask.distributed._client_base import ClientBase, no_default
from oxidask.distributed._task_options import worker_names
from oxidask.distributed._waiting import futures_of
from oxidask.distributed.exceptions import ClosedClientError
from oxidask.utils import format_bytes, parse_timedelta

__all__ = ["InfoMixin"]


class InfoMixin(ClientBase):
    """Questions about workers and tasks."""

    def scheduler_info(self, n_workers: int = -1, **kwargs: Any) -> dict[str, Any]:
        """Return what the scheduler says about itself and its workers.

        Parameters
        ----------
        n_workers
            About how many workers; by default all.
        **kwargs
            Not needed.

        Returns
        -------
        dict
            ``type``, ``id``, ``address``, ``services``, ``started``, ``n_workers``,
            ``total_threads``, ``total_memory`` and ``workers``. An asynchronous client, which can't
            wait here, knows the workers as of its last :meth:`wait_for_workers`.
        """
        info = self._identity()
        if self.asynchronous:
            return {**info, "workers": self._known_workers}
        if n_workers >= 0:
            info["workers"] = dict(list(info["workers"].items())[:n_workers])
        return info

    _known_workers: dict[str, Any]

    def _identity(self, timeout: float = 10.0) -> dict[str, Any]:
        # Answered by the scheduler's machine at once: nothing that waits is behind it.
        return _as_dask(self._open_core().ask("info.identity", {"workers": True}, timeout))

    def _shown_identity(self) -> dict[str, Any] | None:
        """Return what there is to show; None without a scheduler that answers."""
        if self.status != "running":
            return None
        try:
            return self._identity(timeout=2.0)
        except (OSError, ClosedClientError):
            return None

    def who_has(self, futures: Any = None, **kwargs: Any) -> Any:
        """Return the workers that hold results.

        Parameters
        ----------
        futures
            Futures or collections; by default all tasks.
        **kwargs
            ``asynchronous``.

        Returns
        -------
        WhoHas
            A dictionary of keys to addresses.
        """
        return self.sync(self._who_has, futures, **kwargs)

    async def _who_has(self, futures: Any) -> Any:
        body = {} if futures is None else {"keys": _keys(futures)}
        found = await self._ask("info.who_has", body)
        return WhoHas((key, tuple(addresses)) for key, addresses in found)

    def has_what(self, workers: Any = None, **kwargs: Any) -> Any:
        """Return the keys of the results that workers hold.

        Parameters
        ----------
        workers
            Names or addresses; by default all workers.
        **kwargs
            ``asynchronous``.

        Returns
        -------
        HasWhat
            A dictionary of addresses to keys.
        """
        return self.sync(self._has_what, workers, **kwargs)

    async def _has_what(self, workers: Any) -> Any:
        found = await self._ask("info.has_what", _about(workers))
        return HasWhat((address, tuple(keys)) for address, keys in found.items())

    def nthreads(self, workers: Any = None, **kwargs: Any) -> Any:
        """Return how many threads the workers have.

        Parameters
        ----------
        workers, **kwargs
            See :meth:`has_what`.
        """
        return self.sync(self._ask, "info.nthreads", _about(workers), **kwargs)

    def ncores(self, workers: Any = None, **kwargs: Any) -> Any:
        """Return how many threads the workers have; see :meth:`nthreads`."""
        return self.nthreads(workers, **kwargs)

    def processing(self, workers: Any = None) -> Any:
        """Return the keys of the tasks that are on their way on the workers.

        Parameters
        ----------
        workers
            See :meth:`has_what`.
        """
        return self.sync(self._processing, workers)

    async def _processing(self, workers: Any) -> Any:
        found = await self._ask("info.processing", _about(workers))
        return {address: tuple(keys) for address, keys in found.items()}

    def nbytes(self, keys: Any = None, summary: bool = True, **kwargs: Any) -> Any:
        """Return how many bytes results take on the cluster.

        Parameters
        ----------
        keys
            Keys or futures; by default all.
        summary
            Whether to add up tasks of one kind.
        **kwargs
            ``asynchronous``.
        """
        return self.sync(self._nbytes, keys, summary, **kwargs)

    async def _nbytes(self, keys: Any, summary: bool) -> dict[Any, int]:
        body: dict[str, Any] = {"summary": summary}
        if keys is not None:
            body["keys"] = _keys(keys)
        return dict(await self._ask("info.nbytes", body))

    def story(self, *keys_or_stimuli: Any, on_error: str = "raise") -> Any:
        """Return what happened to tasks, step by step.

        Parameters
        ----------
        *keys_or_stimuli
            Keys or futures.
        on_error
            ``"raise"`` or ``"ignore"``.
        """
        if on_error not in ("raise", "ignore"):
            raise ValueError(f"on_error= must be 'raise' or 'ignore', got {on_error!r}")
        return self.sync(self._story, _keys(list(keys_or_stimuli)), on_error)

    async def _story(self, keys: list[Any], on_error: str) -> Any:
        try:
            return await self._ask("info.story", {"keys": keys})
        except Exception:
            if on_error == "raise":
                raise
            return []

    def call_stack(self, futures: Any = None, keys: Any = None) -> Any:
        """Return the stacks of tasks that run now.

        Parameters
        ----------
        futures
            Futures or collections; by default all tasks.
        keys
            Keys.

        Returns
        -------
        dict
            Addresses of workers to keys to frames.
        """
        wanted = [*(_keys(futures) if futures is not None else []), *(keys or [])]
        is_all = futures is None and keys is None
        return self.sync(self._call_stack, None if is_all else wanted)

    async def _call_stack(self, keys: list[Any] | None) -> dict[str, Any]:
        body = {} if keys is None else {"keys": keys}
        found = await self._of_workers("worker.call_stack", body)
        return {
            address: {key: tuple(frames) for key, frames in _pairs(stacks)}
            for address, stacks in found.items()
            if stacks
        }

    async def _of_workers(
        self, verb: str, body: dict[str, Any], workers: Any = None, nanny: bool = False
    ) -> dict[str, Any]:
        """Ask workers and return their answers by address; raise what one of them raised."""
        question = {"verb": verb, "body": body, "nanny": nanny, **_about(workers)}
        answers = await self._ask("workers.ask", question)
        for answer in answers.values():
            if "error" in answer:
                raise error_of(answer["error"])
        return {address: answer["ok"] for address, answer in answers.items()}

    def get_metadata(self, keys: Any, default: Any = no_default) -> Any:
        """Return data that was noted on the scheduler under a key, or a path of keys.

        Parameters
        ----------
        keys
            A name, or names of nested data.
        default
            What to return if there is nothing; by default KeyError is raised.
        """
        return self.sync(self._get_metadata, _path(keys), default)

    async def _get_metadata(self, keys: list[Any], default: Any) -> Any:
        from oxidask.distributed._values import unpack_tree

        try:
            found = await self._ask("metadata.get", {"keys": keys})
        except KeyError:
            if default == no_default:
                raise
            return default
        return unpack_tree(found, self)

    def set_metadata(self, key: Any, value: Any) -> Any:
        """Note data on the scheduler, for all clients.

        Parameters
        ----------
        key
            A name, or names of nested data. Differs from Dask: numbers come back as text.
        value
            The data.

        Examples
        --------
        >>> client.set_metadata(["x", "y"], 1)  # doctest: +SKIP
        >>> client.get_metadata("x")  # doctest: +SKIP
        {'y': 1}
        """
        from oxidask.distributed._values import pack

        return self.sync(self._ask, "metadata.set", {"keys": _path(key), "value": pack(value)})

    def dump_cluster_state(
        self,
        filename: str = "dask-cluster-dump",
        write_from_scheduler: bool | None = None,
        exclude: Collection[str] = (),
        format: str = "msgpack",
        **storage_options: Any,
    ) -> Any:
        """Write all that is known of the cluster to a file, for those who look for a fault.

        Parameters
        ----------
        filename
            Where to; a suffix tells the format.
        write_from_scheduler
            Whether the scheduler writes it: by default if `filename` is a URL.
        exclude
            What to leave out.
        format
            ``"msgpack"`` (compressed JSON where msgpack is not installed) or ``"yaml"``.
        **storage_options
            For remote file systems.
        """
        if format not in ("msgpack", "yaml"):
            raise ValueError(f"format= must be 'msgpack' or 'yaml', got {format!r}")
        return self.sync(
            self._dump, str(filename), write_from_scheduler, list(exclude), format, storage_options
        )

    async def _dump(
        self,
        filename: str,
        from_scheduler: bool | None,
        exclude: list[str],
        format: str,
        options: dict[str, Any],
    ) -> None:
        from oxidask.distributed.cluster_dump import write_state

        state = await self._ask("info.dump", {"exclude": exclude})
        if "://" in filename if from_scheduler is None else from_scheduler:
            await self._run_on_scheduler(write_state, (state, filename, format), options)
        else:
            write_state(state, filename, format, **options)

    async def _run_on_scheduler(self, function: Any, args: Any, kwargs: Any) -> Any:
        raise NotImplementedError

    def write_scheduler_file(self, scheduler_file: str) -> None:
        """Write a file that other clients and workers find the scheduler by.

        Parameters
        ----------
        scheduler_file
            Where to.
        """
        if self.scheduler_file:
            raise ValueError(f"the client knows a scheduler file already: {self.scheduler_file}")
        self.scheduler_file = scheduler_file
        Path(scheduler_file).write_text(json.dumps(self._identity(), indent=2, default=str))

    scheduler_file: Any

    @property
    def dashboard_link(self) -> str:
        """Where a browser finds the dashboard."""
        from oxidask.distributed._dashboard_link import dashboard_link

        cluster = getattr(self, "cluster", None)
        link = getattr(cluster, "dashboard_link", None)
        if link is not None:
            return str(link)
        info = self._identity()
        services = info["services"]
        if not services:
            # The scheduler's process notes what it serves beside the scheduler.
            body = {"keys": ["services"], "default": {}}
            services = self._open_core().ask("metadata.get", body, 10.0)
        return dashboard_link(info["address"], services.get("dashboard"))

    def benchmark_hardware(self) -> Any:
        """Measure memory, disk and network of the workers.

        Returns
        -------
        dict
            ``memory``, ``disk`` and ``network``: sizes to bytes per second.
        """
        return self.sync(self._benchmark)

    async def _benchmark(self) -> dict[str, dict[str, float]]:
        found = await self._of_workers("worker.benchmark", {})
        sums: dict[str, dict[str, float]] = {"memory": {}, "disk": {}, "network": {}}
        for kind, total in sums.items():
            for figures in found.values():
                for size, rate in figures.get(kind, {}).items():
                    total[size] = total.get(size, 0.0) + rate / len(found)
        return sums


class WhoHas(dict[Any, Any]):
    """Keys to the addresses of the workers that hold them."""

    def _repr_html_(self) -> str:
        return _table(("Key", "Copies", "Workers"), [(k, len(v), v) for k, v in self.items()])


class HasWhat(dict[Any, Any]):
    """Addresses of workers to the keys that they hold."""

    def _repr_html_(self) -> str:
        return _table(("Worker", "Key count", "Keys"), [(k, len(v), v) for k, v in self.items()])


def _table(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    from html import escape

    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def error_of(error: dict[str, Any]) -> BaseException:
    """Return the exception that a question to a worker gave."""
    from oxidask.distributed import _ask_errors

    return _ask_errors.exception_of(error)


def _about(workers: Any) -> dict[str, Any]:
    return {} if workers is None else {"workers": worker_names(workers)}


def _keys(objects: Any) -> list[Any]:
    """Return what names tasks to the scheduler: futures as they are, and keys."""
    if isinstance(objects, (list, tuple, set)) and not hasattr(objects, "__dask_graph__"):
        found: list[Any] = []
        for obj in objects:
            found += [obj] if isinstance(obj, (str, bytes)) else _future_keys(obj) or [obj]
        return found
    if isinstance(objects, (str, bytes)):
        return [objects]
    found = _future_keys(objects)
    if found or not hasattr(objects, "__dask_keys__"):
        return found
    from oxidask.core import flatten

    return list(flatten([objects.__dask_keys__()]))


def _future_keys(obj: Any) -> list[Any]:
    return [future.key for future in futures_of(obj)]


def _pairs(found: Any) -> Any:
    return found.items() if isinstance(found, dict) else found


def _path(keys: Any) -> list[Any]:
    return list(keys) if isinstance(keys, (list, tuple)) else [keys]


def _as_dask(info: dict[str, Any]) -> dict[str, Any]:
    """Return the scheduler's identity with the names and totals that Dask's users know."""
    info = dict(info)
    workers = info.get("workers") or {}
    if "started_s" in info:
        info["started"] = float(info.pop("started_s"))
    info.setdefault("services", {})
    info["n_workers"] = len(workers)
    info["total_threads"] = sum(worker.get("nthreads") or 0 for worker in workers.values())
    info["total_memory"] = sum(worker.get("memory_limit") or 0 for worker in workers.values())
    info["workers"] = workers
    return info


def describe(info: dict[str, Any]) -> str:
    """Return the line that a client shows of itself.

    Examples
    --------
    >>> describe({"address": "a", "n_workers": 2, "total_threads": 4, "total_memory": 2**30})
    "'a' processes=2 threads=4, memory=1.00 GiB"
    """
    memory = f", memory={format_bytes(info['total_memory'])}" if info["total_memory"] else ""
    return (
        f"{info['address']!r} processes={info['n_workers']} threads={info['total_threads']}{memory}"
    )


def timeout_text(timeout: Any) -> str:
    """Return a timeout as its user said it.

    Examples
    --------
    >>> timeout_text("1 ms"), timeout_text(2)
    ('1 ms', '2 s')
    """
    return timeout if isinstance(timeout, str) else f"{parse_timedelta(timeout):g} s"
