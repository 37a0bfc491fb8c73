"""Numbers as users have them: NumPy's, infinities, names from anywhere."""

from __future__ import annotations

import itertools
import math
import sys

import numpy as np
import pytest

import bakusoku

from . import tasks

SQUARES = [0, 1, 4, 9]


@pytest.mark.parametrize("two", [np.int64(2), np.uint8(2), np.int32(2)])
def test_numpy_numbers_of_a_pool(two):
    with bakusoku.Pool(two, maxtasksperchild=two, threads=two, retries=two, timeout=np.float32(60), seed=two) as pool:
        assert pool.map(tasks.square, range(4), two) == SQUARES
        assert list(pool.imap(tasks.square, range(4), two)) == SQUARES
        assert pool.map(tasks.square, range(4), retries=two, timeout=np.int64(60), memory=two) == SQUARES
    with bakusoku.Executor(two, max_tasks_per_child=two) as executor:
        assert list(executor.map(tasks.square, range(4), chunksize=two)) == SQUARES
        assert list(executor.map(tasks.square, range(4), buffersize=two)) == SQUARES


def test_numpy_bools(capsys, pool):
    assert pool.map(tasks.sleep, [0.0] * 4, progress=np.False_) == [0.0] * 4
    assert capsys.readouterr().err == ""
    assert pool.map(tasks.sleep, [0.0] * 4, progress=np.True_) == [0.0] * 4
    assert "4/4" in capsys.readouterr().err


@pytest.mark.parametrize("forever", [math.inf, 1e19, 1e300, np.inf, np.float64(1e19), sys.maxsize, 1 << 70])
def test_a_time_without_end(pool, forever):
    assert pool.map(tasks.square, range(4), timeout=forever) == SQUARES
    assert list(pool.imap(tasks.square, range(4), timeout=forever)) == SQUARES
    assert pool.map_async(tasks.square, range(4)).get(forever) == SQUARES
    results = pool.imap(tasks.square, range(4))
    assert [results.next(timeout=forever) for _ in range(4)] == SQUARES
    pool.apply_async(tasks.square, (2,)).wait(forever)
    with bakusoku.Executor(1, timeout=forever) as executor:
        assert list(executor.map(tasks.square, range(4), timeout=forever)) == SQUARES
        assert executor.submit(tasks.square, 3).result(forever) == 9
    assert pool.map(tasks.square, range(4)) == SQUARES  # the engine lives


@pytest.mark.filterwarnings("ignore:.*memory:UserWarning")
@pytest.mark.parametrize("much", [1 << 64, 1 << 62, 10**30, math.inf, np.inf, lambda item: 1 << 64])
def test_memory_without_end(much):
    """Such an item runs alone."""
    with bakusoku.Pool(2) as pool:
        assert pool.map(tasks.square, range(4), 1, memory=much) == SQUARES
        assert pool.map(tasks.square, range(4)) == SQUARES


def test_chunks_and_lives_without_end():
    with bakusoku.Pool(2, maxtasksperchild=1 << 80, threads=1 << 80) as pool:
        assert pool.map(tasks.square, range(4), 1 << 80) == SQUARES
        assert list(pool.imap(tasks.square, range(4), 1 << 80)) == SQUARES


@pytest.mark.parametrize("bad", [math.nan, 0, -1.0, np.float64(-1), "2", [2], np.array([1.0, 2.0])])
def test_times_that_are_none(pool, bad):
    with pytest.raises((TypeError, ValueError), match="`timeout` must be seconds above 0"):
        pool.map(tasks.square, [1], timeout=bad)


@pytest.mark.parametrize("bad", [1.5, "2", [2], True, np.bool_(True), np.float64(2)])
def test_numbers_that_are_none(bad):
    with pytest.raises(TypeError, match="`processes` must be a number"):
        bakusoku.Pool(bad)


class Series:
    """As pandas has it: an iterable with a length, whose brackets take labels."""

    def __init__(self, values):
        self.values = values

    def __iter__(self):
        return iter(self.values)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, key):
        raise KeyError(key)


NAMES = [f"sub-{i:02d}" for i in range(5)]


@pytest.mark.parametrize(
    "labels",
    [
        np.array(NAMES),
        Series(NAMES),
        dict.fromkeys(NAMES).keys(),
        dict(enumerate(NAMES)).values(),
        lambda: (name for name in NAMES),
        lambda: map(str.lower, NAMES),
        np.array(NAMES, object),
    ],
    ids=["array", "series", "keys", "values", "generator", "map", "objects"],
)
@pytest.mark.parametrize("method", ["map", "imap"])
def test_labels_of_any_kind(method, labels):
    labels = labels() if callable(labels) else labels
    with bakusoku.Pool(2) as pool, pytest.raises(ValueError) as caught:
        list(getattr(pool, method)(tasks.fail_at_3, range(5), labels=labels))
    assert any("sub-03" in note for note in caught.value.__notes__)


def test_labels_without_end(pool):
    names = (f"sub-{i:02d}" for i in itertools.count())
    with pytest.raises(ValueError) as caught:
        list(pool.imap(tasks.fail_at_3, range(5), labels=names))
    assert any("sub-03" in note for note in caught.value.__notes__)
    with pytest.raises(ValueError, match="more than 4 names for 4 items"):
        pool.map(tasks.square, range(4), labels=(str(i) for i in itertools.count()))


@pytest.mark.parametrize("bad", ["abcd", b"abcd", 3, {0: "a"}])
def test_labels_that_are_none(pool, bad):
    with pytest.raises(TypeError, match="`labels` must be"):
        pool.map(tasks.square, range(4), labels=bad)
