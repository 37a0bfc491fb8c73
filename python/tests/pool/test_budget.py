"""Workers × threads never exceed the cores, without the user exporting anything."""

from __future__ import annotations

import os
import shutil

import pytest

import bakusoku

from .script import run_script

CORES = bakusoku.n_threads()

THREADS = """
    import os, sys, time
    import numpy as np
    from bakusoku import Pool
    {before}

    def threads(seconds):
        import threadpoolctl
        time.sleep(seconds)
        np.ones((50, 50)) @ np.ones((50, 50))
        return os.getpid(), [i["num_threads"] for i in threadpoolctl.threadpool_info()]

    def show(found):
        print(len({{p for p, _ in found}}), sorted({{n for _, ns in found for n in ns}}))

    pool = Pool({pool})
    {call}
"""


def shown(call="show(pool.map(threads, [0.2] * 4 * CORES, chunksize=1))", before="", pool="", **options):
    code = THREADS.format(before=f"CORES = {CORES}\n    " + before, pool=pool, call=call)
    ran = run_script(code, **options).fine()
    workers, rest = ran.out.strip().split(" ", 1)
    return int(workers), eval(rest)


def test_default():
    """As many workers as cores, one BLAS thread each while there is more to do."""
    code = "found = pool.map(threads, [0.2] * 6 * CORES, chunksize=1); show(found[: 4 * CORES])"
    assert shown(code) == (CORES, [1])


def test_threads_said():
    assert shown(pool="threads=1") == (CORES, [1])
    assert shown(pool="1, threads=1") == (1, [1])


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"])
def test_exported_thread_numbers_do_not_limit_workers(name):
    """Half the field exports OMP_NUM_THREADS=1: it caps threads inside a worker, never the workers."""
    assert shown(env={name: "1"})[0] == CORES


def test_affinity():
    if not shutil.which("taskset"):
        pytest.skip("no taskset")
    first = str(min(os.sched_getaffinity(0)))
    assert shown(prefix=["taskset", "-c", first]) == (1, [1])


def test_slurm():
    assert shown(env={"SLURM_CPUS_PER_TASK": "1"})[0] == 1


def test_bakusoku_num_threads():
    assert shown(env={"BAKUSOKU_NUM_THREADS": "3"})[0] == 3


def test_the_callers_own_blas_is_left_alone():
    ran = run_script(
        """
        import numpy as np, threadpoolctl
        from bakusoku import Pool
        before = threadpoolctl.threadpool_info()
        with Pool(2) as pool:
            pool.map(abs, range(10))
            during = threadpoolctl.threadpool_info()
        print(before == during == threadpoolctl.threadpool_info())
        """
    ).fine()
    assert ran.out == "True\n"
