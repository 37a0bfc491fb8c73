"""What `multiprocessing.Pool` promises, held by both: order, chunks, starmap, exceptions, callbacks, states."""

from __future__ import annotations

import itertools
import multiprocessing
import multiprocessing.pool
import pickle
import threading
import time

import pytest
from patience import within

import bakusoku

from . import tasks
from .conftest import IMPLEMENTATIONS, alive, wait_until


@pytest.mark.parametrize("chunksize", [None, 1, 3, 1000])
@pytest.mark.parametrize("n", [0, 1, 2, 17])
def test_map_keeps_the_order(any_pool, chunksize, n):
    assert any_pool.map(tasks.slower_first, range(n), chunksize) == list(range(n))


@pytest.mark.parametrize("chunksize", [None, 1, 4])
def test_starmap(any_pool, chunksize):
    items = [(i, j) for i in range(4) for j in range(3)]
    assert any_pool.starmap(tasks.add, items, chunksize) == [i + j for i, j in items]
    assert any_pool.starmap_async(tasks.add, iter(items), chunksize).get(30) == [i + j for i, j in items]


def test_map_of_generators_sets_and_dicts(any_pool):
    assert any_pool.map(tasks.square, (i for i in range(7))) == [i * i for i in range(7)]
    assert sorted(any_pool.map(tasks.square, {1, 2, 3})) == [1, 4, 9]
    assert any_pool.map(tasks.identity, {"a": 1, "b": 2}) == ["a", "b"]
    assert any_pool.map(tasks.identity, "abc") == ["a", "b", "c"]


def test_map_async(any_pool):
    result = any_pool.map_async(tasks.square, range(10))
    assert result.get() == [i * i for i in range(10)]
    assert result.ready() and result.successful()
    assert result.get() == [i * i for i in range(10)]  # again


def test_many_small_items(any_pool):
    n = 5000
    assert any_pool.map(tasks.square, range(n)) == [i * i for i in range(n)]


@pytest.mark.parametrize("chunksize", [1, 3, 100])
def test_imap(any_pool, chunksize):
    assert list(any_pool.imap(tasks.slower_first, range(8), chunksize)) == list(range(8))
    assert sorted(any_pool.imap_unordered(tasks.slower_first, range(8), chunksize)) == list(range(8))


def test_imap_unordered_gives_what_is_done(any_pool):
    assert next(any_pool.imap_unordered(tasks.sleep, [0.6, 0.0])) == 0.0


def test_imap_goes_on_after_an_error(any_pool):
    results = any_pool.imap(tasks.fail_at_3, range(6))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no good: 3"):
        next(results)
    assert list(results) == [4, 5]


def test_imap_with_a_timeout(any_pool):
    results = any_pool.imap(tasks.sleep, [0.5])
    with pytest.raises(multiprocessing.TimeoutError):
        results.next(timeout=0.05)
    assert results.next(timeout=30) == 0.5
    with pytest.raises(StopIteration):
        results.next(timeout=1)


@pytest.mark.parametrize("chunksize", [0, -1])
def test_imap_rejects_a_chunk_without_items(any_pool, chunksize):
    for method in (any_pool.imap, any_pool.imap_unordered):
        with pytest.raises(ValueError):
            method(tasks.square, range(3), chunksize)


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_an_iterable_that_fails(any_pool, method):
    def items():
        yield 1
        yield 2
        raise LookupError("the list of subjects ends here")

    results = getattr(any_pool, method)(tasks.square, items())
    got = []
    with pytest.raises(LookupError, match="ends here"):
        for r in results:
            got.append(r)
    if method == "imap_unordered" and "bakusoku" not in type(any_pool).__module__:
        assert set(got) <= {1, 4}  # the standard library may raise before they arrive
    else:
        assert sorted(got) == [1, 4]
    assert any_pool.apply(tasks.square, (3,)) == 9


def test_map_of_an_iterable_that_fails(any_pool):
    def items():
        yield 1
        raise LookupError("the list of subjects ends here")

    with pytest.raises(LookupError, match="ends here"):
        any_pool.map(tasks.square, items())
    assert any_pool.apply(tasks.square, (3,)) == 9


def test_apply(any_pool):
    assert any_pool.apply(tasks.add, (1, 2), {"c": 3}) == 6
    assert any_pool.apply(tasks.pid) != multiprocessing.current_process().pid
    assert any_pool.apply_async(tasks.add, (1,), {"b": 5}).get(timeout=30) == 6


def test_result_that_is_not_ready(any_pool):
    result = any_pool.apply_async(tasks.sleep, (2.0,))
    assert not result.ready()
    with pytest.raises(ValueError):
        result.successful()
    with pytest.raises(multiprocessing.TimeoutError):
        result.get(timeout=0.05)
    result.wait(0.05)
    assert not result.ready()  # it came back before the result did
    result.wait()
    assert result.ready() and result.successful() and result.get() == 2.0


def test_an_exception(any_pool):
    for call in (
        lambda: any_pool.apply(tasks.fail, (5,)),
        lambda: any_pool.map(tasks.fail, [5]),
        lambda: any_pool.starmap(tasks.fail, [(5,)]),
        lambda: list(any_pool.imap(tasks.fail, [5])),
        lambda: any_pool.map_async(tasks.fail, [5]).get(30),
    ):
        with pytest.raises(ValueError, match="no good: 5") as caught:
            call()
        assert caught.value.args == ("no good: 5",)
        cause = caught.value.__cause__
        assert type(cause) is multiprocessing.pool.RemoteTraceback
        assert 'raise ValueError(f"no good: {x}")' in str(cause)  # the line of the worker's file
        assert "tasks.py" in str(cause)
    assert any_pool.map(tasks.square, [1, 2]) == [1, 4]


def test_a_failed_result(any_pool):
    result = any_pool.map_async(tasks.fail_at_3, range(8), chunksize=1)
    result.wait(30)
    assert result.ready() and not result.successful()
    with pytest.raises(ValueError, match="no good: 3"):
        result.get()
    with pytest.raises(ValueError, match="no good: 3"):
        result.get()  # again


def test_callbacks(any_pool):
    got, errors = [], []
    any_pool.apply_async(tasks.square, (3,), callback=got.append).wait()
    any_pool.map_async(tasks.square, range(3), callback=got.append).wait()
    any_pool.starmap_async(tasks.add, [(1, 2)], callback=got.append).wait()
    any_pool.apply_async(tasks.fail, (3,), callback=got.append, error_callback=errors.append).wait()
    any_pool.map_async(tasks.fail, [4], callback=got.append, error_callback=errors.append).wait()
    assert wait_until(lambda: len(errors) == 2)
    assert got == [9, [0, 1, 4], [3]]
    assert [str(e) for e in errors] == ["no good: 3", "no good: 4"]
    assert all(isinstance(e, ValueError) for e in errors)


def test_a_callback_runs_before_the_result_is_ready(any_pool):
    seen = []
    result = any_pool.apply_async(tasks.square, (3,), callback=lambda v: (time.sleep(0.1), seen.append(v)))
    assert result.get(30) == 9
    assert seen == [9]


def test_many_threads_share_a_pool(any_pool):
    found = {}

    def use(n):
        found[n] = [any_pool.map(tasks.square, range(n)) for _ in range(5)]

    threads = [threading.Thread(target=use, args=(n,)) for n in range(1, 9)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {n: [[i * i for i in range(n)]] * 5 for n in range(1, 9)}


def test_two_calls_at_once(any_pool):
    a = any_pool.map_async(tasks.slower_first, range(6), chunksize=1)
    b = any_pool.map_async(tasks.square, range(50), chunksize=7)
    c = any_pool.imap(tasks.add, range(5))
    assert list(c) == list(range(5))
    assert b.get(30) == [i * i for i in range(50)]
    assert a.get(30) == list(range(6))


def test_results_of_none_and_of_exceptions(any_pool):
    assert any_pool.map(tasks.identity, [None, None]) == [None, None]
    error = any_pool.apply(tasks.identity, (ValueError("a value, not raised"),))
    assert isinstance(error, ValueError) and str(error) == "a value, not raised"


# ---- life and death of a pool ----------------------------------------------------------------------------------


def test_closed_pool(any_pool_class):
    pool = any_pool_class(2)
    waiting = pool.map_async(tasks.slower_first, range(6))
    with pytest.raises(ValueError):
        pool.join()  # still running
    pool.close()
    for call in (
        lambda: pool.apply(tasks.square, (1,)),
        lambda: pool.apply_async(tasks.square, (1,)),
        lambda: pool.map(tasks.square, [1]),
        lambda: pool.starmap(tasks.add, [(1, 2)]),
        lambda: pool.imap(tasks.square, [1]),
        lambda: pool.imap_unordered(tasks.square, [1]),
    ):
        with pytest.raises(ValueError, match="[Pp]ool not running"):
            call()
    pool.join()
    assert waiting.get(0.0) == list(range(6))  # what was queued was done
    pool.close()
    pool.join()


def test_terminate_is_prompt(any_pool_class):
    pool = any_pool_class(2)
    pids = set(pool.map(tasks.sleep_and_pid, [0.05] * 8, chunksize=1))
    pool.map_async(tasks.sleep, [60] * 8, chunksize=1)
    time.sleep(0.2)
    start = time.monotonic()
    pool.terminate()
    pool.join()
    assert time.monotonic() - start < within(3.0)
    assert wait_until(lambda: not any(map(alive, pids)))


def test_with_ends_the_workers(any_pool_class):
    with any_pool_class(2) as pool:
        pids = set(pool.map(tasks.sleep_and_pid, [0.05] * 8, chunksize=1))
    with pytest.raises(ValueError):
        pool.map(tasks.square, [1])
    assert len(pids) == 2
    assert wait_until(lambda: not any(map(alive, pids)))


def test_initializer(any_pool_class):
    with any_pool_class(2, tasks.set_state, ("a", 7)) as pool:
        assert pool.map(tasks.get_state, ["a"] * 8, chunksize=1) == [7] * 8


@pytest.mark.parametrize("limit", [1, 3])
def test_maxtasksperchild(any_pool_class, limit):
    with any_pool_class(1, maxtasksperchild=limit) as pool:
        pids = [pool.apply(tasks.pid) for _ in range(6)]
    groups = [list(g) for _, g in itertools.groupby(pids)]
    assert [len(g) for g in groups] == [limit] * (6 // limit)
    assert len(set(pids)) == len(groups)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"processes": 0}, ValueError),
        ({"processes": -1}, ValueError),
        ({"processes": 1, "maxtasksperchild": 0}, ValueError),
        ({"processes": 1, "maxtasksperchild": -2}, ValueError),
        ({"processes": 1, "initializer": 23}, TypeError),
    ],
)
def test_wrong_arguments(any_pool_class, arguments, error):
    with pytest.raises(error):
        any_pool_class(**arguments)


def test_a_pool_cannot_travel(any_pool):
    with pytest.raises(NotImplementedError):
        pickle.dumps(any_pool)


def test_workers_are_as_many_as_asked():
    for name, cls in IMPLEMENTATIONS.items():
        with cls(3) as pool:
            assert len(set(pool.map(tasks.sleep_and_pid, [0.1] * 12, chunksize=1))) == 3, name


def test_terminated_while_somebody_waits(any_pool_class):
    """A result that will never come: the standard library leaves its waiter hanging; ours says so."""
    pool = any_pool_class(1)
    result = pool.apply_async(tasks.sleep, (60,))
    time.sleep(0.1)
    pool.terminate()
    pool.join()
    if "bakusoku" in type(pool).__module__:
        with pytest.raises(bakusoku.PoolError, match="ended"):
            result.get(timeout=5)
    else:
        with pytest.raises(multiprocessing.TimeoutError):
            result.get(timeout=0.2)


def test_what_programs_look_into(any_pool_class):
    """Old recipes for progress and for the workers' numbers."""
    with any_pool_class(2) as pool:
        pids = set(pool.map(tasks.sleep_and_pid, [0.1] * 8, 1))
        assert {worker.pid for worker in pool._pool} == pids
        assert all(worker.is_alive() for worker in pool._pool)
        result = pool.map_async(tasks.sleep, [0.2] * 4, chunksize=1)
        assert result._number_left * result._chunksize == 4 and len(pool._cache) == 1
        left = []
        while not result.ready():
            left.append(result._number_left)
            time.sleep(0.01)
        assert left == sorted(left, reverse=True) and result._number_left == 0
        assert wait_until(lambda: not pool._cache)


@pytest.mark.parametrize("chunksize", [1, 3, 7, 50])
@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_chunks_with_errors(any_pool_class, method, chunksize):
    """Each item has its own outcome, also in the middle of a chunk."""
    if "bakusoku" not in any_pool_class.__module__ and chunksize > 1:
        pytest.skip("multiprocessing loses the rest of a chunk")
    with any_pool_class(2) as pool:
        for items in (range(30), (i for i in range(30))):
            results, got, failed = getattr(pool, method)(tasks.fail_odd, items, chunksize), [], []
            while True:
                try:
                    got.append(next(results))
                except StopIteration:
                    break
                except KeyError as error:
                    failed.append(error.args[0])
            assert sorted(got) == list(range(0, 30, 2)) and sorted(failed) == list(range(1, 30, 2))
            if method == "imap":
                assert got == sorted(got) and failed == sorted(failed)
