"""Windows over the rows of each group."""

from __future__ import annotations

from typing import Any

__all__ = ["RollingGroups"]


class RollingGroups:
    """Windows over the rows of each group, which come together by a shuffle."""

    def __init__(self, grouped: Any, settings: dict[str, Any]) -> None:
        self._grouped, self._settings = grouped, settings
        self._kind = type(self._grouped._meta_nonempty().rolling(**settings))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if not callable(getattr(self._kind, name, None)):
            raise AttributeError(f"windows have no {name!r}")

        def method(*args: Any, **kwargs: Any) -> Any:
            grouped = self._grouped
            meta = _rolled(grouped._meta_nonempty(), self._settings, name, args, kwargs).iloc[:0]
            return grouped._rowwise(_rolled, meta, self._settings, name, args, kwargs)

        return method


def _rolled(groups: Any, settings: dict[str, Any], name: str, args: Any, kwargs: Any) -> Any:
    return getattr(groups.rolling(**settings), name)(*args, **kwargs)
