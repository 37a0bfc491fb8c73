"""The pool's own parts: calls, functions by value, errors, ends of processes."""

from __future__ import annotations

import functools
import multiprocessing.pool
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from patience import within

import bakusoku
from bakusoku import Pool, TaskTimeout, WorkerDied


@pytest.fixture(scope="module")
def pool():
    with Pool(2) as pool:
        yield pool


def python(code: str, timeout: float = 60) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=timeout
    )


def test_calls(pool):
    assert pool.map(lambda x: x * x, range(100)) == [x * x for x in range(100)]
    assert pool.map(str, []) == []
    assert pool.starmap(pow, [(2, 3), (3, 2)]) == [8, 9]
    assert pool.apply(lambda a, *, b: (a, b), (1,), {"b": 2}) == (1, 2)
    assert list(pool.imap(lambda x: x + 1, iter(range(50)))) == list(range(1, 51))
    assert sorted(pool.imap_unordered(lambda x: x + 1, range(50), chunksize=7)) == list(range(1, 51))
    result = pool.map_async(abs, [-1, -2])
    assert result.get(30) == [1, 2] and result.ready() and result.successful()
    assert pool.starmap_async(max, [(1, 2)]).get() == [2]
    assert set(pool.map(lambda _: os.getpid(), range(20))) <= set(pool._crew.processes()) - {os.getpid()}


def test_many_small_items_keep_their_order(pool):
    assert pool.map(lambda x: x, range(30000)) == list(range(30000))
    assert list(pool.imap(lambda x: x, range(5000))) == list(range(5000))
    results = [pool.apply_async(abs, (-i,)) for i in range(500)]
    assert [r.get() for r in results] == list(range(500))


def test_functions_of_many_kinds(pool):
    offset = 10

    def closure(x):
        return x + offset

    class Local:
        def __init__(self, a):
            self.a = a

        def method(self, x):
            return self.a + x

    assert pool.map(closure, [1, 2]) == [11, 12]
    assert pool.map(Local(5).method, [1, 2]) == [6, 7]
    assert pool.map(functools.partial(pow, 2), [3, 4]) == [8, 16]
    assert pool.map("{}!".format, [1]) == ["1!"]
    back = pool.map(lambda x: Local(x), [1, 2])
    assert [b.a for b in back] == [1, 2] and all(type(b) is Local for b in back)
    with pytest.raises(multiprocessing.pool.MaybeEncodingError):
        pool.map(lambda x: lambda: x, [4])


def test_functions_of_main_need_no_guard():
    done = python("""
        from bakusoku import Pool
        FACTOR = 3
        class Item:
            def __init__(self, x): self.x = x
            def __eq__(self, other): return self.x == other.x
        def f(item):
            return Item(item.x * FACTOR)
        pool = Pool(2)
        print(pool.map(f, [Item(1), Item(2)]) == [Item(3), Item(6)])
        FACTOR = 5
        print(pool.map(f, [Item(1)]) == [Item(5)])
    """)
    assert done.stdout.split() == ["True", "True"] and done.stderr == "", done.stderr


def test_errors_come_with_the_worker_s_traceback(pool):
    def bad(x):
        return 1 / x

    with pytest.raises(ZeroDivisionError) as caught:
        pool.map(bad, [1, 0, 2])
    assert type(caught.value.__cause__) is multiprocessing.pool.RemoteTraceback
    assert "in bad" in str(caught.value.__cause__) and __file__ in str(caught.value.__cause__)
    assert caught.value.__notes__ == ["item 1: 0"]
    kept = pool.map(bad, [1, 0, 2], on_error="return", labels=["a", "b", "c"])
    assert kept[0] == 1 and kept[2] == 0.5 and kept[1].__notes__ == ["b: 0"]
    assert pool.map(bad, [4]) == [0.25]


class TwoArguments(Exception):
    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")


def test_exceptions_that_do_not_travel(pool):
    def rebuild(x):
        raise TwoArguments(1, 2)

    def lock(x):
        raise ValueError("with a lock", threading.Lock())

    with pytest.raises(bakusoku.RemoteError, match="TwoArguments: 1 and 2"):
        pool.map(rebuild, [1])
    with pytest.raises(bakusoku.RemoteError, match="with a lock"):
        pool.map(lock, [1])


def test_what_cannot_be_sent_is_named(pool):
    lock = threading.Lock()
    with pytest.raises(TypeError, match="the function.*variable `lock`.*lock"):
        pool.map(lambda x: lock, [1])
    with pytest.raises(TypeError, match=r"item 1.*\['here'\].*lock"):
        pool.map(len, [{}, {"here": lock}])
    kept = pool.map(len, [{}, {"here": lock}, {1: 2}], on_error="return")
    assert kept[0] == 0 and isinstance(kept[1], TypeError) and kept[2] == 1
    with pytest.raises(multiprocessing.pool.MaybeEncodingError, match="the result"):
        pool.map(lambda x: threading.Lock(), [1])
    kept = pool.map(lambda x: threading.Lock() if x == 2 else x, range(4), chunksize=4, on_error="return")
    assert kept[:2] + kept[3:] == [0, 1, 3] and isinstance(kept[2], multiprocessing.pool.MaybeEncodingError)


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(7)", "ctypes.string_at(0)", "sys.exit(7)"])
@pytest.mark.parametrize("chunksize", [None, 4])
def test_a_dead_worker_is_an_error_that_names_the_item(pool, end, chunksize):
    def f(x, end=end):
        import ctypes
        import os
        import sys

        if x == 3:
            exec(end, {"ctypes": ctypes, "os": os, "sys": sys})
        return x

    start = time.monotonic()
    with pytest.raises(WorkerDied, match="item 3") as caught:
        pool.map(f, range(8), chunksize=chunksize)
    assert time.monotonic() - start < within(2)
    assert caught.value.index == 3
    kept = pool.map(f, range(8), chunksize=chunksize, on_error="return")
    assert kept[:3] + kept[4:] == [0, 1, 2, 4, 5, 6, 7] and isinstance(kept[3], WorkerDied)
    assert isinstance(pickle.loads(pickle.dumps(kept[3])), WorkerDied)


def test_timeout_ends_that_item_alone(pool):
    start = time.monotonic()
    kept = pool.map(lambda x: time.sleep(60 if x == 1 else 0) or x, range(5), timeout=0.5, on_error="return")
    assert time.monotonic() - start < within(5)
    assert isinstance(kept[1], TaskTimeout) and kept[:1] + kept[2:] == [0, 2, 3, 4]
    with pytest.raises(TimeoutError):
        pool.map(time.sleep, [30], timeout=0.2)


def test_retries(pool, tmp_path):
    def flaky(x):
        path = tmp_path / str(x)
        n = len(path.read_text()) if path.exists() else 0
        path.write_text("x" * (n + 1))
        if n < 2:
            os._exit(1) if x % 2 else 1 / 0
        return n

    assert pool.map(flaky, range(4), retries=2) == [2, 2, 2, 2]
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises((ZeroDivisionError, WorkerDied)):
        pool.map(flaky, range(4), retries=1)


def test_imap_takes_items_only_as_they_are_needed(pool):
    taken = []

    def items():
        for i in range(1000):
            taken.append(i)
            yield i

    results = pool.imap(lambda x: time.sleep(0.002) or x, items())
    assert next(results) == 0
    time.sleep(0.2)
    assert len(taken) < 20
    assert list(results) == list(range(1, 1000))
    taken.clear()
    results = pool.imap_unordered(lambda x: x, items(), chunksize=1)
    next(results)
    time.sleep(0.2)
    assert len(taken) < 400, "items that are done at once"
    assert len(list(results)) == 999


def test_imap_left_alone_runs_to_its_end(tmp_path):
    pool = Pool(2)
    results = pool.imap(lambda x: (tmp_path / str(x)).touch(), range(60), chunksize=1)
    pool.close()
    pool.join()
    assert len(list(tmp_path.iterdir())) == 60
    assert list(results) == [None] * 60


def test_iterables_that_raise(pool):
    def items():
        yield 1
        raise KeyError("in the generator")

    with pytest.raises(KeyError):
        pool.map(abs, items())
    results = pool.imap(abs, items())
    assert next(results) == 1
    with pytest.raises(KeyError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


def test_callbacks(pool):
    got, arrived = [], threading.Event()
    pool.apply_async(abs, (-3,), callback=lambda v: (got.append(v), arrived.set()))
    assert arrived.wait(30) and got == [3]
    arrived.clear()
    pool.map_async(lambda x: 1 / x, [0], error_callback=lambda e: (got.append(e), arrived.set()))
    assert arrived.wait(30) and isinstance(got[1], ZeroDivisionError)


def test_the_mistakes_that_people_make(pool):
    def two(a, b):
        return a + b

    with pytest.raises(TypeError, match="did you mean `starmap_async`"):
        pool.map_async(two, [(1, 2), (4, 6)]).get()
    with pytest.raises(TypeError, match="did you mean `starmap`"):
        pool.map(two, [(1, 2), (4, 6)])
    with pytest.warns(UserWarning, match="map_async"):
        from bakusoku.pool._results import ResultList

        ResultList._said = False
        assert pool.map(abs, [-1]).get() == [1]


def test_life():
    pool = Pool(1)
    result = pool.apply_async(abs, (-1,))
    pool.close()
    with pytest.raises(ValueError, match="not running"):
        pool.map(abs, [1])
    pool.join()
    assert result.get(5) == 1
    pool = Pool(2)
    with pytest.raises(ValueError, match="still running"):
        pool.join()
    result = pool.map_async(time.sleep, [60])
    time.sleep(0.2)
    pool.terminate()
    pool.join()
    with pytest.raises(bakusoku.PoolError):
        result.get(5)
    with pytest.raises(NotImplementedError):
        pickle.dumps(pool)
    assert "TERMINATE" in repr(pool)


def test_initializer_and_lives():
    with Pool(2, initializer=lambda v: setattr(sys, "marker", v), initargs=(7,), maxtasksperchild=3) as pool:
        got = pool.map(lambda _: (sys.marker, os.getpid()), range(30), chunksize=1)
        assert {g[0] for g in got} == {7}
        pids = [g[1] for g in got]
        assert max(pids.count(p) for p in pids) == 3 and len(set(pids)) >= 10
    with Pool(1, initializer=lambda: 1 / 0) as pool, pytest.raises(ZeroDivisionError):
        pool.map(abs, [1])
    with Pool(1, initializer=lambda: os._exit(3)) as pool, pytest.raises(WorkerDied):
        pool.map(abs, [1])


def test_workers_are_told_what_a_fork_would_know(tmp_path, monkeypatch):
    import warnings

    import numpy as np

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OF_THE_TEST", "yes")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    (tmp_path / "of_the_test.py").write_text("VALUE = 3\ndef get(x): return VALUE + x\n")
    import of_the_test

    with warnings.catch_warnings(), np.errstate(divide="raise"):
        warnings.simplefilter("error", RuntimeWarning)
        with Pool(1) as pool:
            assert pool.apply(os.getcwd) == str(tmp_path)
            assert pool.apply(os.getenv, ("OF_THE_TEST",)) == "yes"
            assert pool.apply(np.geterr)["divide"] == "raise"
            assert pool.map(of_the_test.get, [1]) == [4]
            with pytest.raises(RuntimeWarning):
                pool.apply(lambda: __import__("warnings").warn("w", RuntimeWarning, stacklevel=1))


def test_output_comes_under_the_item_s_label(pool, capsys):
    pool.map(lambda x: print("hello", x), [1, 2], labels=["sub-01", "sub-02"])
    pool.map(lambda x: print("oh", file=sys.stderr), [1])
    out, err = capsys.readouterr()
    assert sorted(out.splitlines()) == ["[sub-01] hello 1", "[sub-02] hello 2"] and err == "[item 0] oh\n"


def test_ctrl_c_ends_everything():
    code = """
        import time, os
        from bakusoku import Pool
        pool = Pool(2)
        pids = pool.map(lambda _: (time.sleep(0.2), os.getpid())[1], range(2))
        print(*set(pids), flush=True)
        try:
            pool.map(lambda _: time.sleep(30), range(4))
        except KeyboardInterrupt:
            print(pool.map(abs, [-5]), flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    pids = [int(p) for p in process.stdout.readline().split()]
    time.sleep(0.5)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert time.monotonic() - start < within(2) and out.strip() == "[5]"
    assert gone(pids, 2)


def gone(pids, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(os.path.exists(f"/proc/{pid}") for pid in pids):
            return True
        time.sleep(0.02)
    return False


def test_nothing_outlives_its_owner():
    code = """
        import time, os
        from bakusoku import Pool, _core
        pool = Pool(2, context="forkserver")
        pids = pool.map(lambda _: (time.sleep(0.2), os.getpid())[1], range(4))
        print(*set(pids), _core.forkserver(), flush=True)
        pool.map(lambda _: time.sleep(30), range(4))
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    pids = [int(p) for p in process.stdout.readline().split()]
    time.sleep(0.3)
    process.kill()
    process.wait()
    assert len(pids) >= 2 and gone(pids, 20)


def test_a_killed_forkserver_is_replaced():
    pool = Pool(2, context="forkserver")
    assert pool.map(abs, [-1]) == [1]
    os.kill(bakusoku._core.forkserver(), signal.SIGKILL)
    time.sleep(0.2)
    assert pool.map(abs, [-1, -2]) == [1, 2]
    pool.terminate()
    pool.join()


def test_fork_context():
    state = {"carried": True}
    marker = object()
    with Pool(2, context="fork") as pool:
        assert pool.map(lambda x: x + 1, range(10)) == list(range(1, 11))
        with pytest.raises(WorkerDied):
            pool.map(lambda x: os._exit(1), [1])
        assert pool.map(abs, [-1]) == [1]
    del state, marker


def test_parameters_are_checked():
    for wrong in (
        dict(processes=0),
        dict(maxtasksperchild=0),
        dict(on_error="ignore"),
        dict(timeout=0),
        dict(retries=-1),
    ):
        with pytest.raises(ValueError):
            Pool(**wrong)
    for wrong in (dict(processes="2"), dict(initializer=3), dict(labels="ab")):
        with pytest.raises(TypeError):
            Pool(**wrong)
    with Pool(1) as pool:
        with pytest.raises(TypeError, match="colour"):
            pool.map(abs, [1], colour="red")
        with pytest.raises(ValueError, match="3 names for 1"):
            pool.map(abs, [1], labels=["a", "b", "c"])
        with pytest.raises(ValueError, match="Chunksize"):
            pool.imap(abs, [1], chunksize=0)


def test_no_task_sees_what_another_did_to_its_item(pool):
    def grow(items, x=None):
        items.append(x)
        return len(items)

    shared = [1]
    assert pool.map(grow, [shared] * 200) == [2] * 200
    assert pool.map(grow, [shared] * 12, chunksize=12) == [2] * 12
    assert pool.starmap(grow, [(shared, i) for i in range(200)]) == [2] * 200


def test_timeout_counts_for_each_item_also_with_chunks(pool):
    assert pool.map(lambda x: time.sleep(0.3) or x, range(4), chunksize=4, timeout=0.8) == [0, 1, 2, 3]
    with pytest.raises(multiprocessing.TimeoutError):
        pool.map(time.sleep, [9], timeout=0.2)
    with pytest.raises(TypeError, match="timeout"):
        pool.map(abs, [1], timeout="long")


def test_items_that_are_no_tuples_for_starmap(pool):
    with pytest.raises(TypeError, match="did you mean `map`"):
        pool.starmap(abs, [1, 2])
