"""NumPy arrays in arguments and results: the same bytes, writable, nobody else's; their memory comes and goes."""

from __future__ import annotations

import gc
import os
import threading
import time
from functools import partial

import numpy as np
import psutil
import pytest

import bakusoku
from bakusoku import _core

from . import tasks
from .script import run_script

BIG = 1 << 18  # doubles: 2 MiB
RNG = np.random.default_rng(0)
BASE = RNG.standard_normal((600, 700))


class Labelled(np.ndarray):
    """A subclass with an attribute of its own, as libraries make them."""

    def __array_finalize__(self, other):
        self.label = getattr(other, "label", None)

    def __reduce__(self):
        made, arguments, state = super().__reduce__()
        return made, arguments, (*state, self.label)

    def __setstate__(self, state):
        super().__setstate__(state[:-1])
        self.label = state[-1]


def labelled():
    a = BASE.view(Labelled)
    a.label = "MEG 0111"
    return a


ARRAYS = {
    "C order": BASE,
    "Fortran order": np.asfortranarray(BASE),
    "every other column": BASE[:, ::2],
    "reversed": BASE[::-1],
    "transposed": BASE.T,
    "part": BASE[10:400, 5:600],
    "broadcast": np.broadcast_to(BASE[0], (500, 700)),
    "no dimension": np.array(3.5),
    "empty": np.empty((0, 7)),
    "small": np.arange(5),
    "float32": BASE.astype(np.float32),
    "int16": RNG.integers(-9, 9, (300, 999), dtype=np.int16),
    "bool": BASE > 0,
    "complex": BASE + 1j * BASE[::-1],
    "complex64": (BASE + 1j).astype(np.complex64),
    "big endian": BASE.astype(">f8"),
    "dates": np.arange("2020-01-01", "2021-01-01", dtype="datetime64[h]").repeat(40),
    "text": np.array(["MEG 0111", "STI 014", "日本"] * 20000),
    "records": np.zeros(50000, [("onset", "f8"), ("name", "U8")]),
    "objects": np.array([{"a": 1}, None, "x", BASE], dtype=object),
    "masked": np.ma.masked_less(BASE, 0),
    "subclass": labelled(),
    "half": BASE.astype(np.float16),
    "long double": BASE.astype(np.longdouble),
}


def same(a, b) -> bool:
    if a.dtype == object:
        return all(np.array_equal(x, y) if isinstance(x, np.ndarray) else x == y for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ma.MaskedArray):
        return np.array_equal(a.mask, b.mask) and np.array_equal(a.filled(0), b.filled(0))
    return a.shape == b.shape and np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.parametrize("name", list(ARRAYS))
def test_there_and_back(pool, name):
    a = ARRAYS[name]
    got = pool.map(tasks.identity, [a, a])
    for b in got:
        assert type(b) is type(a) and b.dtype == a.dtype and same(a, b)
        assert b.flags.writeable
    if name == "subclass":
        assert got[0].label == "MEG 0111"
    if a.flags.f_contiguous and not a.flags.c_contiguous:
        assert got[0].flags.f_contiguous


@pytest.mark.parametrize("n", [0, 1, 1000, 8191, 8192, 8193, BIG // 2 - 1, BIG // 2, BIG, 5 * BIG + 3])
def test_any_size(pool, n):
    a = np.arange(n, dtype=np.float64)
    assert pool.apply(tasks.mean, (a,)) == tasks.mean(a) if n else True
    b = pool.apply(tasks.identity, (a,))
    assert np.array_equal(a, b)
    assert np.array_equal(pool.apply(np.arange, (n,)), np.arange(n))


def test_arrays_inside_things(pool):
    item = {"a": [BASE, (BASE[:5], "x")], "b": bytes(300_000), "c": bytearray(b"abc" * 99999), "d": holder(BASE)}
    got = pool.map(tasks.identity, [item])[0]
    assert np.array_equal(got["a"][0], BASE) and np.array_equal(got["a"][1][0], BASE[:5])
    assert got["b"] == item["b"] and got["c"] == item["c"]
    assert np.array_equal(got["d"].data, BASE)
    got["c"][0] = 0
    got["a"][0][:] = 0


class Holder:
    def __init__(self, data):
        self.data = data


def holder(a):
    return Holder(a)


def test_one_object_stays_one_object(pool):
    a = np.ones(BIG)
    got = pool.apply(lambda a, b: (a is b, [a, b, a]), (a, a))
    assert got[0] is True
    assert got[1][0] is got[1][1]
    got[1][0][0] = 5
    assert got[1][2][0] == 5


def test_plain_arrays_arrive(pool):
    """No memory map and no read-only view: what a function gets is what it would get from NumPy."""

    def look(a):
        return type(a) is np.ndarray, a.flags.writeable, a.flags.aligned, a.ctypes.data % 16

    for n in (10, 9000, BIG, 8 * BIG):
        assert set(pool.map(look, [np.ones(n)] * 5)) == {(True, True, True, 0)}


def test_two_views_of_one_array(pool):
    base = np.arange(2.0 * BIG)
    left, right = base[:BIG], base[BIG:]
    assert pool.map(tasks.mean, [left, right]) == [left.mean(), right.mean()]
    assert pool.apply(lambda a, b: (a.__iadd__(1).sum(), b.sum()), (left, right)) == (left.sum() + BIG, right.sum())


def test_one_buffer_refilled_by_a_generator(pool):
    """A reader that fills the same array again and again: each task gets what it held then."""
    buffer = np.empty(BIG)

    def blocks():
        for i in range(30):
            buffer[:] = i
            yield buffer

    assert list(pool.imap(tasks.mean, blocks())) == [float(i) for i in range(30)]
    assert sorted(pool.imap_unordered(tasks.mean, blocks())) == [float(i) for i in range(30)]


def test_what_is_changed_between_calls_is_seen(pool):
    a = np.zeros(BIG)
    for i in range(5):
        a[:] = i
        assert pool.map(tasks.mean, [a] * 3) == [float(i)] * 3
        assert pool.apply(tasks.mean, (a,)) == float(i)


# ---- nothing is shared with what somebody keeps ----------------------------------------------------------------


def keep_and_return(n):
    """A result that the worker also keeps, and changes later."""
    kept = tasks.STATE.setdefault("kept", np.zeros(n))
    kept += 1
    return kept


def keep_view(n):
    kept = np.full(n, 5.0)
    tasks.STATE["view"] = kept[::2]
    return kept


def change_view():
    tasks.STATE["view"][:] = -1
    return None


@pytest.mark.parametrize("n", [10, 9000, BIG, 4 * BIG])
def test_a_result_that_the_worker_keeps(n):
    with bakusoku.Pool(1) as pool:
        results = [pool.apply(keep_and_return, (n,)) for _ in range(6)]
        assert [(r.min(), r.max()) for r in results] == [(i, i) for i in range(1, 7)]
        results[0][:] = 99
        assert pool.apply(keep_and_return, (n,))[0] == 7  # nor does the caller reach into the worker


def test_a_result_of_which_the_worker_keeps_a_view():
    with bakusoku.Pool(1) as pool:
        a = pool.apply(keep_view, (BIG,))
        pool.apply(change_view)
        assert a.min() == a.max() == 5.0


@pytest.mark.parametrize("n", [10, 9000, BIG, 4 * BIG])
def test_an_argument_that_the_worker_keeps(n):
    """Kept beyond its task, an argument is neither freed nor written over by later ones."""

    def keep(a):
        tasks.STATE.setdefault("arguments", []).append(a)

    with bakusoku.Pool(1) as pool:
        for i in range(8):
            pool.apply(keep, (np.full(n, i, float),))
        for _ in range(8):
            pool.apply(tasks.mean, (np.full(n, -1.0),))
        kept = pool.apply(lambda: [(a.min(), a.max()) for a in tasks.STATE["arguments"]])
    assert kept == [(i, i) for i in range(8)]


def test_an_argument_that_comes_back(pool):
    """The same array out and in: the caller's own is not touched by what it does with the result."""
    a = np.ones(BIG)
    b = pool.apply(tasks.identity, (a,))
    b[:] = 2
    assert a.max() == 1.0
    kept = pool.map(tasks.identity, [a] * 6)
    for i, k in enumerate(kept):
        k[:] = i
    assert [k.mean() for k in kept] == list(range(6)) and a.max() == 1.0


def test_a_part_of_an_argument_that_comes_back(pool):
    a = np.arange(4.0 * BIG)
    parts = pool.map(lambda a: a[BIG : 2 * BIG], [a] * 6)
    others = pool.map(tasks.mean, [np.zeros(4 * BIG)] * 6)
    assert others == [0.0] * 6
    for p in parts:
        assert np.array_equal(p, a[BIG : 2 * BIG])
        p[:] = 0


def test_kept_results_while_more_work_is_done(pool):
    kept = pool.map(lambda i: np.full(BIG, i, float), range(10))
    for _ in range(5):
        pool.map(lambda i: np.full(BIG, -i, float).sum(), range(10))
        pool.map(tasks.mean, [np.full(BIG, -7.0)] * 10)
        pool.map(lambda i: np.full(BIG, -i, float), range(10))
    assert [(k.min(), k.max()) for k in kept] == [(i, i) for i in range(10)]


def test_arrays_made_in_a_tasks_own_threads(pool):
    def threaded(i):
        out = [None] * 3

        def fill(j):
            out[j] = np.full(BIG, 10 * i + j, float)

        threads = [threading.Thread(target=fill, args=(j,)) for j in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return out

    for i, arrays in enumerate(pool.map(threaded, range(6))):
        assert [a.mean() for a in arrays] == [10 * i + j for j in range(3)]


def test_a_pool_of_multiprocessing_in_a_task(pool):
    def work(n):
        import multiprocessing

        with multiprocessing.get_context("fork").Pool(2) as inner:
            return sum(inner.map(tasks.mean, [np.full(BIG, float(n))] * 4))

    assert pool.map(work, range(3)) == [0.0, 4.0, 8.0]


def test_a_child_of_the_caller_that_uses_our_pool_object(pool):
    """A pool belongs to the process that made it: in a child it is an error or works, and never hangs."""
    pool.map(tasks.square, range(4))
    child = os.fork()
    if child == 0:
        try:
            pool.map(tasks.square, range(4))
        except BaseException:
            os._exit(7)
        os._exit(8)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.02)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        raise AssertionError("the child hangs in our pool")
    assert os.waitstatus_to_exitcode(status) in (7, 8)
    assert pool.map(tasks.square, range(4)) == [0, 1, 4, 9]


# ---- arrays born shared ----------------------------------------------------------------------------------------


# ---- memory ----------------------------------------------------------------------------------------------------


def shared_memory() -> int:
    gc.collect()
    for line in open("/proc/meminfo"):
        if line.startswith("Shmem:"):
            return int(line.split()[1]) * 1024
    return 0


def test_one_array_for_many_tasks_is_placed_once():
    big = np.ones(32 * BIG)  # 64 MiB
    before = shared_memory()
    done = threading.Event()
    peak = 0

    def watch():
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, shared_memory() - before)

    with bakusoku.Pool(2) as pool:
        watcher = threading.Thread(target=watch)
        watcher.start()
        for call in (
            lambda: pool.map(partial(lambda a, i: float(a[i]), big), range(40)),
            lambda: pool.map(lambda i: float(big[i]), range(40)),
            lambda: pool.starmap(lambda a, i: float(a[i]), [(big, i) for i in range(40)]),
        ):
            assert call() == [1.0] * 40
        done.set()
        watcher.join()
    assert peak < 3 * big.nbytes


@pytest.mark.skipif(not _core.HAS_FORKSERVER, reason="shared memory is not given back in parts on this system")
def test_nothing_grows_with_the_number_of_calls(pool):
    me = psutil.Process()

    def use():
        pool.map(tasks.mean, [np.ones(BIG)] * 8)
        for a in pool.imap_unordered(tasks.ones, [BIG] * 8):
            a.sum()

    for _ in range(20):
        use()
    gc.collect()
    memory, files = me.memory_full_info().uss, me.num_fds()
    maps = len(me.memory_maps(grouped=False))
    for _ in range(40):
        use()
    gc.collect()
    assert me.memory_full_info().uss - memory < 40 << 20
    assert me.num_fds() <= files + 4
    assert len(me.memory_maps(grouped=False)) <= maps + 20


@pytest.mark.timeout(240, method="signal")
@pytest.mark.skipif(psutil.virtual_memory().available < 9 << 30, reason="needs 9 GB of free memory")
def test_three_gigabytes(pool):
    """More than 2³¹ bytes in one result, and in one argument."""
    n = 3_000_000_000 // 8
    start = time.monotonic()
    a = pool.apply(np.arange, (n,))
    assert a.size == n and a[0] == 0 and a[-1] == n - 1 and a[1 << 28] == 1 << 28
    assert pool.apply(lambda a: (int(a[-1]), int(a[1 << 28])), (a,)) == (n - 1, 1 << 28)
    assert time.monotonic() - start < 100


@pytest.mark.skipif(not _core.HAS_FORKSERVER, reason="shared memory lies in /dev/shm on this system")
def test_a_small_dev_shm():
    """64 MB of /dev/shm, as containers have it: 400 MB of arrays go through all the same."""
    import subprocess

    prefix = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"', "sh"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("may not mount a small /dev/shm here (needs root and `unshare`)")
    ran = run_script(
        """
        import os, shutil
        import numpy as np
        from bakusoku import Pool
        assert shutil.disk_usage("/dev/shm").total < 1 << 27
        with Pool(2) as pool:
            a = np.ones(25_000_000)  # 200 MB
            print(pool.map(np.sum, [a, a]))
            print([r.sum() for r in pool.map(np.ones, [25_000_000] * 2)])
        print(os.listdir("/dev/shm"))
        """,
        prefix=prefix,
    ).fine()
    assert ran.out == "[np.float64(25000000.0), np.float64(25000000.0)]\n" * 2 + "[]\n"
    assert ran.err == ""


# ---- objects of MNE --------------------------------------------------------------------------------------------


def test_recordings_of_mne(pool):
    import mne

    info = mne.create_info(20, 1000.0, "mag")
    raw = mne.io.RawArray(RNG.standard_normal((20, 30000)) * 1e-12, info, verbose="error")

    def work(raw):
        raw.filter(1.0, 40.0, verbose="error")  # in place, as MNE does
        epochs = mne.make_fixed_length_epochs(raw, 1.0, preload=True, verbose="error")
        return raw, epochs, epochs.average()

    before = raw.get_data().copy()
    expected = work(raw.copy())
    for got in pool.map(work, [raw, raw, raw]):
        assert np.array_equal(got[0].get_data(), expected[0].get_data())
        assert np.array_equal(got[1].get_data(copy=False), expected[1].get_data(copy=False))
        assert np.array_equal(got[2].data, expected[2].data)
        got[0].apply_function(lambda x: x * 0, verbose="error")
    assert np.array_equal(raw.get_data(), before)
