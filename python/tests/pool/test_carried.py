"""What a fork used to carry: folder, path, environment, filters of warnings, error states, MNE's settings, globals."""

from __future__ import annotations

import os
import sys
import warnings

import numpy as np
import pytest

import bakusoku

from . import tasks


class fresh:
    """A pool for one call: as a script makes its pool when everything is set."""

    def apply(self, f):
        with bakusoku.Pool(1) as pool:
            return pool.apply(f)

    def map(self, f, items):
        with bakusoku.Pool(2) as pool:
            return pool.map(f, items)


def test_folder(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert set(fresh().map(lambda _: os.getcwd(), range(4))) == {str(tmp_path / name)}


def test_folder_that_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert fresh().map(tasks.square, range(3)) == [0, 1, 4]


def test_environment(monkeypatch):
    monkeypatch.setenv("BAKUSOKU_TEST_VALUE", "1")
    assert fresh().apply(lambda: os.environ.get("BAKUSOKU_TEST_VALUE")) == "1"
    monkeypatch.setenv("BAKUSOKU_TEST_VALUE", "two words = 日本")
    assert fresh().apply(lambda: os.environ.get("BAKUSOKU_TEST_VALUE")) == "two words = 日本"
    monkeypatch.delenv("BAKUSOKU_TEST_VALUE")
    assert fresh().apply(lambda: os.environ.get("BAKUSOKU_TEST_VALUE")) is None


def test_module_search_path(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(tmp_path))
    assert fresh().apply(lambda: sys.path) == sys.path


def test_warning_filters():
    def warn(_):
        warnings.warn("something odd", RuntimeWarning, stacklevel=1)
        return 1

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="something odd"):
            fresh().map(warn, [1])
        warnings.simplefilter("ignore")
        assert fresh().map(warn, [1]) == [1]


def test_numpy_error_state():
    def divide(x):
        return np.float64(x) / np.float64(0.0)

    with np.errstate(divide="raise"):
        with pytest.raises(FloatingPointError):
            fresh().map(divide, [1.0])
    with np.errstate(divide="ignore"):
        assert fresh().map(divide, [1.0]) == [np.inf]


def test_settings_of_mne(monkeypatch):
    import mne

    def settings(_):
        import mne

        return mne.utils.logger.level, mne.get_config("MNE_BAKUSOKU_TEST")

    before = mne.utils.logger.level
    try:
        for level in ("ERROR", "DEBUG"):
            mne.set_log_level(level)
            monkeypatch.setenv("MNE_BAKUSOKU_TEST", level)
            mine = (mne.utils.logger.level, level)
            assert fresh().map(settings, range(3)) == [mine] * 3
    finally:
        mne.utils.logger.setLevel(before)


def test_proxies_of_a_manager():
    import multiprocessing

    with multiprocessing.Manager() as manager, bakusoku.Pool(2) as pool:
        lock, seen = manager.Lock(), manager.list()

        def work(i):
            with lock:
                seen.append(i)

        pool.map(work, range(4))
        assert sorted(seen) == [0, 1, 2, 3]
