"""However a pool's process ends: after a second there is no process, file, semaphore or shared memory of it."""

from __future__ import annotations

import signal

import pytest

from .script import Script

CONTEXTS = pytest.mark.parametrize("context", ["fork", "forkserver", "spawn"])

TASK = """
    import os, subprocess, sys, time
    import numpy as np
    from bakusoku import Pool, _core

    def task(i):
        subprocess.Popen(["sleep", "100"])
        if _core.HAS_FORKSERVER:  # elsewhere the system keeps what a shell has left running
            subprocess.run("sleep 100 &", shell=True)
        print("running", flush=True)
        time.sleep(30)

    if __name__ == "__main__":
        pool = Pool(2, context={context!r})
        pool.map(np.ones, [1 << 18] * 4)
        result = pool.map_async(task, range(2), 1)
        time.sleep(0.7)
        print("now", flush=True)
        {end}
"""

ENDS = {
    "exception": "1 / 0",
    "terminate": "pool.terminate(); pool.join()",
    "with": "\n        with pool: pass",
    "sys.exit": "sys.exit(3)",
    "os._exit": "os._exit(4)",
}


@CONTEXTS
@pytest.mark.parametrize("end", list(ENDS))
def test_nothing_is_left(end, context):
    ran = Script(TASK.format(context=context, end=ENDS[end])).wait(30, grace=1.5)
    assert not ran.hung, ran.err
    ran.clean()


@CONTEXTS
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_the_owner_is_killed(number, context):
    script = Script(TASK.format(context=context, end="result.get()"))
    script.said("now")
    script.signal(number)
    ran = script.wait(30, grace=1.5)
    assert not ran.hung
    ran.clean()


@CONTEXTS
def test_joblib_within_a_task_leaves_nothing(context):
    pytest.importorskip("joblib")
    script = Script(f"""
        import numpy as np
        from bakusoku import Pool

        def task(i):
            import joblib
            return sum(joblib.Parallel(n_jobs=2)(joblib.delayed(np.sum)(np.ones(1 << 18)) for _ in range(4)))

        if __name__ == "__main__":
            with Pool(2, context={context!r}) as pool:
                print(pool.map(task, range(2), 1))
    """)
    ran = script.wait(60, grace=2.0)
    assert ran.fine().out == "[1048576.0, 1048576.0]\n" or "1048576" in ran.out
