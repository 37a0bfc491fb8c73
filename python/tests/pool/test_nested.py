"""Pools in tasks of pools: one budget, no deadlock."""

from __future__ import annotations

import os
import time

import pytest

import bakusoku

from . import tasks


def inner_sum(n):
    with bakusoku.Pool(2) as pool:
        return sum(pool.map(tasks.square, range(n)))


def depth(n):
    if n == 0:
        return [os.getpid()]
    with bakusoku.Pool(2) as pool:
        return [os.getpid()] + [p for pids in pool.map(depth, [n - 1, n - 1]) for p in pids]


def span(seconds):
    start = time.monotonic()
    time.sleep(seconds)
    return start, time.monotonic()


def test_a_pool_in_every_task(pool):
    expected = [sum(i * i for i in range(n)) for n in range(6)]
    assert pool.map(inner_sum, range(6)) == expected
    assert pool.map(lambda n: inner_sum(n), range(6)) == expected


def test_three_deep(pool):
    pids = pool.apply(depth, (3,))
    assert len(pids) == 15 and os.getpid() not in pids


def test_one_budget_for_all():
    """Two outer tasks with an inner pool of two each: not four inner tasks at once on two cores."""
    cores = bakusoku.n_threads()

    def outer(_):
        with bakusoku.Pool() as inner:
            return inner.map(span, [0.2] * 3 * cores, chunksize=1)

    with bakusoku.Pool() as pool:
        spans = [s for part in pool.map(outer, range(cores)) for s in part]
    at_once = max(sum(a < t <= b for a, b in spans) for _, t in spans)
    assert at_once <= cores


def test_an_error_in_an_inner_pool(pool):
    def outer(_):
        with bakusoku.Pool(2) as inner:
            return inner.map(tasks.fail_at_3, range(6))

    with pytest.raises(ValueError, match="no good: 3"):
        pool.map(outer, [1])
    assert pool.map(tasks.square, range(3)) == [0, 1, 4]


def test_a_death_in_an_inner_pool(pool):
    def outer(_):
        with bakusoku.Pool(2) as inner:
            got = inner.map(lambda i: os.kill(os.getpid(), 9) if i == 1 else i, range(3), on_error="return")
            return [type(g).__name__ for g in got]

    assert pool.map(outer, [1, 2]) == [["int", "WorkerDied", "int"]] * 2


def test_the_outer_task_is_killed(pool):
    """Workers of an inner pool go with the task that made them."""
    from .conftest import alive, wait_until

    def outer(path):
        with bakusoku.Pool(2) as inner:
            pids = inner.map(tasks.sleep_and_pid, [0.1] * 4, chunksize=1)
            with open(path, "w") as f:
                f.write(" ".join(map(str, set(pids))))
            os.kill(os.getpid(), 9)

    import tempfile

    with tempfile.NamedTemporaryFile("r") as f:
        with pytest.raises(bakusoku.WorkerDied):
            pool.map(outer, [f.name])
        pids = [int(p) for p in f.read().split()]
    assert pids and wait_until(lambda: not any(map(alive, pids)), 3.0)
    assert pool.map(tasks.square, range(3)) == [0, 1, 4]


def test_native_methods_in_tasks(pool):
    """Our own threads in a worker: the same numbers, within the worker's share of the cores."""
    import numpy as np

    x = np.random.default_rng(0).standard_normal((8, 20000))
    here = bakusoku.filter.filter_data(x, 1000.0, 1.0, 40.0)
    for there in pool.map(lambda x: bakusoku.filter.filter_data(x, 1000.0, 1.0, 40.0), [x] * 4):
        assert np.array_equal(here, there)
