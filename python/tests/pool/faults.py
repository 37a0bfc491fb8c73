"""Ways in which a task goes wrong."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

from . import tasks


class NeedsTwo(Exception):
    """Pickles well and cannot be rebuilt: `BaseException.__reduce__` gives one argument only."""

    def __init__(self, subject, reason):
        super().__init__(f"{subject}: {reason}")
        self.reason = reason


class HoldsALock(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


class BreaksWhenRebuilt:
    def __reduce__(self):
        return _broken, ()


def _broken():
    raise RuntimeError("cannot be rebuilt here")


class BreaksInTheWorker:
    """Travels out, cannot be rebuilt anywhere but in the process that made it."""

    def __init__(self):
        self.home = os.getpid()

    def __reduce__(self):
        return _at_home, (self.home,)


def _at_home(home):
    if os.getpid() != home:
        raise RuntimeError("cannot be rebuilt here")
    return BreaksInTheWorker()


def by_signal(number):
    os.kill(os.getpid(), number)
    time.sleep(5)


def kill():
    by_signal(signal.SIGKILL)


def segfault():
    import faulthandler

    faulthandler.disable()
    ctypes.string_at(0)


def abort():
    os.abort()


def underscore_exit():
    os._exit(3)


def sys_exit():
    sys.exit(7)


def cannot_be_rebuilt():
    raise NeedsTwo("sub-03", "no trigger channel")


def holds_a_lock():
    raise HoldsALock("sub-03 is locked")


def plain():
    raise ValueError("no good: 3")


def result_is_a_lock():
    return {"subject": "sub-03", "inner": [1, threading.Lock()]}


def result_is_a_generator():
    return (i for i in range(3))


def result_breaks():
    return BreaksWhenRebuilt()


def interrupt():
    raise KeyboardInterrupt


def generator_exit():
    raise GeneratorExit


def out_of_memory():
    raise MemoryError("3 GB for one array")


DEADLY = {
    "SIGKILL": kill,
    "SIGSEGV": segfault,
    "SIGABRT": abort,
    "os._exit": underscore_exit,
}
ERRORS = {
    "sys.exit": sys_exit,
    "cannot be rebuilt": cannot_be_rebuilt,
    "holds a lock": holds_a_lock,
    "plain": plain,
    "result is a lock": result_is_a_lock,
    "result is a generator": result_is_a_generator,
    "result breaks": result_breaks,
    "KeyboardInterrupt": interrupt,
    "GeneratorExit": generator_exit,
    "MemoryError": out_of_memory,
}
ALL = DEADLY | ERRORS


def at_3(fault, i):
    """Item 3 goes wrong, the others are fine and quick."""
    if i == 3:
        return ALL[fault]()
    time.sleep(0.005)
    return i


def once(folder, fault, i):
    """Goes wrong the first time only."""
    path = os.path.join(folder, f"tried-{i}")
    if i == 3 and not os.path.exists(path):
        tasks.touch(path)
        ALL[fault]()
    return i


def failing_initializer():
    raise RuntimeError("no licence for this worker")


def dying_initializer():
    os._exit(9)
