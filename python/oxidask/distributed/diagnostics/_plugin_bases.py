"""What plugins of schedulers, workers and nannies derive from."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oxidask.distributed.nanny import Nanny
    from oxidask.distributed.scheduler import Scheduler
    from oxidask.distributed.worker import Worker

__all__ = ["NannyPlugin", "SchedulerPlugin", "WorkerPlugin", "name_of"]


def name_of(plugin: Any) -> str:
    """Return the name of a plugin; one without gets a new one.

    Examples
    --------
    >>> name_of(WorkerPlugin()).startswith("WorkerPlugin-")
    True
    """
    name = getattr(plugin, "name", None)
    return str(name) if name else f"{type(plugin).__name__}-{uuid.uuid4()}"


class SchedulerPlugin:
    """Told of what happens in a scheduler; override what you need.

    Differs from Dask: plugins are told a moment after a thing has happened, and nothing of new
    graphs, of clients that come and go, and of events that were not logged by
    `Scheduler.log_event`. Adding one that has methods for those warns.

    Examples
    --------
    >>> class Counter(SchedulerPlugin):
    ...     name = "counter"
    ...     n_workers = 0
    ...     def add_worker(self, scheduler, worker):
    ...         self.n_workers += 1
    """

    idempotent: bool = False

    async def start(self, scheduler: Scheduler) -> None:
        """The plugin is added."""

    async def before_close(self) -> None:
        """The scheduler is about to close."""

    async def close(self) -> None:
        """The scheduler closes, or the plugin is removed."""

    def update_graph(self, scheduler: Scheduler, **kwargs: Any) -> None:
        """New tasks came. Never called: `transition` tells of each task."""

    def restart(self, scheduler: Scheduler) -> None:
        """All tasks were forgotten and the workers started anew."""

    def transition(
        self, key: Any, start: str, finish: str, *args: Any, stimulus_id: str = "", **kwargs: Any
    ) -> None:
        """A task went from one state to another.

        From ``"released"`` by ``"waiting"``, perhaps ``"queued"`` or ``"no-worker"``, and
        ``"processing"`` to ``"memory"`` or ``"erred"``, and then to ``"released"`` and
        ``"forgotten"``. The keyword ``worker`` says which worker it is about, where there is one.
        """

    def add_worker(self, scheduler: Scheduler, worker: str) -> Any:
        """A worker joined."""

    def remove_worker(
        self, scheduler: Scheduler, worker: str, *, stimulus_id: str = "", **kwargs: Any
    ) -> Any:
        """A worker left."""

    def add_client(self, scheduler: Scheduler, client: str) -> None:
        """A client connected. Never called."""

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        """A client left. Never called."""

    def log_event(self, topic: str, msg: Any) -> None:
        """`Scheduler.log_event` told something on a topic."""

    def valid_workers_downscaling(self, scheduler: Scheduler, workers: list[Any]) -> list[Any]:
        """Return which of these workers may be closed."""
        return workers


class WorkerPlugin:
    """Set up on each worker, those to come too; override what you need.

    Examples
    --------
    >>> class Greeting(WorkerPlugin):
    ...     def setup(self, worker):
    ...         print("hello from", worker.name)
    """

    idempotent: bool = False

    def setup(self, worker: Worker) -> Any:
        """The plugin is added, or the worker starts."""

    def teardown(self, worker: Worker) -> Any:
        """The plugin is removed, or the worker closes."""

    def transition(self, key: Any, start: str, finish: str, **kwargs: Any) -> None:
        """A task on this worker went from one state to another.

        From ``"released"`` by ``"waiting"``, ``"ready"`` and ``"executing"`` to ``"memory"`` or
        ``"error"``, and then to ``"released"`` and ``"forgotten"``.

        Differs from Dask: the scheduler tells the worker of it, a moment after it has happened.
        That costs messages for each task of the cluster, so it is done only while a plugin of the
        worker has this method.
        """


class NannyPlugin:
    """Set up in each nanny, before its worker starts; override what you need.

    Attributes
    ----------
    restart
        Whether the worker is started anew once the plugin is added.
    """

    idempotent: bool = False
    restart: bool = False

    def setup(self, nanny: Nanny) -> Any:
        """The plugin is added, or the nanny starts."""

    def teardown(self, nanny: Nanny) -> Any:
        """The plugin is removed, or the nanny closes."""
