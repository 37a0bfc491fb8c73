"""Kernels and containers that lack calls: the portable way is taken, or one sentence names the call."""

from __future__ import annotations

import pytest

from .script import run_script

PRELUDE = """
import errno, os, signal, sys, time
from pool.seccomp import refuse
if not refuse({names}, error=errno.{error}):
    print("no filter"); sys.exit()
"""

WORK = """
import numpy as np
import bakusoku
from bakusoku import Pool

def square(x): return x * x
def die(x):
    if x == 1: os.kill(os.getpid(), signal.SIGKILL)
    return x
def big(x): return np.full(1 << 18, x)

def main():
    pool = Pool(2, context={context!r})
    print(pool.map(square, range(4)))
    print([type(r).__name__ for r in pool.map(die, range(3), 1, on_error="return")])
    print(int(sum(a[0] for a in pool.map(big, range(4)))), [int(n) for n in pool.map(np.sum, [np.ones(1 << 18)] * 2)])
    try: pool.map(time.sleep, [30], timeout=0.3)
    except bakusoku.TaskTimeout: print("late")
    pool.close(); pool.join()
    with Pool(1, context={context!r}) as second: print(second.map(square, [3]))

if __name__ == "__main__":
    main()
"""


def ran(names, context, error="ENOSYS", work=WORK):
    names = ", ".join(map(repr, names))
    script = run_script(PRELUDE.format(names=names, error=error) + work.format(context=context))
    if script.out.startswith("no filter"):
        pytest.skip("this system has no seccomp filters")
    return script


REFUSED = [
    (["pidfd_open"], "ENOSYS"),
    (["pidfd_open", "pidfd_send_signal"], "EPERM"),
    (["prctl"], "ENOSYS"),
    (["setpgid"], "EPERM"),
    (["memfd_create"], "ENOSYS"),
    (["pidfd_open", "pidfd_send_signal", "memfd_create", "prctl", "setpgid"], "EPERM"),
]


@pytest.mark.parametrize("context", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("names, error", REFUSED, ids=[" ".join(names) for names, _ in REFUSED])
def test_the_portable_way_is_taken(names, error, context):
    script = ran(names, context, error).fine()
    assert script.out.splitlines() == [
        "[0, 1, 4, 9]",
        "['int', 'WorkerDied', 'int']",
        "6 [262144, 262144]",
        "late",
        "[9]",
    ], script.err


def test_where_nothing_works_the_calls_are_named():
    work = """
import tempfile
os.environ["TMPDIR"] = "/nonexistent"
os.environ["LC_ALL"] = "C"
from bakusoku import Pool
import builtins
try:
    # No room where POSIX shared memory is, and no folder for temporary files.
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    Pool(1)
except Exception as error:
    print(type(error).__name__, error)
"""
    script = ran(["memfd_create"], "fork", work=work)
    assert not script.hung
    script.clean()
    assert "memfd_create" in script.out or script.out == "", script.out
