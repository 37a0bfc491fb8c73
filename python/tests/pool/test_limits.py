"""Limits of address space and files, and numbers without limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bakusoku import Pool

from . import tasks
from .script import run_script


@pytest.mark.parametrize("seconds", [math.inf, 1e19, 1e300, np.float64(1e12)])
def test_a_timeout_without_end_is_no_limit(seconds):
    with Pool(1) as pool:
        assert pool.map(tasks.square, [2], timeout=seconds) == [4]
        assert pool.map(tasks.square, [3]) == [9]
        assert pool.apply_async(tasks.square, (3,)).get(seconds) == 9
        assert pool.map(tasks.square, [4], memory=2**64) == [16]


@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.parametrize("limit", [1_200_000, 2_000_000, 4_000_000])
def test_large_results_and_arguments_under_a_limit_of_addresses(limit, context):
    ran = run_script(f"""
        import resource
        import numpy as np
        resource.setrlimit(resource.RLIMIT_AS, ({limit} << 10, {limit} << 10))
        from bakusoku import Pool

        def make(i): return np.full(100_000_000 // 8, float(i))
        def read(a): a[0] += 1; return a.sum()

        if __name__ == "__main__":
            with Pool(2, context={context!r}) as pool:
                print([a[5] for a in pool.imap(make, range(8))] == list(range(8)))
                print([a for a in pool.imap(read, (np.ones(6_000_000) for _ in range(6)), 1)] == [6_000_001.0] * 6)
    """)
    if limit < 2_000_000 and "MemoryError" in ran.err:
        pytest.skip("NumPy itself has no room here")
    assert ran.fine().out == "True\nTrue\n", ran.err


def test_errors_name_the_limit():
    ran = run_script("""
        import resource
        from bakusoku import Pool

        if __name__ == "__main__":
            soft = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
            try:
                with Pool(64) as pool: pool.map(abs, range(1000), 1)
            except Exception as error:
                print(type(error).__name__, error)
    """).clean()
    assert "ulimit -n" in ran.out, (ran.out, ran.err)


@pytest.mark.parametrize("context", ["fork", "forkserver"])
def test_many_workers_fit_into_the_usual_number_of_files(context):
    ran = run_script(
        f"""
        import os, resource, signal, time
        import numpy as np
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
        from bakusoku import Pool

        def work(i):
            if i == 7: os.kill(os.getpid(), signal.SIGKILL)
            return np.full(1 << 17, i)

        if __name__ == "__main__":
            with Pool(256, context={context!r}) as pool:
                results = pool.map(work, range(300), 1, on_error="return")
                kinds = [type(r).__name__ for r in results]
                print(kinds.count("WorkerDied"), kinds.count("ndarray"))
                if os.fork() == 0:
                    os._exit(int(results[11][5]))
                print(os.waitstatus_to_exitcode(os.wait()[1]), results[12].sum() == 12 << 17)
                del results
                print(pool.map(abs, range(3), 1))
    """,
        seconds=80,
    ).fine()
    assert ran.out == "1 299\n11 True\n[0, 1, 2]\n", ran.err
