"""Tasks of the cluster, run again in the caller's own thread: for debuggers."""

from __future__ import annotations

from typing import Any

from oxidask._native import TaskHere
from oxidask.distributed._client_base import ClientBase
from oxidask.distributed._future import Future
from oxidask.distributed._settling import results_of, settled
from oxidask.distributed._waiting import futures_of

__all__ = ["RecreateMixin"]


class RecreateMixin(ClientBase):
    """``recreate_task_locally`` and ``recreate_error_locally``."""

    def recreate_task_locally(self, future: Any) -> Any:
        """Run a task here, on the inputs that it has on the cluster, so that a debugger sees it.

        Parameters
        ----------
        future
            A future, or a collection or container with one.

        Returns
        -------
        object
            What the task gives here; a coroutine of it if the client is asynchronous.

        Raises
        ------
        ValueError
            There is not one future in `future`, or its value was scattered.

        Examples
        --------
        >>> future = client.submit(pow, 2, 5)  # doctest: +SKIP
        >>> client.recreate_task_locally(future)  # doctest: +SKIP
        32
        """
        return self._run_here(_the_only_one, future)

    def recreate_error_locally(self, future: Any) -> Any:
        """Run a task that failed again here, so that a debugger sees why.

        That is the task that failed first, if the one of the future failed for its sake.

        Parameters
        ----------
        future
            A future that has failed, or a collection or container with one. Of several the first
            one that has failed is meant.

        Returns
        -------
        object
            What the task gives, should it not fail here; a coroutine of it if the client is
            asynchronous.

        Raises
        ------
        ValueError
            None of the futures has failed.

        Examples
        --------
        >>> future = client.submit(divmod, 1, 0)  # doctest: +SKIP
        >>> client.recreate_error_locally(future)  # doctest: +SKIP
        Traceback (most recent call last):
            ...
        ZeroDivisionError: integer division or modulo by zero
        """
        return self._run_here(_first_that_failed, future)

    def _run_here(self, choose: Any, obj: Any) -> Any:
        if self.asynchronous:
            return self._awaited_here(choose, obj)
        task, inputs = self.sync(self._task_and_inputs, choose, obj)
        return task.run(inputs)

    async def _awaited_here(self, choose: Any, obj: Any) -> Any:
        task, inputs = await self._task_and_inputs(choose, obj)
        return task.run(inputs)

    async def _task_and_inputs(self, choose: Any, obj: Any) -> tuple[Any, list[Any]]:
        futures = futures_of(obj, client=self)
        core = self._open_core()
        await settled(core, futures)
        key = choose(futures).key
        known = await self._ask("info.task", {"key": key})
        if known is not None and known["failed_first"] is not None:
            key = known["failed_first"]
        task = core.task_here(key)
        if task is None:
            task = TaskHere.read(await self._ask("tasks.spec", {"key": key}))
        # What was let go of is computed again.
        inputs = [Future(input_key, self) for input_key in task.inputs]
        return task, await results_of(core, inputs)


def _the_only_one(futures: list[Future]) -> Future:
    if len(futures) != 1:
        raise ValueError(
            f"one task is run here at a time, got {len(futures)} futures: pick one of them, or "
            "compute the collection to one future first"
        )
    return futures[0]


def _first_that_failed(futures: list[Future]) -> Future:
    for future in futures:
        if future.status == "error":
            return future
    raise ValueError("No errored futures passed")
