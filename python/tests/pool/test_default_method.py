"""Where workers come from: by default from where `multiprocessing` takes them, whatever runs in this process."""

from __future__ import annotations

import pytest

from .script import run_script

WORKERS = """
    import os, sys, threading, time
    {before}
    time.sleep(0.2)  # threads that were started have begun
    from bakusoku import Pool, _core

    with Pool(2{more}) as pool:
        parents = set(pool.map(lambda _: os.getppid(), range(4)))
        print(parents == {{os.getpid()}}, parents == {{_core.forkserver()}})
"""


@pytest.mark.parametrize(
    "before, more, forks",
    [
        ("", "", True),
        ("import numpy, scipy.linalg; numpy.ones((300, 300)) @ numpy.ones((300, 300))", "", True),
        ("import bakusoku, numpy; bakusoku.filter.filter_data(numpy.ones((8, 9999)), 1000.0, 1.0, 40.0)", "", True),
        ("threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", "", True),
        ("import numpy; held = numpy.ones(150_000_000)", "", True),
        ("", ", context='forkserver'", False),
        ("threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", ", context='fork'", True),
        ("os.environ['BAKUSOKU_START_METHOD'] = 'forkserver'", "", False),
        ("import multiprocessing; multiprocessing.set_start_method('forkserver')", "", False),
    ],
)
def test_parent(before, more, forks):
    ran = run_script(WORKERS.format(before=before, more=more), env={"BAKUSOKU_START_METHOD": None}).fine()
    assert ran.out == f"{forks} {not forks}\n"


def test_threads_of_others_are_seen():
    """Not one of Python's: nothing is known of what it has locked."""
    ran = run_script(
        """
        import _thread, time
        from bakusoku import _core

        print(_core.fork_is_safe())
        _thread.start_new_thread(time.sleep, (60,))
        print(_core.fork_is_safe())
        """
    ).fine()
    assert ran.out == "True\nFalse\n"


def test_what_was_forked_is_replaced():
    ran = run_script(
        """
        import os
        from bakusoku import Pool, WorkerDied

        with Pool(2, maxtasksperchild=3) as pool:
            for _ in range(3):
                try:
                    pool.map(lambda i: os._exit(1) if i == 1 else i, range(4), chunksize=1)
                except WorkerDied as error:
                    print(error.index)
                print(pool.map(abs, range(-8, 0), chunksize=1))
        """
    ).fine()
    assert ran.out == "1\n[8, 7, 6, 5, 4, 3, 2, 1]\n" * 3
