"""One item of eight goes wrong: the right error at once, the other results kept, the pool usable, nothing left."""

from __future__ import annotations

import multiprocessing.pool
import os
import pickle
import signal
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from functools import partial

import numpy as np
import psutil
import pytest
from patience import within

import bakusoku
from bakusoku import _core

from . import faults, tasks
from .conftest import IMPLEMENTATIONS, alive, in_shm, open_files, wait_until

DIED = {"SIGKILL": signal.SIGKILL, "SIGSEGV": signal.SIGSEGV, "SIGABRT": signal.SIGABRT, "os._exit": None}
OTHERS = [0, 1, 2, 4, 5, 6, 7]


def text(error) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def usable(pool):
    return pool.map(tasks.square, range(5)) == [0, 1, 4, 9, 16]


def caught(call):
    """The error and the seconds until it came."""
    start = time.monotonic()
    try:
        call()
    except BaseException as error:
        return error, time.monotonic() - start
    raise AssertionError("no error came")


CALLS = {
    "map": lambda pool, f: pool.map(f, range(8), chunksize=1),
    "map, one chunk": lambda pool, f: pool.map(f, range(8), chunksize=8),
    "map, default": lambda pool, f: pool.map(f, range(8)),
    "map_async": lambda pool, f: pool.map_async(f, range(8)).get(30),
    "starmap": lambda pool, f: pool.starmap(f, [(i,) for i in range(8)]),
    "imap": lambda pool, f: list(pool.imap(f, range(8))),
    "imap_unordered": lambda pool, f: list(pool.imap_unordered(f, range(8))),
    "apply": lambda pool, f: pool.apply(f, (3,)),
    "apply_async": lambda pool, f: pool.apply_async(f, (3,)).get(30),
}


@pytest.mark.parametrize("call", list(CALLS))
@pytest.mark.parametrize("fault", list(faults.DEADLY))
def test_a_worker_dies(pool, fault, call):
    usable(pool)
    error, seconds = caught(lambda: CALLS[call](pool, partial(faults.at_3, fault)))
    assert type(error) is bakusoku.WorkerDied
    assert isinstance(error, (bakusoku.BakusokuError, BrokenProcessPool))
    assert seconds < within(0.5)
    if call not in ("apply", "apply_async"):
        assert error.index == 3 and "item 3" in text(error)
    if DIED[fault] is not None:
        assert error.signal == DIED[fault] and error.exitcode is None and DIED[fault].name in text(error)
    else:
        assert error.signal is None and error.exitcode == 3 and "3" in text(error)
    assert error.peak_memory > 1 << 20
    assert usable(pool)


@pytest.mark.parametrize("fault", list(faults.ALL))
def test_the_other_results_are_kept(pool, fault):
    results = pool.map(partial(faults.at_3, fault), range(8), on_error="return")
    assert [results[i] for i in OTHERS] == OTHERS
    assert isinstance(results[3], BaseException)
    assert usable(pool)


@pytest.mark.parametrize("fault", list(faults.ALL))
def test_imap_goes_on(pool, fault):
    """Whoever consumes results one by one gets every one, and the error in the place of its item."""
    results = pool.imap(partial(faults.at_3, fault), range(8))
    got = []
    for i in range(8):
        try:
            got.append(next(results))
        except BaseException:
            assert i == 3
    assert got == OTHERS


@pytest.mark.parametrize("call", ["map", "map, default", "imap", "apply"])
@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("sys.exit", bakusoku.BakusokuError, "7"),
        ("cannot be rebuilt", bakusoku.RemoteError, "NeedsTwo"),
        ("holds a lock", bakusoku.RemoteError, "HoldsALock"),
        ("plain", ValueError, "no good: 3"),
        ("result is a lock", multiprocessing.pool.MaybeEncodingError, "lock"),
        ("result is a generator", multiprocessing.pool.MaybeEncodingError, "generator"),
        ("MemoryError", MemoryError, "3 GB"),
    ],
)
def test_an_error_in_a_worker(pool, fault, kind, says, call):
    error, seconds = caught(lambda: CALLS[call](pool, partial(faults.at_3, fault)))
    assert isinstance(error, kind)
    assert says in text(error)
    assert seconds < within(0.5)
    if call != "apply":
        assert "item 3" in text(error)
    assert usable(pool)


def test_what_an_exception_says_is_kept(pool):
    """Type, message and the line of the worker, though the exception itself could not travel."""
    error, _ = caught(lambda: pool.map(partial(faults.at_3, "cannot be rebuilt"), range(8)))
    whole = text(error) + str(error.__cause__)
    for part in ("NeedsTwo", "sub-03: no trigger channel", 'raise NeedsTwo("sub-03", "no trigger channel")'):
        assert part in whole


def test_where_in_a_result_the_trouble_is(pool):
    error, _ = caught(lambda: pool.map(partial(faults.at_3, "result is a lock"), range(8)))
    assert "inner" in text(error) and "lock" in text(error)


@pytest.mark.parametrize("fault", ["KeyboardInterrupt", "GeneratorExit"])
def test_exceptions_that_end_programs(pool, fault):
    """What would end the worker must not hang the caller, nor be lost."""
    error, seconds = caught(lambda: pool.map(partial(faults.at_3, fault), range(8)))
    assert fault in type(error).__name__ + text(error)
    assert seconds < within(0.5)
    assert usable(pool)


# ---- what cannot travel out ------------------------------------------------------------------------------------


def test_an_argument_that_holds_a_file(pool, tmp_path):
    class Recording:
        pass

    def use(x):
        return x

    items = [Recording() for _ in range(5)]
    with open(tmp_path / "x", "w") as handle:
        items[2].handle = handle
        error, seconds = caught(lambda: pool.map(use, items))
    assert isinstance(error, (TypeError, pickle.PicklingError))
    assert "handle" in text(error) and "item 2" in text(error)
    assert seconds < within(0.5)
    assert usable(pool)


@pytest.mark.parametrize("call", list(CALLS))
def test_any_call_with_what_cannot_travel(pool, call):
    lock = threading.Lock()
    error, seconds = caught(lambda: CALLS[call](pool, lambda x: (lock, x)))
    assert isinstance(error, (TypeError, pickle.PicklingError))
    assert seconds < within(0.5)
    assert usable(pool)


def test_an_argument_that_breaks_in_the_worker(pool):
    items = [1, 2, faults.BreaksInTheWorker(), 4]
    error, seconds = caught(lambda: pool.map(tasks.identity, items))
    assert "cannot be rebuilt here" in text(error) + str(error.__cause__)
    assert seconds < within(0.5)
    assert usable(pool)


# ---- workers and forkservers that die by themselves ------------------------------------------------------------------


def test_an_idle_worker_is_killed(pool):
    for pid in set(pool.map(tasks.sleep_and_pid, [0.05] * 8, chunksize=1)):
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.05)
    assert usable(pool)
    assert len(set(pool.map(tasks.sleep_and_pid, [0.05] * 8, chunksize=1))) == 2


@pytest.mark.skipif(not _core.HAS_FORKSERVER, reason="workers have no forkserver on this system")
@pytest.mark.parametrize("moment", ["idle", "busy"])
def test_the_forkserver_is_killed(moment):
    """The process that makes our workers dies: an error or a recovery, never a hang."""
    with bakusoku.Pool(2, context="forkserver") as pool:
        worker = pool.apply(tasks.pid)
        forkserver = psutil.Process(worker).ppid()
        assert forkserver != os.getpid()
        result = pool.map_async(tasks.sleep, [0.4] * 4) if moment == "busy" else None
        time.sleep(0.1)
        os.kill(forkserver, signal.SIGKILL)
        if result is not None:
            result.wait(within(5))
            assert result.ready()
        time.sleep(0.2)
    with bakusoku.Pool(2) as pool:
        assert usable(pool)


@pytest.mark.parametrize("initializer", [faults.failing_initializer, faults.dying_initializer])
def test_an_initializer_that_fails(initializer):
    """The standard library starts such workers again for ever; ours says what happened."""
    start = time.monotonic()
    with pytest.raises(Exception) as caught:
        with bakusoku.Pool(2, initializer) as pool:
            pool.map(tasks.square, range(4))
    assert time.monotonic() - start < within(5)
    said = text(caught.value) + str(caught.value.__cause__)
    assert "initializer" in said or "start" in said
    if initializer is faults.failing_initializer:
        assert "no licence for this worker" in said


def dies_at_first(folder, times):
    """An initializer."""
    for i in range(times):
        try:
            os.mkdir(os.path.join(folder, str(i)))
        except FileExistsError:
            continue
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("times", [1, 2])
def test_workers_that_are_killed_while_they_start(tmp_path, times):
    """They are replaced: the pool goes on, and nothing is lost."""
    with bakusoku.Pool(3, dies_at_first, (tmp_path, times)) as pool:
        assert pool.map(tasks.square, range(20), chunksize=1) == [i * i for i in range(20)]
        assert len(os.listdir(tmp_path)) == times


def test_fifty_deaths_leave_nothing(pool):
    usable(pool)
    pool.map(partial(faults.at_3, "SIGKILL"), range(8), on_error="return")
    files, shm, children = open_files(), in_shm(), len(psutil.Process().children(recursive=True))
    for _ in range(50):
        results = pool.map(partial(faults.at_3, "SIGKILL"), range(4), on_error="return")
        assert isinstance(results[3], bakusoku.WorkerDied)
    assert usable(pool)
    assert in_shm() == shm
    assert wait_until(lambda: open_files() <= files + 2)
    assert wait_until(lambda: len(psutil.Process().children(recursive=True)) <= children + 1)


def test_a_death_takes_nobody_elses_result(pool):
    """Two calls at once: one loses its worker, the other notices nothing."""
    slow = pool.map_async(tasks.slower_first, range(12), chunksize=1)
    results = pool.map(partial(faults.at_3, "SIGKILL"), range(8), on_error="return")
    assert isinstance(results[3], bakusoku.WorkerDied)
    assert slow.get(30) == list(range(12))


def test_results_of_a_dead_worker_stay(pool):
    """Arrays that lie in a worker's memory outlive it."""
    a, pid = pool.apply(lambda: (np.full(1 << 20, 7.0), os.getpid()))
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not alive(pid))
    assert usable(pool)
    assert a.sum() == 7.0 * (1 << 20)
    a += 1
    assert a[-1] == 8.0


def test_the_standard_pool_hangs_here():
    """That the test would notice: the same with multiprocessing never ends."""
    pool = IMPLEMENTATIONS["multiprocessing"](2)
    result = pool.map_async(partial(faults.at_3, "SIGKILL"), range(8), chunksize=1)
    with pytest.raises(multiprocessing.TimeoutError):
        result.get(1.0)
    pool.terminate()
    pool.join()


@pytest.mark.parametrize("context", [None, "fork", "forkserver", "spawn"])
def test_no_signal_is_blocked(context):
    """Whichever thread has started a worker: what a task starts can be ended."""
    with bakusoku.Pool(2, context=context, maxtasksperchild=1) as pool:
        blocked = pool.map(lambda _: signal.pthread_sigmask(signal.SIG_BLOCK, ()), range(8), chunksize=1)
    assert blocked == [set()] * 8
