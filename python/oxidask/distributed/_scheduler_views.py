"""What a scheduler holds, as mappings: asked of its core when looked at, never kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from oxidask.distributed.core import Status

if TYPE_CHECKING:
    from oxidask.distributed.scheduler import Scheduler

__all__ = ["TaskState", "TaskStates", "WorkerState", "WorkerStates", "shown_name"]


def shown_name(name: Any) -> Any:
    """Return a worker's name as people give it: what reads as a number is one.

    Examples
    --------
    >>> shown_name("3"), shown_name("a-3")
    (3, 'a-3')
    """
    if isinstance(name, str) and name.isascii() and name.isdecimal() and str(int(name)) == name:
        return int(name)
    return name


class WorkerState:
    """What the scheduler knows of a worker, as it was when it was asked."""

    def __init__(self, scheduler: Scheduler, address: str, info: Mapping[str, Any]) -> None:
        self._scheduler = scheduler
        self._info = dict(info)
        self.address = address
        self.name = shown_name(info.get("name") or info.get("id"))
        self.nthreads = info.get("nthreads") or 0
        self.memory_limit = info.get("memory_limit") or 0
        self.resources = dict(info.get("resources") or {})
        self.local_directory = info.get("local_directory")
        self.nanny = info.get("nanny")
        self.pid = info.get("pid")
        self.host = info.get("host")
        self.metrics = dict(info.get("metrics") or {})
        self.services = dict(info.get("services") or {})
        self.last_seen = info.get("last_seen")

    @property
    def status(self) -> Status:
        """Whether it is running, paused or about to close."""
        try:
            return Status[str(self._info.get("status", "running"))]
        except KeyError:
            return Status.running

    @property
    def processing(self) -> list[Any]:
        """Keys of the tasks that it was given to run."""
        asked = self._scheduler.core.ask("info.processing", {"workers": [self.address]})
        return list(asked.get(self.address, ()))

    @property
    def has_what(self) -> list[Any]:
        """Keys of the values that it holds."""
        asked = self._scheduler.core.ask("info.has_what", {"workers": [self.address]})
        return list(asked.get(self.address, ()))

    def identity(self) -> dict[str, Any]:
        """Return all that is known."""
        return dict(self._info)

    def __hash__(self) -> int:
        return hash(self.address)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkerState) and other.address == self.address

    def __repr__(self) -> str:
        return f"<WorkerState {self.address!r}, name: {self.name}, status: {self.status.name}>"


class WorkerStates(Mapping[str, WorkerState]):
    """The workers of a scheduler by address."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def _all(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._scheduler.identity()["workers"]
        return found

    def __getitem__(self, address: str) -> WorkerState:
        return WorkerState(self._scheduler, address, self._all()[address])

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        core = self._scheduler.core
        return 0 if core is None else int(core.n_workers)

    def values(self) -> Any:
        """Return what is known of each."""
        return [WorkerState(self._scheduler, a, info) for a, info in self._all().items()]

    def items(self) -> Any:
        """Return pairs of address and what is known of it."""
        return [(state.address, state) for state in self.values()]

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{a!r}: {s!r}' for a, s in self.items())}}}"


class TaskState:
    """What the scheduler knows of a task, as it was when it was asked."""

    def __init__(self, key: Any, info: Mapping[str, Any]) -> None:
        self.key = key
        self._info = dict(info)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_info"][name]
        except KeyError:
            raise AttributeError(f"nothing is known of a task's {name!r}") from None

    def __repr__(self) -> str:
        return f"<TaskState {self.key!r} {self._info.get('state')}>"


class TaskStates(Mapping[Any, TaskState]):
    """The tasks of a scheduler by key."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def __getitem__(self, key: Any) -> TaskState:
        if self._scheduler.core is None:
            raise KeyError(key)
        info = self._scheduler.core.ask("info.task", {"key": key})
        if info is None:
            raise KeyError(key)
        return TaskState(key, info)

    def __contains__(self, key: object) -> bool:
        try:
            self[key]
        except (KeyError, TypeError, ValueError):
            return False
        return True

    def __iter__(self) -> Iterator[Any]:
        if self._scheduler.core is None:
            return iter(())
        dump = self._scheduler.core.ask("info.dump", {})
        tasks = dump.get("tasks", ())
        return iter([task.get("key") if isinstance(task, dict) else task for task in tasks])

    def __len__(self) -> int:
        if self._scheduler.core is None:
            return 0
        return int(self._scheduler.core.ask("info.identity", {"workers": False})["n_tasks"])
