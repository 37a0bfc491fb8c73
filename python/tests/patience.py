"""How long a test may wait on the machine that it runs on."""

from __future__ import annotations

import functools
import subprocess
import sys
import time

#: Seconds in which an idle machine starts Python.
_IDLE = 0.03


@functools.cache
def _slowness() -> float:
    """How many times slower this machine is now than an idle one; measured once."""
    start = time.monotonic()
    for _ in range(3):
        subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True)
    return max(1.0, (time.monotonic() - start) / 3 / _IDLE)


def within(seconds: float) -> float:
    """A limit for what takes less than `seconds` on an idle machine: others may be at work on this one."""
    return 8 * seconds * _slowness()
