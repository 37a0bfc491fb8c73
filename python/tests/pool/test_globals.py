"""Globals of an importable module that the caller has changed, as a fork would carry them."""

from __future__ import annotations

import importlib
import sys
import textwrap
import warnings
from functools import partial

import numpy as np
import pytest

import bakusoku

SOURCE = """
    GAIN = 1.0
    NAMES = ["a"]
    CACHE = {}
    DATA = None
    COMPUTED = sum([1, 2])
    if True:
        TWICE = 1
        TWICE = 2

    def get(x):
        return GAIN * x

    def get_names(_):
        return NAMES

    def get_data(_):
        return DATA

    def get_others(_):
        return COMPUTED, TWICE

    def through_another(x):
        return get(x) + 1

    def remember(x):
        CACHE[x] = x
        return len(CACHE)

    def set_gain(gain):
        global GAIN
        GAIN = gain
"""


@pytest.fixture
def mod(tmp_path, monkeypatch, request):
    name = f"of_the_user_{request.node.name.partition('[')[0]}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(SOURCE))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module(name)
    del sys.modules[name]


def test_before_and_after_the_pool(mod):
    mod.GAIN = 2.0
    with bakusoku.Pool(2) as pool:
        assert pool.map(mod.get, [1, 2]) == [2.0, 4.0]
        mod.GAIN = 3.0
        assert pool.map(mod.get, range(8), chunksize=1) == [3.0 * i for i in range(8)]
        mod.GAIN = 1.0
        assert pool.map(mod.get, range(8), chunksize=1) == [1.0 * i for i in range(8)]
        assert pool.apply(mod.through_another, (1,)) == 2.0


def test_ways_to_read_it(mod):
    mod.GAIN = 2.0
    mod.NAMES.append("b")
    with bakusoku.Pool(1) as pool:
        assert pool.map(mod.through_another, [1]) == [3.0]
        assert pool.map(lambda x: mod.GAIN + x, [1]) == [3.0]
        assert pool.map(lambda x: mod.get(x), [1]) == [2.0]
        assert pool.map(partial(mod.get), [1]) == [2.0]
        assert pool.map(mod.get_names, [1]) == [["a", "b"]]


def test_an_initializer_has_the_last_word(mod):
    mod.GAIN = 2.0
    with bakusoku.Pool(1, mod.set_gain, (5.0,)) as pool:
        assert pool.map(mod.get, [1]) == [5.0]


def test_what_a_task_has_changed_stays(mod):
    with bakusoku.Pool(1) as pool:
        pool.apply(mod.set_gain, (7.0,))
        mod.GAIN = 2.0
        assert pool.map(mod.get, [1]) == [7.0]
        assert pool.map(mod.remember, range(3)) == [1, 2, 3]


def test_what_is_too_large_is_said(mod):
    mod.DATA = np.ones(1 << 20)
    with bakusoku.Pool(1, context="forkserver") as pool:
        with pytest.warns(UserWarning, match=r"DATA` was changed after .* hand it over as an argument"):
            assert pool.map(mod.get_data, [1]) == [None]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert pool.map(mod.get_data, [1]) == [None]  # once
            mod.DATA = np.arange(3)
            assert pool.map(mod.get_data, [1])[0].tolist() == [0, 1, 2]


def test_what_cannot_be_told_is_left_alone(mod):
    mod.COMPUTED, mod.TWICE = 5, 6
    with bakusoku.Pool(1, context="forkserver") as pool:
        assert pool.map(mod.get_others, [1]) == [(3, 2)]


def test_a_fork_has_all_as_it_was_and_what_changes_is_told(mod):
    mod.COMPUTED, mod.TWICE, mod.GAIN = 5, 6, 2.0
    with bakusoku.Pool(1, context="fork") as pool:
        assert pool.map(mod.get_others, [1]) == [(5, 6)]
        mod.GAIN = 3.0
        assert pool.map(mod.get, [1]) == [3.0]
        mod.GAIN = 4.0
        assert pool.map(mod.get, [1]) == [4.0]


def test_another_module_in_the_place_of_one(tmp_path, monkeypatch):
    """As many modules as before, and not the same."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("of_the_user_first", "of_the_user_second"):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(SOURCE))
        module = importlib.import_module(name)
        module.GAIN = 2.0
        with bakusoku.Pool(1, context="fork") as pool:
            assert pool.map(module.get, [1]) == [2.0]
            module.GAIN = 3.0
            assert pool.map(module.get, [1]) == [3.0]
        del sys.modules[name]


CLASSES = """
class Model:
    scale = 1
    def predict(self, x):
        return x * self.scale
    def __call__(self, x):
        return -x * self.scale

def helper(x):
    return x

def call(x):
    return helper(x)
"""


@pytest.fixture
def classes(tmp_path, monkeypatch, request):
    name = "classes_of_" + "".join(c if c.isalnum() else "_" for c in request.node.name)
    (tmp_path / f"{name}.py").write_text(CLASSES)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module(name)
    del sys.modules[name]


@pytest.mark.parametrize("method", [None, "fork", "forkserver", "spawn"])
def test_attributes_of_classes(classes, method):
    classes.Model.scale = 5
    make = {"model": classes.Model}
    with bakusoku.Pool(2, context=method) as pool:
        assert pool.map(classes.Model().predict, [1, 2]) == [5, 10]
        assert pool.map(classes.Model(), [1, 2]) == [-5, -10]
        assert pool.map(lambda x: make["model"]().predict(x), [1, 2]) == [5, 10]
        assert pool.map(lambda x: classes.Model().predict(x), [1, 2]) == [5, 10]


@pytest.mark.parametrize("method", [None, "fork", "forkserver", "spawn"])
def test_functions_that_were_replaced(classes, method, monkeypatch):
    monkeypatch.setattr(classes, "helper", lambda x: 9)
    with bakusoku.Pool(1, context=method) as pool:
        if method in (None, "fork"):
            assert pool.map(classes.call, [1]) == [9]
        else:
            with pytest.warns(UserWarning, match="`.*helper` was changed after"):
                assert pool.map(classes.call, [1]) == [1]


def test_no_warning_where_workers_have_it(mod):
    mod.DATA = np.ones(1 << 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with bakusoku.Pool(1) as pool:
            assert pool.map(mod.get_data, [1])[0].sum() == 1 << 20
