"""The progress bar, in a terminal, a log and a notebook."""

from __future__ import annotations

import io
import sys
import threading
import types
from operator import add

import pytest
from oxidask.diagnostics import ProgressBar
from oxidask.local import get_sync
from oxidask.threaded import get as get_threaded

DSK = {"x": (add, 1, 2), "y": (add, "x", 1)}

schedulers = pytest.mark.parametrize("get", [get_sync, get_threaded])


class Terminal(io.StringIO):
    def isatty(self):
        return True


def bar_of(width, n_finished, n_waiting, out):
    """A bar that watches a computation frozen at some point."""
    bar = ProgressBar(width=width, dt=60, out=out)
    state = {
        "finished": range(n_finished),
        "waiting": range(n_waiting),
        "ready": [],
        "running": [],
    }
    bar._start({})
    bar._start_state({}, state)
    return bar, state


@schedulers
def test_a_log_gets_one_line(get):
    out = io.StringIO()
    with ProgressBar(width=10, out=out) as bar:
        assert get(DSK, "y") == 4
    assert out.getvalue().startswith("\r[##########] | 100% Completed | ")
    assert out.getvalue().endswith("\n")
    assert out.getvalue().count("\r") == 1
    assert bar.last_duration > 0


def test_output_is_the_one_at_the_time_of_the_computation(monkeypatch):
    bar = ProgressBar()
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    with bar:
        get_sync(DSK, "y")
    assert out.getvalue().count("100% Completed") == 1


def test_nothing_shows_below_the_minimum():
    out = io.StringIO()
    with ProgressBar(minimum=1000, out=out) as bar:
        get_sync(DSK, "y")
    assert out.getvalue() == ""
    assert bar.last_duration > 0


@schedulers
def test_no_thread_is_left(get):
    before = threading.active_count()
    for dsk, error in [(DSK, None), ({"y": (lambda: 1 / 0,)}, ZeroDivisionError)]:
        with ProgressBar(out=io.StringIO()) as bar:
            if error is None:
                get(dsk, "y")
            else:
                with pytest.raises(error):
                    get(dsk, "y")
        assert not bar._running
        assert not bar._timer.is_alive()
        assert bar._state is None
    names = [thread.name for thread in threading.enumerate()]
    assert "oxidask-progress" not in names, (before, names)


def test_an_error_leaves_the_bar_where_it_was():
    out = io.StringIO()
    bar, state = bar_of(10, 3, 7, out)
    bar._finish({}, state, True)
    line = out.getvalue().split("\r")[-1]
    assert line.startswith("[###       ] | 30% Completed")
    assert line.endswith("\n")


def test_the_end_is_only_announced_by_the_end():
    out = Terminal()
    bar, state = bar_of(10, 10, 0, out)
    bar._update_bar(1.0)
    assert "100%" not in out.getvalue()
    bar._finish({}, state, False)
    assert out.getvalue().count("100% Completed") == 1


def test_a_log_is_not_flooded_and_a_terminal_is_kept_current():
    for out, at_most in [(io.StringIO(), 11), (Terminal(), 1000)]:
        bar, state = bar_of(10, 0, 1000, out)
        for done in range(1000):
            state["finished"], state["waiting"] = range(done), range(1000 - done)
            bar._update_bar(1.0)
        bar._finish({}, state, False)
        n_lines = out.getvalue().count("\r")
        assert at_most / 2 < n_lines <= at_most + 2
        assert out.getvalue().endswith("\n")


def test_a_shorter_line_covers_the_longer_one():
    out = Terminal()
    bar, state = bar_of(10, 5, 5, out)
    bar._update_bar(3599.9)
    bar._update_bar(3600.0)
    bar._update_bar(1.0)
    bar._finish({}, state, True)
    lengths = [len(line.rstrip("\n")) for line in out.getvalue().split("\r")[1:]]
    assert lengths == sorted(lengths) or min(lengths[1:]) >= len("[          ] | 50% Completed")


def test_closed_output_does_not_disturb_the_computation():
    out = Terminal()
    bar = ProgressBar(minimum=0, dt=60, out=out)
    out.close()
    bar._start({})
    bar._stop_timer()
    assert not bar._timer.is_alive()


def test_a_second_computation_takes_the_bar_over():
    out = io.StringIO()
    bar, state = bar_of(10, 0, 1, out)
    first = bar._timer
    bar._start({})
    assert not first.is_alive()
    bar._finish({}, state, False)


def test_a_bar_without_period_is_refused():
    with pytest.raises(ValueError, match=r"dt must be .* got 0"):
        ProgressBar(dt=0)


class Display:
    """Stands in for IPython's display: keeps what was shown, in one place."""

    def __init__(self):
        self.created = []
        self.updated = []

    def display(self, view, display_id):
        assert display_id is True
        self.created.append(view)
        return types.SimpleNamespace(update=self.updated.append)


@pytest.fixture
def notebook(monkeypatch):
    shown = Display()
    shell = types.SimpleNamespace(kernel=object())
    module = types.ModuleType("IPython")
    module.get_ipython = lambda: shell
    module.display = types.SimpleNamespace(display=shown.display)
    monkeypatch.setitem(sys.modules, "IPython", module)
    return shown


def test_a_notebook_has_one_display_that_is_updated(notebook, capsys):
    with ProgressBar():
        assert get_sync(DSK, "y") == 4
    assert len(notebook.created) == 1
    last = (notebook.created + notebook.updated)[-1]
    assert "100% Completed" in repr(last)
    assert 'value="1.0000"' in last._repr_html_()
    assert capsys.readouterr().out == ""


def test_a_terminal_ipython_is_no_notebook(notebook, capsys):
    sys.modules["IPython"].get_ipython().kernel = None
    with ProgressBar():
        get_sync(DSK, "y")
    assert notebook.created == []
    assert capsys.readouterr().out.count("100% Completed") == 1
