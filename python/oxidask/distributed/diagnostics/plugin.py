"""Plugins: code of the user's that runs where workers, nannies and the scheduler do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from oxidask.distributed.diagnostics._installing import CondaInstall, InstallPlugin, PipInstall
from oxidask.distributed.diagnostics._plugin_bases import (
    NannyPlugin,
    SchedulerPlugin,
    WorkerPlugin,
    name_of,
)
from oxidask.distributed.diagnostics._uploading import (
    SchedulerUploadFile,
    UploadDirectory,
    UploadFile,
)

if TYPE_CHECKING:
    from oxidask.distributed.nanny import Nanny
    from oxidask.distributed.worker import Worker

__all__ = [
    "CondaInstall",
    "Environ",
    "ForwardLoggingPlugin",
    "ForwardOutput",
    "InstallPlugin",
    "NannyPlugin",
    "PipInstall",
    "SchedulerPlugin",
    "SchedulerUploadFile",
    "UploadDirectory",
    "UploadFile",
    "WorkerPlugin",
    "forward_stream",
    "name_of",
]


class Environ(NannyPlugin):
    """Environment variables for workers.

    Parameters
    ----------
    environ
        Their names and values.
    """

    restart = True

    def __init__(self, environ: dict[str, Any] | None = None) -> None:
        environ = environ or {}
        self.environ = {name: str(value) for name, value in environ.items()}

    async def setup(self, nanny: Nanny) -> None:
        """Give the variables to the workers that the nanny starts."""
        nanny.env.update(self.environ)


class ForwardLoggingPlugin(WorkerPlugin):
    """Sends what a worker logs to the clients that listen.

    Parameters
    ----------
    logger_name
        The logger; the root by default.
    level
        From which level on.
    topic
        The topic that clients listen to.
    """

    def __init__(self, logger_name: str | None, level: int | str, topic: str) -> None:
        self.logger_name = logger_name
        self.level = level
        self.topic = topic
        self.handler: Any = None

    def setup(self, worker: Worker) -> None:
        """Listen to the logger."""
        import logging

        from oxidask.distributed.diagnostics._forwarding import ForwardingHandler

        self.handler = ForwardingHandler(worker, self.topic, level=self.level)
        logger = logging.getLogger(self.logger_name)
        logger.addHandler(self.handler)

    def teardown(self, worker: Worker) -> None:
        """Stop to listen."""
        import logging

        if self.handler is not None:
            logging.getLogger(self.logger_name).removeHandler(self.handler)
            self.handler = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "handler": None}


class ForwardOutput(WorkerPlugin):
    """Prints in clients what tasks print on their workers."""

    name: ClassVar[str] = "forward-output"
    idempotent = True

    def setup(self, worker: Worker) -> None:
        """Take over the worker's standard output and error."""
        self._undo = [forward_stream("stdout", worker), forward_stream("stderr", worker)]

    def teardown(self, worker: Worker) -> None:
        """Give the streams back."""
        for undo in self._undo:
            undo()


def forward_stream(stream: str, worker: Worker) -> Any:
    """Send what is written to ``"stdout"`` or ``"stderr"`` to clients too; return the undoing."""
    from oxidask.distributed.diagnostics._forwarding import forward_stream as forward

    return forward(stream, worker)
