"""`bakusoku.Executor`: what `concurrent.futures` promises, held by both."""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, CancelledError, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool

import pytest

import bakusoku

from . import tasks
from .conftest import alive, wait_until
from .script import run_script

EXECUTORS = {
    "bakusoku": bakusoku.Executor,
    "futures": lambda n, **k: ProcessPoolExecutor(n, mp_context=multiprocessing.get_context("fork"), **k),
}


@pytest.fixture(params=list(EXECUTORS))
def make(request):
    return EXECUTORS[request.param]


@pytest.fixture
def executor(make):
    with make(2) as e:
        yield e


def test_submit(executor):
    future = executor.submit(tasks.add, 1, b=2, c=3)
    assert future.result(30) == 6 and future.done() and not future.cancelled() and future.exception() is None


def test_map(executor):
    assert list(executor.map(tasks.add, range(5), range(5))) == [0, 2, 4, 6, 8]
    assert list(executor.map(tasks.square, range(50), chunksize=7)) == [i * i for i in range(50)]
    assert list(executor.map(tasks.square, [])) == []


def test_map_with_a_timeout(executor):
    results = executor.map(tasks.sleep, [0.0, 2.0], timeout=0.5)
    assert next(results) == 0.0
    with pytest.raises(TimeoutError):
        next(results)


def test_map_rejects_chunks_without_items(executor):
    with pytest.raises(ValueError):
        executor.map(tasks.square, [1], chunksize=-1)


def test_exceptions(executor):
    future = executor.submit(tasks.fail, 1)
    error = future.exception(30)
    assert isinstance(error, ValueError) and str(error) == "no good: 1"
    assert 'raise ValueError(f"no good: {x}")' in str(error.__cause__)
    results = executor.map(tasks.fail_at_3, range(6))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError):
        next(results)


def test_callbacks(executor):
    seen = []
    future = executor.submit(tasks.square, 4)
    future.add_done_callback(lambda f: seen.append(f.result()))
    wait([future])
    time.sleep(0.05)
    assert seen == [16]


def test_wait_and_as_completed(executor):
    futures = [executor.submit(tasks.sleep, s) for s in (0.0, 0.6)]
    done, waiting = wait(futures, return_when=FIRST_COMPLETED)
    assert done == {futures[0]} and waiting == {futures[1]}
    assert [f.result() for f in as_completed(futures)] == [0.0, 0.6]
    assert wait(futures, return_when=ALL_COMPLETED).not_done == set()


def test_cancel(make):
    with make(1) as e:
        running = e.submit(tasks.sleep, 0.5)
        queued = [e.submit(tasks.sleep, 0.0) for _ in range(8)]
        assert queued[-1].cancel() and queued[-1].cancelled()
        with pytest.raises(CancelledError):
            queued[-1].result()
        time.sleep(0.1)
        assert not running.cancel()
        assert running.result(30) == 0.5
        assert all(f.result(30) == 0.0 for f in queued[:-1])


def test_shutdown(make):
    e = make(2)
    futures = [e.submit(tasks.sleep, 0.1) for _ in range(6)]
    e.shutdown(wait=True)
    assert all(f.done() and f.result() == 0.1 for f in futures)
    with pytest.raises(RuntimeError):
        e.submit(tasks.square, 1)


def test_shutdown_cancels(make):
    e = make(1)
    futures = [e.submit(tasks.sleep, 0.2) for _ in range(20)]
    time.sleep(0.1)
    e.shutdown(wait=True, cancel_futures=True)
    assert sum(f.cancelled() for f in futures) >= 10
    assert all(f.done() for f in futures)


def test_shutdown_without_waiting(make):
    e = make(2)
    future = e.submit(tasks.sleep, 2.0)
    e.shutdown(wait=False)
    assert not future.done()  # it came back before the call did
    assert future.result(30) == 2.0


def test_initializer(make):
    with make(2, initializer=tasks.set_state, initargs=("e", 3)) as e:
        assert list(e.map(tasks.get_state, ["e"] * 6)) == [3] * 6


@pytest.mark.parametrize("n", [0, -3])
def test_wrong_number_of_workers(make, n):
    with pytest.raises(ValueError):
        make(n)


def test_a_worker_dies_and_the_executor_lives():
    """Where the standard executor breaks and loses everything, ours loses the item."""
    from concurrent.futures.process import BrokenProcessPool

    with bakusoku.Executor(2) as e:
        futures = [e.submit(lambda i=i: os.kill(os.getpid(), 9) if i == 3 else i) for i in range(8)]
        assert [f.result(30) for i, f in enumerate(futures) if i != 3] == [0, 1, 2, 4, 5, 6, 7]
        with pytest.raises(BrokenProcessPool):
            futures[3].result(30)
        assert e.submit(tasks.square, 3).result(30) == 9


def test_with_asyncio():
    import asyncio

    async def main():
        loop = asyncio.get_running_loop()
        with bakusoku.Executor(2) as e:
            return await asyncio.gather(*(loop.run_in_executor(e, tasks.square, i) for i in range(10)))

    assert asyncio.run(main()) == [i * i for i in range(10)]


def test_work_that_was_submitted_is_done_at_exit():
    ran = run_script(
        """
        import time
        import bakusoku

        def work():
            time.sleep(0.5)
            print("done", flush=True)

        executor = bakusoku.Executor(2)
        executor.submit(work)
        """
    ).fine()
    assert ran.out.count("done") == 1
    assert ran.err == ""


def test_submitted_when_the_interpreter_ends():
    ran = run_script(
        """
        import atexit
        import bakusoku

        @atexit.register
        def late():
            try:
                executor.submit(abs, -1)
            except RuntimeError as error:
                print("refused:", type(error).__name__)

        executor = bakusoku.Executor(2)
        print(executor.submit(abs, -1).result())
        """
    ).fine()
    assert ran.out.startswith("1\n")  # refused, or nobody waits for it: no hang and no traceback
    assert ran.err == ""


def test_a_context_of_multiprocessing(make):
    if make is EXECUTORS["futures"]:
        pytest.skip("the oracle has it in its own constructor")
    with make(1, mp_context=multiprocessing.get_context("fork")) as e:
        assert e.submit(os.getppid).result(30) == os.getpid()


@pytest.mark.parametrize("way", ["terminate_workers", "kill_workers"])
def test_workers_are_ended(way):
    """As in Python 3.14: what runs is lost, and the executor takes nothing more."""
    e = bakusoku.Executor(2)
    futures = [e.submit(tasks.sleep, 600) for _ in range(4)]
    assert wait_until(lambda: futures[0].running(), 30)
    pids = e._pool._crew.processes()
    getattr(e, way)()
    for future in futures:
        assert isinstance(future.exception(60), BrokenProcessPool)
    with pytest.raises(RuntimeError):
        e.submit(tasks.square, 1)
    e.shutdown()
    assert wait_until(lambda: not any(map(alive, pids)), 30)


def test_a_buffer_keeps_to_its_size():
    taken = []

    def items():
        for i in range(40):
            taken.append(i)
            yield i

    with bakusoku.Executor(2) as e:
        results = e.map(tasks.square, items(), buffersize=5)
        assert len(taken) == 5
        for n in range(1, 10):
            assert next(results) == (n - 1) ** 2
            assert len(taken) <= 5 + n
        assert list(results) == [i * i for i in range(9, 40)]
        for bad in (0, -1):
            with pytest.raises(ValueError):
                e.map(tasks.square, [1], buffersize=bad)
        with pytest.raises(TypeError):
            e.map(tasks.square, [1], buffersize="5")
