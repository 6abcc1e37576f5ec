"""What a notebook shows of a client."""

from __future__ import annotations

from html import escape
from typing import Any

from oxidask.utils import format_bytes

__all__ = ["client_html"]

_MAX_WORKERS = 5


def client_html(client: Any) -> str:
    """Return a client as HTML: its scheduler, and up to five of its workers."""
    head = f"<h3>{escape(type(client).__name__)}</h3><p>{escape(client.id or client.name)}</p>"
    info = client._shown_identity()
    if info is None:
        return f"<div>{head}<p>No scheduler connected.</p></div>"
    link = escape(client.dashboard_link)
    rows = [
        ("Scheduler", escape(info["address"])),
        ("Dashboard", f'<a href="{link}">{link}</a>' if link else "none"),
        ("Workers", info["n_workers"]),
        ("Total threads", info["total_threads"]),
        ("Total memory", _memory(info["total_memory"])),
    ]
    cells = "".join(f"<tr><td><strong>{name}: </strong>{text}</td></tr>" for name, text in rows)
    return f"<div>{head}<table>{cells}</table>{_workers_html(info['workers'])}</div>"


def _memory(nbytes: Any) -> str:
    return format_bytes(nbytes) if nbytes else "no limit"


def _workers_html(workers: dict[str, Any]) -> str:
    rows = []
    for address, worker in list(workers.items())[:_MAX_WORKERS]:
        memory = _memory(worker.get("memory_limit"))
        cells = (worker.get("name", ""), address, worker.get("nthreads", ""), memory)
        rows.append("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>")
    if len(workers) > _MAX_WORKERS:
        rows.append(f'<tr><td colspan="4">and {len(workers) - _MAX_WORKERS} more</td></tr>')
    names = "<tr><th>Name</th><th>Worker</th><th>Threads</th><th>Memory</th></tr>"
    return f"<details><summary>Workers</summary><table>{names}{''.join(rows)}</table></details>"
