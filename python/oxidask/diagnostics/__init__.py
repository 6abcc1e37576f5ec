"""See what a computation on this machine does: progress, tasks, resources, what it holds.

`ProgressBar` shows how far it is; `Profiler`, `ResourceProfiler` and `CacheProfiler` record it, and
`visualize` draws what they recorded.
"""

from oxidask.callbacks import Callback
from oxidask.diagnostics.profile import CacheProfiler, Profiler, ResourceProfiler
from oxidask.diagnostics.profile_visualize import visualize
from oxidask.diagnostics.progress import ProgressBar

__all__ = [
    "CacheProfiler",
    "Callback",
    "Profiler",
    "ProgressBar",
    "ResourceProfiler",
    "visualize",
]
