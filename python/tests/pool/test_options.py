"""`on_error`, `labels`, `timeout`, `retries`, `seed`: given to the pool, or to a call."""

from __future__ import annotations

import multiprocessing
import os
import time
from functools import partial

import pytest
from patience import within

import bakusoku

from . import faults, tasks
from .conftest import alive, wait_until

NAMES = [f"sub-{i:02d}" for i in range(8)]


def text(error) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def where(**options):
    """The same option given to the pool, or to the call."""
    return pytest.mark.parametrize("place", ["pool", "call"])


def call(place, f, items, method="map", processes=2, **options):
    pool_options, call_options = (options, {}) if place == "pool" else ({}, options)
    with bakusoku.Pool(processes, **pool_options) as pool:
        result = getattr(pool, method)(f, items, **call_options)
        return result.get(30) if hasattr(result, "ready") else list(result)


# ---- on_error --------------------------------------------------------------------------------------------------


@where()
@pytest.mark.parametrize("method", ["map", "map_async", "imap"])
def test_errors_returned(place, method):
    got = call(place, tasks.fail_odd, range(6), method, on_error="return")
    assert [g for i, g in enumerate(got) if i % 2 == 0] == [0, 2, 4]
    for i in (1, 3, 5):
        assert isinstance(got[i], KeyError) and got[i].args == (i,)
        assert type(got[i].__cause__) is multiprocessing.pool.RemoteTraceback


def test_errors_returned_by_starmap(pool):
    got = pool.starmap(tasks.add, [(1, 2), (1, "x"), (3, 4)], on_error="return")
    assert got[0] == 3 and isinstance(got[1], TypeError) and got[2] == 7


def test_errors_raised_is_the_default(pool):
    with pytest.raises(KeyError):
        pool.map(tasks.fail_odd, range(6))
    with pytest.raises(KeyError):
        pool.map(tasks.fail_odd, range(6), on_error="raise")


def test_all_fail(pool):
    got = pool.map(tasks.fail, range(5), on_error="return")
    assert [str(g) for g in got] == [f"no good: {i}" for i in range(5)]


def test_an_error_names_its_item(pool):
    with pytest.raises(ValueError) as caught:
        pool.map(tasks.fail_at_3, range(8))
    assert "item 3" in text(caught.value)


def test_unknown_on_error(pool):
    with pytest.raises(ValueError, match="on_error"):
        pool.map(tasks.square, [1], on_error="ignore")
    with pytest.raises(ValueError, match="on_error"):
        bakusoku.Pool(1, on_error="ignore")


# ---- labels ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [NAMES, tuple(NAMES), lambda i: f"sub-{i:02d}"], ids=["list", "tuple", "callable"])
def test_labels_name_errors(pool, labels):
    for fault in ("plain", "SIGKILL", "cannot be rebuilt"):
        with pytest.raises(BaseException) as caught:
            pool.map(partial(faults.at_3, fault), range(8), labels=labels)
        assert "sub-03" in text(caught.value)
    with pytest.raises(ValueError) as caught:
        list(pool.imap(tasks.fail_at_3, range(8), labels=labels))
    assert "sub-03" in text(caught.value)


def test_labels_of_a_dead_worker(pool):
    (error,) = [
        r
        for r in pool.map(partial(faults.at_3, "SIGKILL"), range(8), labels=NAMES, on_error="return")
        if isinstance(r, Exception)
    ]
    assert error.label == "sub-03" and error.index == 3


def test_too_few_labels(pool):
    with pytest.raises(ValueError, match="label"):
        pool.map(tasks.square, range(4), labels=NAMES[:3])


# ---- timeout ---------------------------------------------------------------------------------------------------


@where()
def test_timeout_ends_only_its_task(place, tmp_path):
    start = time.monotonic()
    got = call(place, tasks.sleep, [0.0, 30.0, 0.1, 0.2], timeout=1.0, on_error="return")
    assert time.monotonic() - start < within(4.0)
    assert [got[i] for i in (0, 2, 3)] == [0.0, 0.1, 0.2]
    assert isinstance(got[1], TimeoutError) and isinstance(got[1], bakusoku.BakusokuError)
    assert "item 1" in text(got[1]) and "1" in text(got[1])


def test_timeout_raises():
    with bakusoku.Pool(2, timeout=0.3) as pool:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            pool.map(tasks.sleep, [0.0, 30.0])
        assert time.monotonic() - start < within(0.8)
        with pytest.raises(bakusoku.TaskTimeout):
            pool.apply(tasks.sleep, (30,))
        assert pool.map(tasks.square, range(3)) == [0, 1, 4]


def test_timeout_ends_a_task_that_does_not_listen(tmp_path):
    """In C code, ignoring signals: it is gone all the same."""

    def deaf(path):
        import signal

        import numpy as np

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        with open(path, "w") as f:
            f.write(str(os.getpid()))
        while True:
            np.linalg.svd(np.ones((300, 300)))

    path = tmp_path / "pid"
    with bakusoku.Pool(2) as pool:
        with pytest.raises(TimeoutError):
            pool.map(deaf, [str(path)], timeout=1.0)
        assert wait_until(lambda: not alive(int(path.read_text())), 3.0)
        assert pool.map(tasks.square, range(3)) == [0, 1, 4]


def test_waiting_in_the_queue_is_not_running():
    """Eight tasks of 0.3 s one after the other: nobody takes longer than 1 s."""
    with bakusoku.Pool(1, timeout=1.0) as pool:
        assert pool.map(tasks.sleep, [0.3] * 8) == [0.3] * 8


@pytest.mark.parametrize("timeout", [0, -1])
def test_wrong_timeout(timeout):
    with pytest.raises((ValueError, TypeError), match="timeout"):
        bakusoku.Pool(1, timeout=timeout)


# ---- retries ---------------------------------------------------------------------------------------------------


@where()
@pytest.mark.parametrize("fault", ["SIGKILL", "os._exit"])
def test_retries(place, fault, tmp_path):
    got = call(place, partial(faults.once, str(tmp_path), fault), range(6), retries=1)
    assert got == list(range(6))


def test_retries_run_out(tmp_path):
    log = tmp_path / "tries"

    def die(i):
        if i == 1:
            tasks.touch(log)
            os.kill(os.getpid(), 9)
        return i

    with bakusoku.Pool(2) as pool:
        got = pool.map(die, range(4), retries=2, on_error="return")
    assert log.read_text() == "xxx"
    assert isinstance(got[1], bakusoku.WorkerDied)
    assert [got[0], *got[2:]] == [0, 2, 3]


def test_no_retry_unless_asked(tmp_path):
    with bakusoku.Pool(2) as pool:
        with pytest.raises(bakusoku.WorkerDied):
            pool.map(partial(faults.once, str(tmp_path), "SIGKILL"), range(6))


# ---- random numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [tasks.legacy_random, tasks.standard_random])
def test_random_streams_differ(draw):
    """Forked workers of other pools share one stream and give the same "random" numbers."""
    with bakusoku.Pool(2) as pool:
        numbers = pool.map(draw, range(8), chunksize=1)
    with bakusoku.Pool(2) as pool:
        numbers += pool.map(draw, range(8), chunksize=1)
    assert len(set(numbers)) == 16


@pytest.mark.parametrize("draw", [tasks.legacy_random, tasks.standard_random])
@where()
def test_seeded_items(draw, place):
    """With `seed=` an item's numbers depend on seed and item only: not on workers, order or chunks."""
    first = call(place, draw, range(6), seed=7)
    assert len(set(first)) == 6
    assert call(place, draw, range(6), seed=7, processes=1) == first
    assert call(place, draw, range(6), seed=7, method="imap") == first
    assert call(place, draw, range(4), seed=7) == first[:4]
    assert call(place, draw, range(6), seed=8) != first


def test_a_seed_leaves_the_callers_stream_alone(pool):
    import random

    random.seed(3)
    expected = [random.random() for _ in range(2)]
    random.seed(3)
    a = random.random()
    pool.map(tasks.standard_random, range(3), seed=1)
    assert [a, random.random()] == expected


def test_the_generator_of_an_item(pool):
    """It is the one of the sequence that NumPy spawns for the item's place."""
    import numpy as np

    def draw(n):
        rng = bakusoku.default_rng()
        assert rng is bakusoku.default_rng()
        return rng.standard_normal(n).tolist()

    expected = [np.random.default_rng(s).standard_normal(3).tolist() for s in np.random.SeedSequence(7).spawn(4)]
    assert pool.map(draw, [3] * 4, seed=7) == expected
    assert list(pool.imap(draw, [3] * 4, seed=np.random.SeedSequence(7))) == expected
    assert pool.map(draw, [3] * 4, seed=7, chunksize=3) == expected


def test_calls_of_a_seeded_pool_differ():
    def twice():
        with bakusoku.Pool(2, seed=3) as pool:
            return [pool.map(tasks.legacy_random, range(3)), pool.map(tasks.legacy_random, range(3))]

    once = twice()
    assert once[0] != once[1] and twice() == once


def test_after_a_seeded_call_numbers_are_unforeseeable_again():
    with bakusoku.Pool(1) as pool:
        assert pool.map(tasks.standard_random, [0], seed=1) == pool.map(tasks.standard_random, [0], seed=1)
        assert pool.map(tasks.standard_random, [0]) != pool.map(tasks.standard_random, [0])


@pytest.mark.parametrize("seed", ["seven", 1.5, -1, True])
def test_wrong_seed(seed):
    with pytest.raises((TypeError, ValueError), match="`seed`"):
        bakusoku.Pool(1, seed=seed)
