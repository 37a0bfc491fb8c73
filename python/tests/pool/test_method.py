"""However workers are made, a pool does the same."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

import numpy as np
import pytest

import bakusoku
from bakusoku import _core

from .script import Script, run_script

METHODS = ["forkserver", "spawn", "fork"]


@pytest.fixture(scope="module", params=METHODS)
def method(request):
    return request.param


@pytest.fixture(scope="module")
def pool(method):
    with bakusoku.Pool(2, context=method) as pool:
        yield pool


def test_functions_of_any_kind(pool):
    factor = 3
    assert pool.map(lambda x: x * factor, range(5)) == [0, 3, 6, 9, 12]
    assert pool.apply(os.getpid) not in (0, os.getpid())


def test_arrays_both_ways(pool):
    array = np.arange(3_000_000.0)
    for result in pool.map(lambda a: a + 1, [array] * 4):
        np.testing.assert_array_equal(result, array + 1)
    # A task's own argument, and what several tasks get, are the task's to write on.
    assert pool.map(lambda a: (a.fill(7), float(a.sum()))[1], [array, array]) == [21e6, 21e6]
    assert array[1] == 1


def test_a_message_longer_than_a_line_holds(pool):
    text = "x" * 300_000
    assert pool.map(len, [text] * 20) == [300_000] * 20
    assert pool.map(lambda i: text, range(20)) == [text] * 20


def test_many_messages_to_busy_workers(pool):
    text = "x" * 20_000
    assert sum(pool.imap_unordered(len, [text] * 300)) == 6_000_000


def test_output_comes_under_the_items_label(pool, capfd):
    pool.map(lambda x: print("seen"), ["one"], labels=["first"])
    assert "[first] seen" in capfd.readouterr().out


@pytest.mark.parametrize("end", ["kill", "exit"])
def test_a_worker_that_dies(pool, end):
    def work(x):
        if x == 2:
            os.kill(os.getpid(), signal.SIGKILL) if end == "kill" else os._exit(3)
        return x

    results = pool.map(work, range(5), on_error="return", chunksize=1)
    assert isinstance(results[2], bakusoku.WorkerDied)
    assert results[:2] + results[3:] == [0, 1, 3, 4]
    assert ("SIGKILL" if end == "kill" else "3") in str(results[2])


def test_a_pool_within_a_task(pool):
    def inner(x):
        with bakusoku.Pool(2) as pool:
            return pool.map(abs, [x, -x])

    assert pool.map(inner, [1, 2]) == [[1, 1], [2, 2]]


def test_libraries_use_their_share_of_the_cores(pool):
    def threads(_):
        import threadpoolctl

        time.sleep(0.1)
        return [library["num_threads"] for library in threadpoolctl.threadpool_info()]

    pytest.importorskip("threadpoolctl")
    share = max(1, _core.n_threads() // 2)
    for found in pool.map(threads, range(2), chunksize=1):
        assert all(n <= share for n in found)


def test_the_thread_that_made_the_pool_may_end(method):
    made = []
    thread = threading.Thread(target=lambda: made.append(bakusoku.Pool(2, context=method)))
    thread.start()
    thread.join()
    with made[0] as pool:
        before = set(pool.map(lambda _: (time.sleep(0.1), os.getpid())[1], range(4), chunksize=1))
        time.sleep(0.5)
        after = set(pool.map(lambda _: (time.sleep(0.1), os.getpid())[1], range(4), chunksize=1))
        assert before == after


def test_a_context_of_multiprocessing_says_how(method):
    with bakusoku.Pool(1, context=multiprocessing.get_context(method)) as pool:
        assert pool.map(abs, [-1]) == [1]
    with pytest.raises(ValueError, match="forkserver"):
        bakusoku.Pool(1, context="thread")


def test_nothing_is_left(method):
    run_script(
        f"""
        import numpy as np
        from bakusoku import Pool
        pool = Pool(2, context={method!r})
        results = pool.map(lambda x: np.ones(1 << 20) * x, range(4))
        pending = pool.map_async(lambda x: __import__("time").sleep(60), range(4))
        """
    ).fine()


def test_the_caller_is_killed(method):
    script = Script(
        f"""
        import time
        from bakusoku import Pool
        with Pool(2, context={method!r}) as pool:
            pool.map(abs, range(4))
            result = pool.map_async(lambda x: time.sleep(60), range(4), chunksize=1)
            time.sleep(0.3)
            print("working", flush=True)
            result.get()
        """
    )
    script.said("working")
    script.signal(signal.SIGKILL)
    script.wait(20).clean()
