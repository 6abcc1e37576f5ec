"""What a client does to workers and to the scheduler: run functions there, add plugins, restart."""

from __future__ import annotations

import asyncio
import inspect
import time
from pathlib import Path
from typing import Any

from oxidask import config
from oxidask._pickle import dumps, loads
from oxidask.distributed._client_base import logger, no_default
from oxidask.distributed._client_info import InfoMixin, _about, error_of, timeout_text
from oxidask.distributed._just_joined import PAUSE_S, TRIES, not_yet
from oxidask.distributed._task_options import seconds, worker_names
from oxidask.distributed.exceptions import WorkerStartTimeoutError

__all__ = ["WorkersMixin"]


class WorkersMixin(InfoMixin):
    """``run``, ``run_on_scheduler``, plugins, restarts and retirements."""

    def run(
        self,
        function: Any,
        *args: Any,
        workers: list[str] | None = None,
        wait: bool = True,
        nanny: bool = False,
        on_error: str = "raise",
        **kwargs: Any,
    ) -> Any:
        """Run a function on all workers at once, outside of the task graph.

        Parameters
        ----------
        function
            The function, or a coroutine function. If it takes an argument named ``dask_worker``,
            it gets the worker.
        *args, **kwargs
            Its arguments.
        workers
            Addresses or names; by default all workers.
        wait
            Whether to wait for the results.
        nanny
            Whether to run it in the workers' nannies.
        on_error
            ``"raise"`` an exception, ``"return"`` it in the place of the result, or ``"ignore"``
            workers that raised.

        Returns
        -------
        dict
            Addresses to results.

        Examples
        --------
        >>> client.run(os.getpid)  # doctest: +SKIP
        {'tcp://192.168.0.100:9000': 1234}
        """
        if on_error not in ("raise", "return", "ignore"):
            raise ValueError(f"on_error must be 'raise', 'return' or 'ignore', got {on_error!r}")
        return self.sync(self._run, function, args, kwargs, workers, wait, nanny, on_error)

    async def _run(
        self,
        function: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        workers: Any = None,
        wait: bool = True,
        nanny: bool = False,
        on_error: str = "raise",
    ) -> Any:
        body = {**_call(function, args, kwargs), "wait": wait}
        if workers:
            await self._must_be_known(worker_names(workers))
        verb = "nanny.run" if nanny else "worker.run"
        question = {"verb": verb, "body": body, "nanny": nanny, **_about(workers)}
        answers = await self._ask("workers.ask", question)
        for _ in range(TRIES):
            again = not_yet(answers)
            if not again:
                break
            await asyncio.sleep(PAUSE_S)
            answers.update(await self._ask("workers.ask", {**question, "workers": again}))
        results: dict[str, Any] = {}
        for address, answer in answers.items():
            if "error" not in answer:
                results[address] = _result(answer["ok"], self)
            elif on_error == "raise":
                raise error_of(answer["error"])
            elif on_error == "return":
                results[address] = error_of(answer["error"])
        return results if wait else None

    async def _must_be_known(self, named: list[str]) -> None:
        """Raise for workers that are not there: they would not be asked."""
        known = (await self._ask("info.identity", {"workers": True}))["workers"]
        names = {str(info["name"]) for info in known.values()}
        hosts = {str(info.get("host")) for info in known.values()}
        absent = sorted(set(named) - set(known) - names - hosts)
        if absent:
            raise ValueError(f"there are no workers {absent}; there are {sorted(known)}")

    def run_on_scheduler(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a function in the process of the scheduler.

        Parameters
        ----------
        function
            The function, or a coroutine function. If it takes an argument named
            ``dask_scheduler``, it gets the scheduler.
        *args, **kwargs
            Its arguments.
        """
        return self.sync(self._run_on_scheduler, function, args, kwargs)

    async def _run_on_scheduler(self, function: Any, args: Any, kwargs: Any) -> Any:
        body = {**_call(function, args, kwargs), "wait": True}
        return _result(await self._ask("scheduler.run", body), self)

    def wait_for_workers(self, n_workers: int, timeout: Any = None) -> Any:
        """Wait until there are so many workers.

        Parameters
        ----------
        n_workers
            How many.
        timeout
            Seconds, or text such as ``"10 s"``; by default for ever.

        Raises
        ------
        TimeoutError
            They did not come in time.
        """
        return self.sync(self._wait_for_workers, n_workers, timeout)

    async def _wait_for_workers(self, n_workers: int, timeout: Any = None) -> None:
        if isinstance(n_workers, bool) or not isinstance(n_workers, int) or n_workers < 1:
            raise ValueError(f"n_workers= must be an integer above 0, got {n_workers!r}")
        body = {"n": n_workers, "timeout_s": seconds(timeout)}
        try:
            await self._ask("workers.wait", body)
        except TimeoutError:
            n_there = self._identity()["n_workers"]
            raise WorkerStartTimeoutError(n_there, n_workers, timeout_text(timeout)) from None
        self._known_workers = self._identity()["workers"]

    def retire_workers(
        self, workers: list[str] | None = None, close_workers: bool = True, **kwargs: Any
    ) -> Any:
        """Let workers go once what they hold is elsewhere.

        Parameters
        ----------
        workers
            Addresses or names; by default those whom the scheduler can do without.
        close_workers
            Whether they end.
        **kwargs
            ``n`` (how many) and ``names``.

        Returns
        -------
        dict
            Addresses to what is known of the workers that went.
        """
        return self.sync(self._retire, workers, close_workers, kwargs)

    async def _retire(self, workers: Any, close: bool, more: dict[str, Any]) -> Any:
        names = more.get("names")
        body: dict[str, Any] = {"close": close, **_about(names if workers is None else workers)}
        if more.get("n") is not None:
            body["n"] = more["n"]
        return await self._ask("workers.retire", body)

    def restart(self, timeout: Any = no_default, wait_for_workers: bool = True) -> Any:
        """Cancel all tasks and start all workers again.

        Parameters
        ----------
        timeout
            Seconds to wait for the workers.
        wait_for_workers
            Whether to wait for them.
        """
        return self.sync(self._restart, timeout, wait_for_workers)

    async def _restart(self, timeout: Any, wait_for_workers: bool) -> Any:
        limit = seconds(config.get("distributed.comm.timeouts.connect", "30s"))
        limit = 2 * limit if timeout == no_default else seconds(timeout)
        end = time.monotonic() + limit
        core = self._open_core()
        core.cancel(list(core.futures()), True)
        n_before = len((await self._ask("info.identity", {"workers": True}))["workers"])
        await self._ask("workers.restart", {"timeout_s": limit, "wait": wait_for_workers})
        # Plugins of the scheduler hear of it.
        await self._ask("topic.log", {"topic": "workers", "body": {"action": "restart"}})
        if wait_for_workers:
            await self._bring_back(n_before, max(0.0, end - time.monotonic()), limit)
        return self

    async def _bring_back(self, n: int, timeout: float, limit: float) -> None:
        """Wait for workers after a restart; those without a nanny are up to who started them."""
        bring_back = getattr(self.cluster, "bring_back", None)
        if bring_back is not None:
            await bring_back()
        try:
            await self._ask("workers.wait", {"n": n, "timeout_s": timeout})
        except TimeoutError:
            n_there = len((await self._ask("info.identity", {"workers": True}))["workers"])
            raise TimeoutError(
                f"{n_there} of {n} workers are back {limit:g} s after the restart: those without a "
                "nanny come back only if whatever started them starts them again; wait longer by "
                "timeout=, or not at all by wait_for_workers=False"
            ) from None

    cluster: Any

    def restart_workers(
        self, workers: list[str], timeout: Any = no_default, raise_for_error: bool = True
    ) -> Any:
        """Start some workers again.

        Parameters
        ----------
        workers
            Addresses or names.
        timeout
            Seconds to wait for them.
        raise_for_error
            Whether to raise if one does not come back.

        Returns
        -------
        dict
            Addresses to ``"OK"``, ``"timed out"`` or an exception.
        """
        return self.sync(self._restart_workers, worker_names(workers), timeout, raise_for_error)

    async def _restart_workers(self, workers: list[str], timeout: Any, must_work: bool) -> Any:
        known = (await self._ask("info.identity", {"workers": True}))["workers"]
        bare = [
            address
            for address, info in known.items()
            if not info.get("nanny") and (address in workers or str(info["name"]) in workers)
        ]
        if bare:
            raise ValueError(f"Restarting workers requires a nanny, which these have not: {bare}")
        body = {"timeout_s": None if timeout == no_default else seconds(timeout)}
        question = {"verb": "nanny.restart", "body": body, "nanny": True, "workers": workers}
        answers = await self._ask("workers.ask", question)
        results: dict[str, Any] = {}
        for address, answer in answers.items():
            if "error" in answer and must_work:
                raise error_of(answer["error"])
            results[address] = error_of(answer["error"]) if "error" in answer else answer["ok"]
        return results

    def register_plugin(self, plugin: Any, name: str | None = None) -> Any:
        """Add a plugin to the workers, the nannies or the scheduler, now and to come.

        Parameters
        ----------
        plugin
            A :class:`WorkerPlugin`, :class:`NannyPlugin` or :class:`SchedulerPlugin`.
        name
            By default the plugin's.
        """
        from oxidask.distributed._plugin_registry import register

        return self.sync(register, self, plugin, name)

    def unregister_worker_plugin(self, name: str, nanny: Any = None) -> Any:
        """Take a plugin away from the workers, or the nannies.

        Parameters
        ----------
        name
            Its name.
        nanny
            Whether it is one of nannies.
        """
        from oxidask.distributed._plugin_registry import unregister

        return self.sync(unregister, self, "nanny" if nanny else "worker", name)

    def unregister_scheduler_plugin(self, name: str) -> Any:
        """Take a plugin away from the scheduler.

        Parameters
        ----------
        name
            Its name.
        """
        from oxidask.distributed._plugin_registry import unregister

        return self.sync(unregister, self, "scheduler", name)

    def register_worker_callbacks(self, setup: Any = None) -> Any:
        """Call a function on each worker, now and on those to come.

        Parameters
        ----------
        setup
            The function; it gets the worker as ``dask_worker`` if it takes that.
        """
        from oxidask.distributed._plugin_registry import SetupPlugin

        return self.register_plugin(SetupPlugin(setup))

    def upload_file(self, filename: str, load: bool = True) -> Any:
        """Send a file to the workers and the scheduler, and import it if it is a module.

        Parameters
        ----------
        filename
            A ``.py``, ``.zip`` or ``.egg`` file, or any other.
        load
            Whether to import it again if it was imported.
        """
        return self.sync(self._upload_file, filename, load)

    async def _upload_file(self, filename: str, load: bool) -> dict[str, Any]:
        from oxidask.distributed.diagnostics.plugin import UploadFile

        path = Path(filename)
        from oxidask.distributed._plugin_registry import register

        await register(self, UploadFile(str(path), load=load), f"upload-{path.name}")
        return {}

    def get_versions(self, check: bool = False, packages: Any = None) -> Any:
        """Return versions of Python and of packages here, on the scheduler and on the workers.

        Parameters
        ----------
        check
            Whether to warn of versions that differ.
        packages
            More packages to look at.
        """
        return self.sync(self._get_versions, check, list(packages or []))

    async def _get_versions(self, check: bool, packages: list[str]) -> dict[str, Any]:
        from oxidask.distributed.versions import error_message, get_versions

        body = {"packages": packages}
        client = get_versions(packages=packages)
        scheduler, workers = await asyncio.gather(
            self._ask("scheduler.versions", body), self._of_workers("worker.versions", body)
        )
        found = {"scheduler": scheduler, "workers": workers, "client": client}
        if check:
            import warnings

            message = error_message(scheduler, workers, client)
            if message.get("error"):
                raise ValueError(message["error"])
            if message.get("warning"):
                warnings.warn(message["warning"], stacklevel=2)
        return found

    def get_scheduler_logs(self, n: int | None = None) -> Any:
        """Return the scheduler's log, the latest first.

        Parameters
        ----------
        n
            How many lines.

        Returns
        -------
        list of (level, text)
        """
        return self.sync(self._get_scheduler_logs, n)

    async def _get_scheduler_logs(self, n: int | None) -> Any:
        return tuple(map(tuple, await self._ask("scheduler.logs", {"n": n})))

    def get_worker_logs(
        self, n: int | None = None, workers: Any = None, nanny: bool = False
    ) -> Any:
        """Return the workers' logs, the latest first.

        Parameters
        ----------
        n
            How many lines.
        workers
            Addresses or names; by default all workers.
        nanny
            Whether to return those of the nannies.
        """
        return self.sync(self._get_worker_logs, n, workers, nanny)

    async def _get_worker_logs(self, n: int | None, workers: Any, nanny: bool) -> Any:
        verb = "nanny.logs" if nanny else "worker.logs"
        found = await self._of_workers(verb, {"n": n}, workers, nanny)
        return {address: tuple(map(tuple, lines)) for address, lines in found.items()}

    def shutdown(self) -> Any:
        """Close the client, the workers and the scheduler."""
        return self.sync(self._shutdown)

    async def _shutdown(self) -> None:
        logger.info("Shutting down scheduler from Client")
        cluster = getattr(self, "cluster", None)
        if cluster is not None:
            closed = cluster.close()
            if inspect.isawaitable(closed):
                await closed
        else:
            try:
                await self._ask("scheduler.close", {})
            except OSError:  # gone before it could answer
                logger.debug("the scheduler did not say good-bye")
        await self._close()

    async def _close(self, fast: bool = False) -> None:
        raise NotImplementedError


def _call(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    return {"function": dumps(function), "args": dumps((tuple(args), dict(kwargs)))}


def _result(answer: Any, client: Any) -> Any:
    """Return what a function gave that ran elsewhere; its futures are `client`'s."""
    if not isinstance(answer, bytes):
        return answer
    with client.as_current():
        return loads(answer)
