"""Ctrl-C, SIGTERM and SIGKILL of the caller, and every way to leave: prompt, quiet, nothing left behind."""

from __future__ import annotations

import random
import signal
import time

import pytest
from patience import within

from .script import Script, run_script

LONG = """
    import sys, time
    import numpy as np
    from bakusoku import Pool

    def work(a):
        time.sleep(30)
        return a

    with Pool(2) as pool:
        print(len(set(pool.map(lambda _: (time.sleep(0.05), __import__("os").getpid())[1], range(8), chunksize=1))))
        result = pool.map_async(work, [np.ones(1 << 21)] * 6)
        time.sleep(0.3)
        print("working", flush=True)
        result.get()
"""


@pytest.mark.parametrize("group", [False, True], ids=["kill -INT", "terminal"])
def test_ctrl_c(group):
    script = Script(LONG)
    script.said("working")
    start = time.monotonic()
    script.signal(signal.SIGINT, group)
    ran = script.wait(20)
    assert not ran.hung and time.monotonic() - start < within(3.5)
    assert ran.returncode in (-signal.SIGINT, 1, 130)
    assert ran.err.count("KeyboardInterrupt") == 1, ran.err  # the caller's; no worker prints its own
    assert len(ran.err.splitlines()) < 30, ran.err
    ran.clean()


@pytest.mark.parametrize(
    "call",
    [
        "pool.map(work, range(6))",
        "list(pool.imap(work, range(6)))",
        "list(pool.imap_unordered(work, range(6)))",
        "pool.apply(work, (1,))",
        "pool.starmap(work, [(1,), (2,)])",
        "pool.map_async(work, range(6)).wait()",
    ],
)
def test_ctrl_c_in_any_call(call):
    script = Script(
        f"""
        import time
        from bakusoku import Pool

        def work(_):
            print("working", flush=True)
            time.sleep(30)

        with Pool(2) as pool:
            {call}
        """
    )
    time.sleep(0.5)
    script.said("working")
    time.sleep(0.1)
    start = time.monotonic()
    script.signal(signal.SIGINT, group=True)
    ran = script.wait(20)
    assert not ran.hung and time.monotonic() - start < within(3.5)
    assert ran.returncode != 0
    assert "KeyboardInterrupt" in ran.err
    ran.clean()


def test_ctrl_c_that_is_caught():
    """At the prompt and in notebooks the session goes on, and so does the pool."""
    script = Script(
        """
        import time
        from bakusoku import Pool

        pool = Pool(2)
        for _ in range(2):
            try:
                print("working", flush=True)
                pool.map(time.sleep, [30, 30, 30])
            except KeyboardInterrupt:
                print("interrupted", flush=True)
        print(pool.map(abs, [-1, -2, -3]))
        """
    )
    for n in (1, 2):
        while script.printed().count("working") < n:
            time.sleep(0.01)
        time.sleep(0.4)
        script.signal(signal.SIGINT, group=True)
        while script.printed().count("interrupted") < n and script.process.poll() is None:
            time.sleep(0.01)
    ran = script.wait(15).fine()
    assert ran.out.splitlines()[-1] == "[1, 2, 3]"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, signal.SIGQUIT])
def test_the_caller_is_killed(number):
    script = Script(LONG)
    script.said("working")
    script.signal(number)
    ran = script.wait(20, grace=10.0)
    assert ran.returncode == -number
    ran.clean()


@pytest.mark.timeout(200, method="signal")
def test_the_caller_is_killed_at_any_moment():
    """From the interpreter's start to the last result: nothing stays."""
    code = """
        import numpy as np
        from bakusoku import Pool

        print("started", flush=True)
        while True:
            with Pool(2) as pool:
                for a in pool.imap_unordered(lambda i: np.full(1 << 19, i), range(20)):
                    a.sum()
                pool.map(np.sum, [np.ones(1 << 19)] * 8)
    """
    rng = random.Random(3)
    for _ in range(12):
        script = Script(code)
        script.said("started")
        time.sleep(rng.uniform(0.0, 1.2))
        script.signal(signal.SIGKILL)
        script.wait(10, grace=10.0).clean()


def test_the_caller_is_killed_while_modules_are_loaded():
    """What the workers' parent has still to do then, it does not do."""
    script = Script(
        """
        import mne.io, scipy.signal, time
        from bakusoku import Pool
        pool = Pool(2)
        result = pool.map_async(time.sleep, [30] * 4)
        print("started", flush=True)
        result.get()
        """
    )
    script.said("started")
    script.signal(signal.SIGKILL)
    script.wait(10, grace=10.0).clean()


ENDINGS = {
    "by the end of the script": "",
    "by an error": "raise SystemError('the script fails')",
    "by sys.exit": "import sys; sys.exit(4)",
    "by os._exit": "import os; os._exit(5)",
    "with tasks running": "pool.map_async(__import__('time').sleep, [30] * 4); __import__('time').sleep(0.2)",
    "with results kept": "kept = pool.map(np.ones, [1 << 20] * 4)",
    "with a result iterator half consumed": "it = pool.imap(np.ones, [1 << 20] * 9); next(it)",
    "in a daemon thread": (
        "import threading; threading.Thread(target=lambda: pool.map(__import__('time').sleep, [30]), "
        "daemon=True).start(); __import__('time').sleep(0.2)"
    ),
}


@pytest.mark.parametrize("ending", list(ENDINGS))
def test_a_pool_that_is_never_closed(ending):
    ran = run_script(
        f"""
        import numpy as np
        from bakusoku import Pool
        pool = Pool(2)
        print(pool.map(abs, [-1, -2]), flush=True)
        {ENDINGS[ending]}
        """,
        20,
    )
    assert not ran.hung and ran.seconds < 12
    assert ran.out == "[1, 2]\n"
    expected = {"by an error": 1, "by sys.exit": 4, "by os._exit": 5}.get(ending, 0)
    assert ran.returncode == expected, ran.err
    if ending == "by an error":
        assert ran.err.rstrip().endswith("SystemError: the script fails")
    else:
        assert ran.err == "", ran.err
    ran.clean()


def test_a_caller_that_is_stopped_for_a_while():
    """Ctrl-Z and fg."""
    script = Script(
        """
        import time
        from bakusoku import Pool
        with Pool(2) as pool:
            result = pool.map_async(time.sleep, [0.3] * 6)
            print("working", flush=True)
            print(len(result.get()))
        """
    )
    script.said("working")
    script.signal(signal.SIGSTOP, group=True)
    time.sleep(1.0)
    script.signal(signal.SIGCONT, group=True)
    assert script.wait(20).fine().out.split() == ["working", "6"]
