"""Arrays of a pool: in shared memory, writable, and nobody's but the task's or the owner's."""

from __future__ import annotations

import functools
import gc
import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from bakusoku import Pool

MB = 1 << 20


@pytest.fixture(scope="module")
def pool():
    with Pool(2) as pool:
        yield pool


def held(pids=()):
    """Bytes in our regions: of this process's mappings, pages that exist."""
    total = 0
    with open("/proc/self/smaps") as f:
        ours = False
        for line in f:
            if "-" in line.split(" ", 1)[0]:
                ours = "memfd:bakusoku" in line
            elif ours and line.startswith("Rss:"):
                total += int(line.split()[1]) * 1024
    return total


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f8", "c16", "i2", "M8[us]"])
def test_arrays_go_and_come_back(pool, order, dtype):
    x = np.asarray(np.arange(600_000).reshape(300, 2000).astype(dtype), order=order)
    there = pool.apply(lambda a: (a, a.flags.writeable, type(a)), (x,))
    assert np.array_equal(there[0], x) and there[0].dtype == x.dtype
    assert there[1] and there[2] is np.ndarray
    assert there[0].flags.writeable
    there[0][0] = 0


@pytest.mark.parametrize("view", [np.s_[:, 100:1900], np.s_[::2], np.s_[::-1], np.s_[0:0]])
def test_views(pool, view):
    x = np.random.default_rng(0).standard_normal((300, 2000))
    assert np.array_equal(pool.apply(lambda a: a + 1, (x[view],)), x[view] + 1)
    assert np.array_equal(pool.apply(lambda: np.ones((300, 2000))[:, 5:]), np.ones((300, 1995)))


def test_arrays_inside_of_things(pool):
    x = np.arange(100_000.0)
    item = {"a": [x, (x * 2, "text")], "small": np.arange(3), "b": bytearray(b"x" * 200_000)}
    back = pool.map(lambda d: d, [item, item])
    for b in back:
        assert np.array_equal(b["a"][0], x) and np.array_equal(b["a"][1][0], 2 * x)
        assert np.array_equal(b["small"], [0, 1, 2]) and b["b"] == item["b"]


def test_an_argument_belongs_to_its_task(pool):
    x = np.zeros(200_000)

    def change(a):
        a += 1
        return a[0], a[-1]

    assert pool.map(change, [x] * 20) == [(1, 1)] * 20
    assert pool.starmap(lambda a, b: (a.__iadd__(b))[0], [(x, 1), (x, 2)], chunksize=2) == [1, 2]
    assert pool.map(lambda i, a=x: (a.__iadd__(1))[5], range(20), chunksize=5) == [1] * 20
    assert pool.map(functools.partial(lambda a, i: a.__iadd__(i)[0], x), range(10)) == list(range(10))
    assert not x.any()


def test_an_array_of_many_tasks_is_placed_once(pool):
    from bakusoku.pool import _pickle

    big = np.ones(8 * MB)
    placed = []
    place = _pickle._core.place

    def spy(buffer, shared):
        placed.append(len(buffer))
        return place(buffer, shared)

    fake = type("core", (), {"place": staticmethod(spy), "Function": _pickle._core.Function})
    original, _pickle._core = _pickle._core, fake
    try:
        assert pool.starmap(lambda a, i: a[i], [(big, i) for i in range(12)]) == [1.0] * 12
        assert len(placed) == 1
        assert pool.map(functools.partial(np.take, big), range(12)) == [1.0] * 12
        assert len(placed) == 2
    finally:
        _pickle._core = original


def test_a_result_that_the_worker_keeps_is_not_shared(pool):
    def keep(i):
        import numpy

        if not hasattr(numpy, "kept"):
            numpy.kept = numpy.zeros(300_000)
        numpy.kept += 1
        return numpy.kept

    with Pool(1) as one:
        results = one.map(keep, range(5), chunksize=1)
        assert [r[0] for r in results] == [1, 2, 3, 4, 5]
        same = one.apply(lambda: [numpy_ones := np.ones(300_000), numpy_ones])
        assert same[0] is same[1]


def test_results_outlive_their_pool_and_are_freed(pool):
    with Pool(2) as short:
        results = short.map(lambda i: np.full(4 * MB, float(i)), range(4))
    short.join()
    gc.collect()
    assert [r[7] for r in results] == [0, 1, 2, 3] and [r.sum() for r in results] == [i * 4 * MB for i in range(4)]
    before = held()
    assert before >= 4 * 32 * MB
    part = results[1][10:20]
    del results
    gc.collect()
    assert before - held() >= 3 * 32 * MB
    assert part.tolist() == [1.0] * 10
    del part
    assert before - held() >= 4 * 32 * MB


def test_memory_of_results_is_used_again(pool):
    for _ in pool.imap_unordered(lambda i: np.full(MB, float(i)), range(20)):
        pass
    del _
    gc.collect()
    before = held()
    for a in pool.imap_unordered(lambda i: np.full(MB, float(i)), range(200), chunksize=1):
        assert a[0] == a[-1]
        del a
    assert held() - before < 100 * MB


def test_fresh_arrays_of_zeros_are_zero(pool):
    def dirty(i):
        import numpy as np

        for _ in range(3):
            np.full(MB, 7.0)
        a, b = np.zeros(MB), np.zeros((100, 2 * MB // 100))
        c = np.ones(MB // 4)
        c.resize(MB // 2, refcheck=False)
        return a.any() or b.any() or c[: MB // 4].sum() != MB // 4 or c[MB // 4 :].any()

    assert not any(pool.map(dirty, range(10)))


def test_arrays_of_threads_and_of_the_pool_s_life(pool):
    def threaded(i):
        from concurrent.futures import ThreadPoolExecutor

        import numpy as np

        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(lambda j: np.full(MB // 4, i * 10.0 + j), range(4)))

    for i, result in enumerate(pool.map(threaded, range(4))):
        assert [a[3] for a in result] == [10 * i + j for j in range(4)]


def test_a_fork_inside_of_a_task_sees_and_changes_its_own(pool):
    def forks(a):
        import os

        import numpy as np

        b = np.ones(MB // 2)
        pid = os.fork()
        if pid == 0:
            a += 100
            b += 100
            os._exit(0 if np.full(MB, 3.0).sum() == 3 * MB else 1)
        _, status = os.waitpid(pid, 0)
        b += 1
        return status, a, b

    for status, a, b in pool.map(forks, [np.zeros(200_000), np.zeros(300_000)]):
        assert status == 0 and not a.any() and (b == 2).all()
    # The memory is shared again afterwards.
    assert pool.map(lambda i: np.full(MB, i)[5], range(6)) == list(range(6))


def test_a_pool_of_multiprocessing_inside_of_a_task(pool):
    def nested(i):
        import multiprocessing

        import numpy as np

        with multiprocessing.get_context("fork").Pool(2) as inner:
            return sum(inner.map(np.sum, [np.full(MB // 4, i)] * 3))

    assert pool.map(nested, [1, 2]) == [3 * MB // 4, 6 * MB // 4]


def test_a_fork_around_us(pool):
    results = pool.map(lambda i: np.full(MB // 4, i), range(3))
    pid = os.fork()
    if pid == 0:
        results[1][:] = 99
        del results
        gc.collect()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert [r[0] for r in results] == [0, 1, 2] and [r.sum() for r in results] == [0, MB // 4, MB // 2]
    del results
    assert pool.map(abs, [-1]) == [1]
    again = pool.map(lambda i: np.full(MB // 4, i), range(6))
    assert [r[0] for r in again] == list(range(6))


def test_the_pool_of_a_parent_is_not_its_child_s(pool):
    pid = os.fork()
    if pid == 0:
        try:
            pool.map(abs, [1])
        except RuntimeError:
            with Pool(1) as own:
                os._exit(0 if own.map(abs, [-3]) == [3] else 2)
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    assert pool.map(abs, [-1]) == [1]


def test_large_things_that_are_no_arrays(pool):
    text = "x" * (3 * MB)
    assert pool.map(lambda s: s, [text, text]) == [text, text]
    numbers = list(range(300_000))
    assert pool.apply(lambda v: v, (numbers,)) == numbers


def test_three_gigabytes_come_back(pool):
    if os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < 10 << 30:
        pytest.skip("needs 10 GB of memory")
    start = time.monotonic()
    a = pool.apply(lambda: np.ones(3 << 27))
    assert a.nbytes == 3 << 30 and a[0] == a[-1] == 1
    assert time.monotonic() - start < 60


def test_nothing_is_left_behind():
    code = """
        import os, signal, numpy as np
        from bakusoku import Pool
        pool = Pool(2)
        kept = pool.map(lambda i: np.full(4_000_000, i), range(8))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    before = set(os.listdir("/dev/shm"))
    shared = lambda: int(next(x for x in open("/proc/meminfo") if x.startswith("Shmem:")).split()[1])  # noqa: E731
    start = shared()
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], timeout=60, check=False)
    end = time.monotonic() + 5
    while shared() - start > 64 << 10 and time.monotonic() < end:
        time.sleep(0.05)
    assert shared() - start < 64 << 10 and set(os.listdir("/dev/shm")) == before
