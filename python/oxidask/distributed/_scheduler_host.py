"""What a scheduler's process answers beyond its core: functions, plugins, logs, versions."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oxidask import _pickle
from oxidask.distributed._just_joined import PAUSE_S, TRIES, not_yet

if TYPE_CHECKING:
    from oxidask.distributed.scheduler import Scheduler

__all__ = ["SchedulerHost"]

_KINDS = ("worker", "nanny", "scheduler")


class SchedulerHost:
    """Answers questions by name, each on a thread of its own."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        #: Plugins for workers and nannies, pickled, by name: for those that come later.
        self.plugins: dict[str, dict[str, bytes]] = {"worker": {}, "nanny": {}}
        self._lock = threading.Lock()
        self._verbs: dict[str, Callable[[dict[str, Any]], Any]] = {
            "scheduler.run": self._run,
            "scheduler.plugin.add": self.add_plugin,
            "scheduler.plugin.remove": self.remove_plugin,
            "scheduler.greet": self.greet,
            "scheduler.logs": lambda body: scheduler.get_logs(n=body.get("n")),
            "scheduler.versions": self._versions,
            "scheduler.close": self._close,
            "scheduler.profile": _no_profile,
        }

    def ask(self, verb: str, body: Any) -> Any:
        """Answer a question."""
        answer = self._verbs.get(verb)
        if answer is None:
            raise NotImplementedError(f"a scheduler does not know how to answer {verb!r}")
        return answer(body or {})

    def greet(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return what a worker or nanny that starts needs to know."""
        with self._lock:
            return {
                "plugins": [list(pair) for pair in self.plugins["worker"].items()],
                "nanny_plugins": [list(pair) for pair in self.plugins["nanny"].items()],
                "id": self.scheduler.id,
            }

    def add_plugin(self, body: dict[str, Any]) -> dict[str, Any]:
        """Keep a plugin and send it to those whom it is for."""
        kind, name = _kind(body), str(body["name"])
        if kind == "scheduler":
            return self._add_here(name, body)
        with self._lock:
            if body.get("idempotent") and name in self.plugins[kind]:
                return {}
            self.plugins[kind][name] = body["plugin"]
        return self._to_all(kind, "add", {"plugin": body["plugin"], "name": name})

    def remove_plugin(self, body: dict[str, Any]) -> dict[str, Any]:
        """Forget a plugin and have it torn down everywhere."""
        kind, name = _kind(body), str(body["name"])
        if kind == "scheduler":
            self._on_loop(self.scheduler.unregister_scheduler_plugin(name))
            return {str(self.scheduler.address): {"status": "OK"}}
        with self._lock:
            if name not in self.plugins[kind]:
                raise ValueError(f"The {kind} plugin {name} does not exist")
            del self.plugins[kind][name]
        return self._to_all(kind, "remove", {"name": name})

    def _add_here(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        pickled, idempotent = body["plugin"], bool(body.get("idempotent"))
        self._on_loop(
            self.scheduler.register_scheduler_plugin(pickled, name=name, idempotent=idempotent)
        )
        return {str(self.scheduler.address): {"status": "OK"}}

    def _to_all(self, kind: str, what: str, body: dict[str, Any]) -> dict[str, Any]:
        asked = {"verb": f"{kind}.plugin.{what}", "body": body, "nanny": kind == "nanny"}
        if kind == "nanny":
            asked["workers"] = [
                address
                for address, info in self.scheduler.identity()["workers"].items()
                if info.get("nanny")
            ]
            if not asked["workers"]:
                return {}
        answers = self.scheduler.core.ask("workers.ask", asked)
        for _ in range(TRIES):
            again = not_yet(answers)
            if not again:
                break
            time.sleep(PAUSE_S)
            answers.update(self.scheduler.core.ask("workers.ask", {**asked, "workers": again}))
        found = {}
        for address, answer in answers.items():
            if "error" in answer:
                raise _error_of(answer["error"])
            found[address] = answer.get("ok")
        return found

    def _run(self, body: dict[str, Any]) -> Any:
        return self.scheduler._run(body, "dask_scheduler")

    def _versions(self, body: dict[str, Any]) -> Any:
        from oxidask.distributed.versions import get_versions

        return get_versions(packages=body.get("packages"))

    def _close(self, body: dict[str, Any]) -> bool:
        reason = str(body.get("reason") or "a client asked for it")
        self.scheduler._spawn(self.scheduler.close(reason=reason))
        return True

    def _on_loop(self, result: Any) -> Any:
        if inspect.isawaitable(result):
            return self.scheduler._on_loop(result)
        return result


def _no_profile(body: dict[str, Any]) -> dict[str, Any]:
    """Return an empty profile: there is no Python in a scheduler's way."""
    from oxidask.distributed import profile

    return profile.create()


def _kind(body: dict[str, Any]) -> str:
    kind = str(body.get("kind", "worker"))
    if kind not in _KINDS:
        raise ValueError(f"kind={kind!r}: plugins are for one of {_KINDS}")
    return kind


def _error_of(error: Any) -> BaseException:
    """Return the exception that a worker's answer stands for."""
    if isinstance(error, BaseException):
        return error
    if isinstance(error, dict):
        if error.get("bytes"):
            found = _pickle.loads(bytes(error["bytes"]))
            exception = found[0] if isinstance(found, tuple) else found
            if isinstance(exception, BaseException):
                return exception
        import builtins

        kind = getattr(builtins, str(error.get("class")), RuntimeError)
        if kind is TimeoutError or error.get("class") == "TimeoutError":
            kind = asyncio.TimeoutError
        if isinstance(kind, type) and issubclass(kind, BaseException):
            return kind(error.get("text"))
    return RuntimeError(str(error))
