"""The configuration: names, merging, sources, and the YAML that it is read from."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oxidask import _native, config


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path

    return write


def test_names_match_in_every_spelling():
    tree = {"x-y": {"a_b": 1}, "one_two-three": 2}
    for key in ("x_y.a_b", "x-y.a-b", "x_y.a-b"):
        assert config.get(key, config=tree) == 1
    assert config.get("one-two-three", config=tree) == 2
    assert config.get("one_two_three", config=tree) == 2
    config.set({"x_y.a-b": 3, "one-two-three": 4, "new_name": 5}, config=tree)
    assert tree == {"x-y": {"a_b": 3}, "one_two-three": 4, "new_name": 5}


@pytest.mark.parametrize("key", ["nothing", "x.nothing", "x.a.deeper", "x.text.0", "none.x"])
def test_what_is_not_there_is_a_key_error_or_the_default(key):
    tree = {"x": {"a": 1, "text": "abc"}, "none": None}
    with pytest.raises(KeyError, match=key):
        config.get(key, config=tree)
    with pytest.raises(KeyError, match=key):
        config.pop(key, config=tree)
    assert config.get(key, 7, config=tree) == 7
    assert config.get(key, None, config=tree) is None
    assert config.pop(key, 7, config=tree) == 7


def test_setting_inside_a_plain_value_is_an_error_and_changes_nothing():
    tree = {"a": 3, "b": 1}
    with pytest.raises(TypeError, match=r"cannot set 'a\.x': 'a' holds 3"):
        config.set({"b": 2, "a.x": 1}, config=tree)
    assert tree == {"a": 3, "b": 1}


def test_set_takes_back_what_it_did_and_no_more():
    tree = {"kept": {"a": 1}}
    with config.set({"kept.a": 2, "fresh.x.y": 3, "none": None}, config=tree):
        assert tree == {"kept": {"a": 2}, "fresh": {"x": {"y": 3}}, "none": None}
        config.set({"kept.b": 4}, config=tree)
    assert tree == {"kept": {"a": 1, "b": 4}}


def test_set_keeps_the_very_object_it_is_given():
    mine = {"bar": 1}
    tree = {}
    config.set({"foo": mine}, config=tree)
    assert tree["foo"] is mine


def test_set_opens_a_section_in_place_of_nothing():
    tree = {"a": None}
    with config.set({"a.b": 1}, config=tree):
        assert tree == {"a": {"b": 1}}
    assert tree == {"a": None}


def test_threads_set_without_losing_each_other():
    tree = {}

    def work(n):
        for i in range(200):
            with config.set({f"t{n}.x": i}, config=tree):
                assert config.get(f"t{n}.x", config=tree) == i

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tree == {}


def test_update_refuses_unknown_priorities():
    with pytest.raises(ValueError, match="'newest'"):
        config.update({}, {"a": 1}, priority="newest")


def test_sections_replace_plain_values_whatever_the_priority():
    for priority in ("new", "old", "new-defaults"):
        assert config.update({"a": 3}, {"a": {"b": 1}}, priority=priority) == {"a": {"b": 1}}


def test_environment():
    env = {
        "OXIDASK_ARRAY__CHUNK_SIZE": "1MiB",
        "OXIDASK_LIST": "[1, 'a']",
        "OXIDASK_BOTH": "ours",
        "DASK_BOTH": "theirs",
        "DASK_ONLY": "nUlL",
        "OXIDASK_CONFIG": "/somewhere",
        "OXIDASK_": "1",
        "OXIDASK_A__": "1",
        "OTHER": "1",
    }
    assert config.collect_env(env) == {
        "array": {"chunk_size": "1MiB"},
        "list": [1, "a"],
        "both": "ours",
        "only": None,
    }


def test_inherited_configuration_gives_way_to_variables():
    inherited = config.serialize({"a": {"b": 1}, "c": 2, "big": math.inf})
    env = {"OXIDASK_C": "3", "OXIDASK_INTERNAL_INHERIT_CONFIG": inherited}
    assert config.collect_env(env) == {"a": {"b": 1}, "c": 3, "big": math.inf}
    for broken in ("garbage", config.serialize([1])):
        with pytest.raises(ValueError, match=r"serialize|no dict"):
            config.collect_env({"OXIDASK_INTERNAL_INHERIT_CONFIG": broken})


def test_files_are_read_in_order_and_errors_name_them(write):
    write("b.yml", "k: 2")
    write("a.yaml", "k: 1")
    write("c.json", '{"k": 3}')
    write("d.txt", "k: 4")
    folder = write("e.yaml", "# nothing")
    assert [tree["k"] for tree in config.collect_yaml([folder, folder / "d.txt"])] == [1, 2, 3, 4]
    assert list(config.collect_yaml([folder / "absent"])) == []
    write("f.yaml", "a: 1\nb: [")
    with pytest.raises(ValueError, match=r"f\.yaml.*malformed(.|\n)*line \d"):
        list(config.collect_yaml([folder]))


def test_former_names_move_with_one_warning(write):
    write("1.yaml", "fuse-ave-width: 1\nfuse_max_width: 2")
    folder = write("2.yaml", "fuse-max-width: 3\noptimization: {fuse: {ave-width: 4}}")
    with pytest.warns(FutureWarning, match=r"optimization\.fuse\.max-width") as caught:
        tree = config.collect([folder], env={})
    assert len(caught) == 1
    assert tree == {"optimization": {"fuse": {"ave-width": 4, "max-width": 3}}}


def test_removed_settings(write, monkeypatch):
    monkeypatch.setitem(config.deprecations, "gone.key", None)
    with pytest.raises(ValueError, match=r"gone\.key"):
        config.set({"gone.key": 1}, config={})
    folder = write("1.yaml", "gone: {key: 1}")
    with pytest.warns(FutureWarning, match=r"ignore-deprecated\.gone\.key"):
        config.collect([folder], env={})
    write("2.yaml", "ignore-deprecated: {gone: {key: 1}}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        config.collect([folder], env={})


def test_every_present_name_has_a_default():
    for former, present in config.deprecations.items():
        assert config.get(present, config=config.defaults[0], default=former) != former


def test_refresh_never_hides_a_setting():
    tree = {"stale": 1, "a": 1}
    seen = []

    class Watched(dict):
        def __delitem__(self, key):
            seen.append(dict(self))
            super().__delitem__(key)

    watched = Watched(tree)
    config.refresh(config=watched, defaults=[{"a": 2}], paths=[], env={})
    assert watched == {"a": 2}
    assert all("a" in state for state in seen)


def test_a_fresh_process_reads_all_sources(write):
    folder = write("mine.yaml", "array: {chunk-size: 3MiB, svg: {size: 77}}")
    program = (
        "from oxidask import config\n"
        "print(config.get('array.chunk_size'), config.get('array.svg.size'), config.PATH)"
    )
    env = os.environ | {
        "OXIDASK_CONFIG": str(folder),
        "OXIDASK_ARRAY__SVG__SIZE": "88",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3MiB", "88", str(folder)]


def test_ensure_file_comments_and_never_overwrites(tmp_path):
    source = tmp_path / "mine.yaml"
    source.write_text("# title\n\na:\n  b: 1\n  # inner\n")
    config.ensure_file(source, tmp_path / "etc")
    target = tmp_path / "etc" / "mine.yaml"
    assert target.read_text() == "# title\n\n# a:\n#   b: 1\n#   # inner\n"
    source.write_text("a: 2")
    config.ensure_file(source, tmp_path / "etc", comment=False)
    assert "title" in target.read_text()
    assert os.listdir(tmp_path / "etc") == ["mine.yaml"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("[~, null, '']", [None, None, ""]),
        ("[yes, No, on, 'yes', y]", [True, False, True, "yes", "y"]),
        ("[1, -1_000, 0x1F, 0777, 0b11, 1:30]", [1, -1000, 31, 511, 3, 90]),
        ("[1.5, .5, 1., 1.0e+3, -.inf]", [1.5, 0.5, 1.0, 1000.0, -math.inf]),
        ("[1e3, 1.0e3, 128MiB, 2001-01-01]", ["1e3", "1.0e3", "128MiB", "2001-01-01"]),
        (
            "{a: &x {b: 1}, c: {<<: *x, d: 2}, e: *x}",
            {"a": {"b": 1}, "c": {"b": 1, "d": 2}, "e": {"b": 1}},
        ),
        ("{a: 1, a: 2, 3: x}", {"a": 2, 3: "x"}),
        ("a: |\n  x\n  y\nb: >\n  x\n  y\n", {"a": "x\ny\n", "b": "x y\n"}),
        ('["\\u00e9\\n", !!str 12]', ["é\n", "12"]),
        (str(2**100), 2**100),
    ],
)
def test_yaml_means_what_pyyaml_makes_of_it(text, expected):
    found = _native.yaml_load(text)
    assert found == expected
    assert repr(found) == repr(expected)  # 1, 1.0 and True are equal


@pytest.mark.parametrize(
    "text", ["[1", "a: 1\n---\nb: 2", "!!python/name:os.system x", "*a", "{[1]: 2}", "[" * 10_000]
)
def test_what_is_no_plain_yaml_is_refused_with_its_place(text):
    with pytest.raises(ValueError, match=r"line \d+, column \d+"):
        _native.yaml_load(text)


def test_yaml_dump_refuses_what_is_no_plain_data():
    with pytest.raises(TypeError, match="object"):
        _native.yaml_dump({"a": object()})
    circular = []
    circular.append(circular)
    with pytest.raises(ValueError, match="contain itself"):
        _native.yaml_dump(circular)


_text = st.text() | st.text("-+0123456789abefnostxy_.:~ #'\"", max_size=8)
_plain = st.none() | st.booleans() | st.integers(-(2**100), 2**100) | _text
_plain |= st.floats(allow_nan=False)
_data = st.recursive(
    _plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4)
)


@given(_data)
def test_yaml_comes_back(data):
    assert repr(_native.yaml_load(_native.yaml_dump(data))) == repr(data)


@given(_data)
def test_other_readers_and_writers_agree(data):
    yaml = pytest.importorskip("yaml")
    assert repr(yaml.safe_load(_native.yaml_dump(data))) == repr(data)
    assert repr(_native.yaml_load(yaml.safe_dump(data, sort_keys=False))) == repr(data)


def test_the_defaults_mean_the_same_to_other_readers():
    yaml = pytest.importorskip("yaml")
    text = _native.default_config_yaml()
    assert yaml.safe_load(text) == _native.yaml_load(text)
