"""The profilers and their pictures."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
import threading
import time
import types
import warnings
import xml.etree.ElementTree as ElementTree
from operator import add, mul

import pytest
from oxidask.diagnostics import (
    CacheProfiler,
    Profiler,
    ResourceProfiler,
    process_usage,
    profile,
    profile_report,
    profile_visualize,
    visualize,
)
from oxidask.diagnostics.profile import CacheData, ResourceData, TaskData
from oxidask.local import get_sync
from oxidask.threaded import get as get_threaded

DSK = {"a": 1, "b": 2, "c": (add, "a", "b"), "d": (mul, "a", "b"), "e": (mul, "c", "d")}

schedulers = pytest.mark.parametrize("get", [get_sync, get_threaded])


@pytest.fixture
def without_bokeh(monkeypatch):
    monkeypatch.setattr(
        profile_visualize, "BOKEH_VERSION", lambda: profile_visualize.Version(0, 0, 0)
    )


def no_resource_thread():
    return "oxidask-resources" not in [thread.name for thread in threading.enumerate()]


@schedulers
def test_profiler_records_tasks(get):
    with Profiler() as profiler:
        assert get(DSK, "e") == 6
    assert {task.key for task in profiler.results} == {"c", "d", "e"}
    assert profiler.results[-1].key == "e"
    for task in profiler.results:
        assert profiler.start_time < task.start_time <= task.end_time < profiler.end_time
        assert task.worker_id is not None


def test_profiler_leaves_out_what_failed():
    dsk = {"x": (add, 1, 2), "y": (lambda x: x / 0, "x")}
    with Profiler() as profiler, pytest.raises(ZeroDivisionError):
        get_sync(dsk, "y")
    assert [task.key for task in profiler.results] == ["x"]


def test_entering_begins_anew_and_registering_goes_on():
    profiler = Profiler()
    for _ in range(2):
        with profiler:
            get_sync(DSK, "e")
        assert len(profiler.results) == 3
    profiler.register()
    try:
        get_sync(DSK, "e")
    finally:
        profiler.unregister()
    assert len(profiler.results) == 6
    profiler.clear()
    assert profiler.results == []


def test_a_registered_profiler_knows_its_times():
    profiler = Profiler()
    profiler.register()
    try:
        get_sync(DSK, "e")
        get_sync(DSK, "e")
    finally:
        profiler.unregister()
    assert profiler.start_time < profiler.results[0].start_time
    assert profiler.results[-1].end_time < profiler.end_time


def test_resource_profiler_as_a_context():
    with ResourceProfiler(dt=60) as profiler:
        assert profiler._is_running()
        get_sync(DSK, "e")
        assert profiler.results == []
    # One sample from the start, one from the end, and no thread.
    assert len(profiler.results) == 2
    assert not profiler._is_running()
    assert no_resource_thread()
    for sample in profiler.results:
        assert profiler.start_time <= sample.time <= profiler.end_time
        assert sample.mem > 1
        assert sample.cpu >= 0


def test_resource_profiler_samples_in_between():
    with ResourceProfiler(dt=0.001) as profiler:
        thread = profiler._sampler
        # Waits for the samples themselves, however slow the machine is.
        while len(thread._samples) < 5:
            thread.join(timeout=0.001)
    times = [sample.time for sample in profiler.results]
    assert len(times) >= 5
    assert times == sorted(set(times))


def test_time_and_processor_time_are_of_one_instant(monkeypatch):
    """Else a sample that another thread interrupts shows more processors than there are."""
    clock = iter([10.0, 15.0, 15.0, 15.00002])
    processor = iter([1.0, 3.0])
    monkeypatch.setattr(process_usage, "default_timer", lambda: next(clock))
    monkeypatch.setattr(process_usage.time, "process_time", lambda: next(processor))
    assert process_usage._time_and_own_cpu() == (15.00001, 3.0)


def test_percentages_are_of_the_time_between_samples():
    readings = iter(
        [
            process_usage.Reading(10.0, {1: (2_000_000, 5.0), 2: (1_000_000, 1.0)}),
            process_usage.Reading(12.0, {1: (2_000_000, 8.0), 3: (500_000, 1.0)}),
            process_usage.Reading(12.0, {1: (2_000_000, 8.0)}),
        ]
    )
    closed = []
    reader = types.SimpleNamespace(read=lambda: next(readings), close=lambda: closed.append(1))
    sampler = profile._Sampler(60, reader)
    sampler._sample()
    sampler.start()
    # Three seconds of process 1 and one of the new process 3, in two; nothing for no time at all.
    assert sampler.stop() == [(10.0, 3.0, 0.0), (12.0, 2.5, 200.0)]
    assert closed == [1]


def test_resource_profiler_registered():
    profiler = ResourceProfiler(dt=60)
    profiler.register()
    try:
        get_sync(DSK, "e")
        assert len(profiler.results) == 2
        get_sync(DSK, "e")
    finally:
        profiler.unregister()
    assert len(profiler.results) == 4
    assert no_resource_thread()


def test_resource_profiler_stops_when_closed_or_deleted():
    profiler = ResourceProfiler(dt=60)
    profiler._start({})
    profiler.close()
    profiler.close()
    assert no_resource_thread()
    profiler._start({})
    del profiler
    assert no_resource_thread()


def test_resource_profiler_stops_after_an_error():
    with pytest.raises(ZeroDivisionError), ResourceProfiler(dt=60):
        get_sync({"x": (lambda: 1 / 0,)}, "x")
    assert no_resource_thread()


def test_usage_counts_our_work():
    reader = process_usage.usage_reader()
    begin = time.process_time()
    _, before = reader.read().processes[os.getpid()]
    while time.process_time() - begin < 0.05:
        pass
    resident, after = reader.read().processes[os.getpid()]
    reader.close()
    assert resident > 1_000_000
    assert after - before >= 0.04


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_usage_counts_our_children():
    reader = process_usage.ProcReader(listing_seconds=0)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert child.pid in reader.read().processes
    finally:
        child.communicate(b"\n")
    assert child.pid not in reader.read().processes
    reader.close()


def test_psutil_is_the_second_choice(monkeypatch):
    pytest.importorskip("psutil")
    monkeypatch.setattr(process_usage.sys, "platform", "darwin")
    reader = process_usage.usage_reader()
    assert isinstance(reader, process_usage.PsutilReader)
    assert reader.read().processes[os.getpid()][0] > 1_000_000


def test_without_proc_and_psutil_the_remedy_is_named(monkeypatch):
    monkeypatch.setattr(process_usage.sys, "platform", "darwin")
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(RuntimeError, match="pip install psutil"), ResourceProfiler():
        pass
    assert no_resource_thread()


@schedulers
def test_cache_profiler_records_what_is_held(get):
    with CacheProfiler(metric=lambda value: 10 * value, metric_name="tens") as profiler:
        assert get(DSK, "e") == 6
    held = {result.key: result for result in profiler.results}
    assert {key: result.metric for key, result in held.items()} == {"c": 30, "d": 20, "e": 60}
    # The inputs go when the last task is done, or at the end.
    for key in "cd":
        assert held["e"].cache_time <= held[key].free_time <= held["e"].free_time
        assert held[key].cache_time <= held["e"].cache_time


def test_cache_profiler_sees_chains_go():
    dsk = {"x0": (add, 0, 1), **{f"x{i}": (add, f"x{i - 1}", 1) for i in range(1, 10)}}
    with CacheProfiler() as profiler:
        assert get_sync(dsk, "x9") == 10
    held = {result.key: result for result in profiler.results}
    assert len(held) == 10
    for i in range(7):
        # Two steps later it has gone, whether the scheduler tells before or after it frees.
        assert held[f"x{i}"].free_time <= held[f"x{i + 2}"].cache_time


def test_cache_profiler_follows_other_names():
    """A name of a task's result is no task; what it names is let go all the same."""
    profiler = CacheProfiler()
    dsk = {"x": (add, 1, 2), "y": "x", "z": (add, "y", 1), "end": (add, "z", 1)}
    state = {
        "dependencies": {"x": set(), "y": {"x"}, "z": {"y"}, "end": {"z"}},
        "released": set(),
    }
    profiler._start(dsk)
    profiler._posttask("x", 3, dsk, state, 0)
    state["released"] |= {"x", "y"}
    profiler._posttask("z", 4, dsk, state, 0)
    assert [result.key for result in profiler.results] == ["x"]


def test_cache_profiler_names_its_metric():
    assert CacheProfiler()._metric_name == "count"
    assert CacheProfiler(len)._metric_name == "len"
    assert CacheProfiler(len, "items")._metric_name == "items"


def a_profile():
    tasks, cache = Profiler(), CacheProfiler()
    resources = ResourceProfiler()
    for profiler in (tasks, resources, cache):
        profiler.start_time, profiler.end_time = 10.0, 14.0
    tasks.results = [
        TaskData("x", (add, 1, "<&>"), 10.5, 11.5, 77),
        TaskData("y", (mul, "x", 2), 11.5, 13.0, 78),
    ]
    resources.results = [ResourceData(10.0, 250.0, 0.0), ResourceData(12.0, 300.0, 150.0)]
    cache.results = [
        CacheData("x", (add, 1, 2), 8, 11.5, 13.0),
        CacheData("y", (mul, "x", 2), 16, 13.0, 14.0),
    ]
    return [tasks, resources, cache]


def svgs(report):
    body = report.html.split("<body>")[1].split("</body>")[0]
    assert "<script" not in report.html
    assert "http" not in report.html.replace("http://www.w3.org/2000/svg", "")
    root = ElementTree.fromstring(f"<body>{body.replace('&#9632;', '')}</body>")
    return root.findall("{http://www.w3.org/2000/svg}svg")


def marks(svg, name):
    found = svg.findall(f"{{http://www.w3.org/2000/svg}}{name}")
    return [mark for mark in found if len(mark)]


def title(mark):
    return mark[0].text


def test_report_of_tasks(without_bokeh):
    report = a_profile()[0].visualize(show=False, save=False, width=520, title="Mine")
    assert "Mine" in report.html
    (svg,) = svgs(report)
    bars = marks(svg, "rect")
    assert [title(bar).splitlines()[0] for bar in bars] == ["x", "y"]
    assert "add(1, '<&>')" in title(bars[0])
    assert "1000.000 ms" in title(bars[0])
    # 400 of the 520 pixels show four seconds.
    assert [float(bar.get("width")) for bar in bars] == [100.0, 150.0]
    assert float(bars[1].get("x")) - float(bars[0].get("x")) == 100.0
    assert bars[0].get("y") != bars[1].get("y")
    assert bars[0].get("fill") != bars[1].get("fill")


def test_report_of_many_tasks_stays_small(without_bokeh):
    profiler = Profiler()
    profiler.start_time, profiler.end_time = 0.0, 1.0
    n = 50_000
    profiler.results = [TaskData(i, (add, i, 1), i / n, (i + 1) / n, 0) for i in range(n)]
    (svg,) = svgs(profiler.visualize(show=False, save=False))
    bars = marks(svg, "rect")
    assert len(bars) < 3000
    assert sum(int(title(bar).split(" tasks")[0]) for bar in bars) == n


def test_report_of_resources(without_bokeh):
    report = a_profile()[1].visualize(show=False, save=False)
    (svg,) = svgs(report)
    assert [title(line) for line in marks(svg, "polyline")] == ["% CPU", "Memory (MB)"]
    assert title(marks(svg, "circle")[-1]) == "2.000 s\n150.0 % CPU\n300.0 MB"


def test_report_of_the_cache(without_bokeh):
    report = a_profile()[2].visualize(show=False, save=False)
    (svg,) = svgs(report)
    lines = {title(line).splitlines()[0]: line for line in marks(svg, "polyline")}
    assert set(lines) == {"add", "mul"}
    # Steps have a corner before and after each change: 0, 11.5, 13 and 14 make seven.
    assert len(lines["add"].get("points").split()) == 7
    assert "at most 16 count" in report.html


def test_report_of_much_held_stays_small(without_bokeh):
    profiler = CacheProfiler()
    profiler.start_time, profiler.end_time = 0.0, 1.0
    n = 50_000
    profiler.results = [CacheData(i, (add, i, 1), 1, i / n, 1.0) for i in range(n)]
    (svg,) = svgs(profiler.visualize(show=False, save=False))
    (line,) = marks(svg, "polyline")
    points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
    assert len(points) < 15_000
    # From the bottom to the top, which thinning must not cut off, and at the end back again.
    assert (points[0][1], min(y for _, y in points), points[-1][1]) == (260.0, 10.0, 260.0)
    assert "at most 50000 count" in title(line)


def test_report_of_several(without_bokeh):
    report = visualize(a_profile(), show=False, save=False, label_size=20, title="All")
    assert len(svgs(report)) == 3
    assert report.html.count("<h3>") == 1


def test_reports_of_nothing(without_bokeh):
    for profiler in (Profiler(), ResourceProfiler(), CacheProfiler()):
        assert len(svgs(profiler.visualize(show=False, save=False))) == 1


def test_report_is_saved_and_shown(without_bokeh, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(profile_report.webbrowser, "open", opened.append)
    path = tmp_path / "profile.html"
    profilers = a_profile()
    visualize(profilers, filename=str(path))
    assert opened == [path.as_uri()]
    assert path.read_text().lower().startswith("<!doctype html>")
    with pytest.warns(FutureWarning, match="file_path"):
        visualize(profilers, show=False, file_path=tmp_path / "other.html")
    assert (tmp_path / "other.html").exists()


def test_report_refuses_what_it_does_not_know(without_bokeh):
    with pytest.raises(AttributeError, match="foo_bar"):
        Profiler().visualize(show=False, save=False, foo_bar=1)


def test_only_profilers_are_drawn():
    with pytest.raises(ValueError, match="empty"):
        visualize([], show=False, save=False)
    with pytest.raises(AttributeError, match=r"3.*not a profiler"):
        visualize(3, show=False, save=False)


def test_bokeh_figures(tmp_path):
    pytest.importorskip("bokeh", minversion="3")
    profilers = a_profile()
    for profiler in profilers:
        figure = profiler.visualize(show=False, save=False, width=500, height=200, title="Mine")
        assert (figure.width, figure.height, figure.title.text) == (500, 200, "Mine")
        assert (figure.x_range.start, figure.x_range.end) == (0, 4)
    grid = visualize(profilers, filename=str(tmp_path / "all.html"), show=False)
    figures = [child[0] for child in grid.children]
    assert [figure.xaxis[0].axis_label for figure in figures] == [None, None, "Time (s)"]
    assert len({id(figure.x_range) for figure in figures}) == 1
    assert "html" in (tmp_path / "all.html").read_text()


def test_bokeh_does_not_warn_of_empty_figures():
    pytest.importorskip("bokeh", minversion="3")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for profiler in (Profiler(), ResourceProfiler(), CacheProfiler()):
            profiler.visualize(show=False, save=False)


def test_profilers_need_no_bokeh(monkeypatch, without_bokeh):
    real_import = builtins.__import__

    def no_bokeh(name, *args, **kwargs):
        assert name.split(".")[0] != "bokeh"
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_bokeh)
    visualize(a_profile(), show=False, save=False)
