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


def test_one_worker_has_all_cores():
    assert shown("show(pool.map(threads, [0.1] * 3))", pool="1") == (1, [CORES])
    assert shown("show([pool.apply(threads, (0.1,))])", pool="1") == (1, [CORES])


def test_the_last_of_many_gets_what_is_free():
    """Fewer tasks than cores: each gets more; afterwards the next ones get less again."""
    call = "show(pool.map(threads, [0.1])); show(pool.map(threads, [0.1] * 6 * CORES, chunksize=1)[: 4 * CORES])"
    code = THREADS.format(before=f"CORES = {CORES}", pool="", call=call)
    assert run_script(code).fine().out.splitlines() == [f"1 [{CORES}]", f"{CORES} [1]"]


def test_exported_numbers_cap_threads_inside():
    env = {"OMP_NUM_THREADS": "1"}
    assert shown("show(pool.map(threads, [0.1]))", env=env) == (1, [1])
    assert shown("show(pool.map(threads, [0.1] * 3))", pool="1", env=env) == (1, [1])
    set_later = "os.environ['OMP_NUM_THREADS'] = '1'"
    assert shown("show(pool.map(threads, [0.1]))", before=set_later) == (1, [1])


@pytest.mark.skipif(CORES < 2, reason="one core")
def test_never_more_threads_than_cores():
    """Whatever comes and goes of one call, at any time."""
    code = """
        import random, time
        import numpy as np
        from bakusoku import Pool, n_threads

        def task(seconds):
            import threadpoolctl
            start = time.monotonic()
            n = max(i["num_threads"] for i in threadpoolctl.threadpool_info())
            time.sleep(seconds)
            return start, time.monotonic(), n

        random.seed(1)
        with Pool() as pool:
            for n_items in (1, 2, 3, 5, 7, 11):
                ran = pool.map(task, [random.uniform(0.005, 0.1) for _ in range(n_items)], chunksize=1)
                for t, _, _ in ran:
                    at_once = sum(n for a, b, n in ran if a <= t < b)
                    assert at_once <= n_threads(), (n_items, at_once, ran)
    """
    run_script(code).fine()


@pytest.mark.skipif(CORES < 2, reason="one core")
def test_elastic():
    """A task that runs gets the cores that become free, and gives them back."""
    code = f"""
        import time
        import numpy as np
        from bakusoku import Pool

        def threads():
            import threadpoolctl
            return max(i["num_threads"] for i in threadpoolctl.threadpool_info())

        def task(kind):
            if kind == "short":
                time.sleep(0.2)
            seen = []
            end = time.monotonic() + 30
            while kind == "long" and time.monotonic() < end and seen[-2:] != [1, {CORES}]:
                if [threads()] != seen[-1:]:
                    seen.append(threads())
                time.sleep(0.01)
            return seen

        with Pool({CORES}, threads="elastic") as pool:
            print(pool.map(task, ["long"] + ["short"] * {4 * CORES}, chunksize=1)[0][-2:])
    """
    assert run_script(code).fine().out == f"[1, {CORES}]\n"


def test_the_environment_of_a_task_is_the_users():
    """However the pool tells libraries how many threads to start."""
    code = """
        import os
        from bakusoku import Pool
        names = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BAKUSOKU_NUM_THREADS"

        def values(_):
            import numpy as np, threadpoolctl
            return [os.environ.get(n) for n in names], max(i["num_threads"] for i in threadpoolctl.threadpool_info())

        with Pool(2, threads=1) as pool:
            for shown, n in pool.map(values, range(4), chunksize=1):
                assert shown == [os.environ.get(n) for n in names], shown
                assert n == 1, n
    """
    for value in (None, "1", "7"):
        run_script(code, env={"OMP_NUM_THREADS": value, "OPENBLAS_NUM_THREADS": None}).fine()


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
