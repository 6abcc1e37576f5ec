"""The `oxidask` command."""

import json
import subprocess
import sys

import oxidask
import pytest
from oxidask import cli
from oxidask.demo import DemoError


def status_of(*argv):
    """The exit status, whether it is returned or raised by argparse."""
    try:
        return cli.main(argv)
    except SystemExit as stop:
        return stop.code


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A folder of settings that is the only one."""
    monkeypatch.setattr(oxidask.config, "PATH", str(tmp_path))
    # In place: that is the list that the module searches.
    monkeypatch.setattr(oxidask.config, "_places", [str(tmp_path)])
    return tmp_path


def test_version(capsys):
    assert status_of("--version") == 0
    assert capsys.readouterr().out == f"oxidask, version {oxidask.__version__}\n"


@pytest.mark.parametrize("argv", [[], ["config"], ["info"], ["nonsense"], ["config", "get"]])
def test_what_is_no_command_shows_the_usage(argv, capsys):
    assert status_of(*argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "usage: oxidask" in captured.err


def test_config_get(capsys):
    with oxidask.config.set({"one": {"two": 3, "four": [5]}}):
        assert status_of("config", "get", "one.two") == 0
        assert status_of("config", "get", "one") == 0
    number, tree = capsys.readouterr().out.split("\n", 1)
    assert number == "3"
    assert oxidask._native.yaml_load(tree) == {"two": 3, "four": [5]}


def test_config_get_of_no_setting(capsys):
    assert status_of("config", "get", "no.such.setting") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "oxidask: there is no setting 'no.such.setting'\n"


def test_config_list_is_the_whole_tree(capsys):
    assert status_of("config", "list") == 0
    assert oxidask._native.yaml_load(capsys.readouterr().out) == oxidask.config.config


def test_config_set_then_find(settings, capsys):
    assert status_of("config", "find", "array.chunk-size") == 1
    assert status_of("config", "set", "array.chunk-size", "1MiB") == 0
    assert status_of("config", "set", "array.rechunk.threshold", "7") == 0
    capsys.readouterr()
    assert status_of("config", "find", "array.chunk-size") == 0
    file = settings / "oxidask.yaml"
    assert capsys.readouterr().out == f"{file}  [array.chunk-size=1MiB]\n"
    [tree] = oxidask.config.collect_yaml([file])
    assert tree == {"array": {"chunk-size": "1MiB", "rechunk": {"threshold": 7}}}


def test_config_set_changes_the_file_that_has_the_key(settings):
    (settings / "mine.yaml").write_text("array: {chunk-size: 2MiB, svg: {size: 9}}")
    assert status_of("config", "set", "array.chunk-size", "3MiB") == 0
    [tree] = oxidask.config.collect_yaml([settings])
    assert tree == {"array": {"chunk-size": "3MiB", "svg": {"size": 9}}}
    assert [path.name for path in settings.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize("name", ["some.yaml", "some.json"])
def test_config_set_into_a_file(tmp_path, name):
    path = tmp_path / "new" / name
    assert status_of("config", "set", "a.b", "[1, null]", "--file", str(path)) == 0
    [tree] = oxidask.config.collect_yaml([path])
    assert tree == {"a": {"b": [1, None]}}
    if name.endswith("json"):
        assert json.loads(path.read_text()) == tree


@pytest.mark.parametrize("before", ["- a list\n", "no: [yaml\n"])
def test_config_set_leaves_a_wrong_file_as_it_is(tmp_path, before, capsys):
    path = tmp_path / "some.yaml"
    path.write_text(before)
    assert status_of("config", "set", "a", "1", "--file", str(path)) == 2
    assert path.read_text() == before
    assert f"can't write a=1 into {path}" in capsys.readouterr().err


def test_info_versions(capsys):
    assert status_of("info", "versions") == 0
    versions = json.loads(capsys.readouterr().out)
    assert versions["oxidask"] == oxidask.__version__
    assert versions["numpy"]


def test_the_demo_gets_its_options(monkeypatch):
    calls = []

    def run(output, threads):
        calls.append((output, threads))
        return True

    monkeypatch.setattr("oxidask.demo.run", run)
    assert status_of("demo") == 0
    assert status_of("demo", "--output", "there", "--threads", "3") == 0
    assert calls == [("demo-output", None), ("there", 3)]


@pytest.mark.parametrize("threads", ["0", "-1", "two", "1.5"])
def test_no_number_of_threads(threads, capsys):
    assert status_of("demo", "--threads", threads) == 2
    assert f"not '{threads}'" in capsys.readouterr().err


def raising(error):
    def run(output, threads):
        raise error

    return run


def test_the_demo_fails_when_the_runs_differ(monkeypatch):
    monkeypatch.setattr("oxidask.demo.run", lambda output, threads: False)
    assert status_of("demo") == 1


def test_the_demo_says_what_is_wrong_in_a_line(monkeypatch, capsys):
    monkeypatch.setattr("oxidask.demo.run", raising(DemoError("no flights today")))
    assert status_of("demo") == 2
    assert capsys.readouterr().err == "oxidask: demo: no flights today\n"


def test_control_c_is_a_line_and_130(monkeypatch, capsys):
    monkeypatch.setattr("oxidask.demo.run", raising(KeyboardInterrupt()))
    assert status_of("demo") == 130
    assert capsys.readouterr().err == "oxidask: interrupted\n"


# A computation is interrupted while two of its tasks run, and the program ends under them.
INTERRUPTED = """
import _thread, sys, threading, time
import oxidask
from oxidask import cli, demo

running = threading.Barrier(3)

def wait():
    running.wait()
    while True:
        time.sleep(0.001)

def interrupt():
    running.wait()
    _thread.interrupt_main()

def run(output, threads):
    threading.Thread(target=interrupt).start()
    oxidask.compute([oxidask.delayed(wait)(), oxidask.delayed(wait)()], num_workers=2)

demo.run = run
sys.exit(cli.main(["demo"]))
"""


def test_control_c_within_tasks_ends_the_program():
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (130, "oxidask: interrupted\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /bin/sh")
def test_a_reader_that_closes_early_is_no_error():
    command = f"{sys.executable} -m oxidask config list | true"
    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert ended.stderr == ""


def test_python_m_oxidask():
    ended = subprocess.run(
        [sys.executable, "-m", "oxidask", "worker"], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert "Need to provide scheduler address" in ended.stderr
