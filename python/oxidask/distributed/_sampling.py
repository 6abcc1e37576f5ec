"""What worker threads were seen doing: looked at every few milliseconds, kept by the second.

One thread of the process looks at the threads of all its workers, as long as there are any.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import Any

from oxidask import config
from oxidask.distributed import profile
from oxidask.distributed._node import seconds_of

__all__ = ["Sampled", "watch"]

#: Frames of this file and outside of it are the worker's own.
_STOP = "worker.py"
_KEPT = 1000


class Sampled:
    """The profile of one worker's threads.

    Parameters
    ----------
    idents
        The threads.
    """

    def __init__(self, idents: list[int]) -> None:
        self._idents = idents
        self._lock = threading.Lock()
        self._recent = profile.create()
        self._kept: deque[tuple[float, dict[str, Any]]] = deque(maxlen=_KEPT)

    def look(self, frames: dict[int, Any]) -> None:
        """Count what the threads do now; those that wait for work don't count."""
        for ident in self._idents:
            frame = frames.get(ident)
            if frame is None or frame.f_code.co_filename.endswith(_STOP):
                continue
            with self._lock:
                profile.process(frame, None, self._recent, stop=_STOP)

    def keep(self) -> None:
        """Put what was seen since the last time aside."""
        with self._lock:
            if self._recent["count"]:
                self._kept.append((time.time(), self._recent))
                self._recent = profile.create()

    def between(self, start: float | None, stop: float | None) -> dict[str, Any]:
        """Return the profile of a span of time; of all by default."""
        with self._lock:
            kept = [
                tree
                for at, tree in self._kept
                if (start is None or at >= start) and (stop is None or at <= stop)
            ]
            if stop is None:
                kept.append(self._recent)
            return profile.merge(*kept)


class _Sampler:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.watched: list[Sampled] = []
        self.wake = threading.Event()
        self.thread: threading.Thread | None = None

    def work(self) -> None:
        interval = seconds_of(config.get("distributed.worker.profile.interval", "10ms")) or 0.01
        cycle = seconds_of(config.get("distributed.worker.profile.cycle", "1000ms")) or 1.0
        kept = time.monotonic()
        while not self.wake.wait(interval):
            with self.lock:
                watched = list(self.watched)
            frames = sys._current_frames()
            for sampled in watched:
                sampled.look(frames)
            del frames  # they hold on to what tasks work with
            if time.monotonic() - kept > cycle:
                kept = time.monotonic()
                for sampled in watched:
                    sampled.keep()


_sampler = _Sampler()


def watch(idents: list[int]) -> Sampled | None:
    """Look at some threads from now on; None if profiles are turned off."""
    if not config.get("distributed.worker.profile.enabled", True):
        return None
    sampled = Sampled(idents)
    with _sampler.lock:
        _sampler.watched.append(sampled)
        if _sampler.thread is None:
            _sampler.wake.clear()
            _sampler.thread = threading.Thread(
                target=_sampler.work, name="oxidask-profile", daemon=True
            )
            _sampler.thread.start()
    return sampled


def forget(sampled: Sampled | None) -> None:
    """Look no more; the thread that looks ends with the last."""
    if sampled is None:
        return
    with _sampler.lock:
        if sampled in _sampler.watched:
            _sampler.watched.remove(sampled)
        thread = None if _sampler.watched else _sampler.thread
        if thread is not None:
            _sampler.thread = None
            _sampler.wake.set()
    if thread is not None:
        thread.join(1)
