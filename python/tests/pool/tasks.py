"""What tests give to pools: functions of an importable module."""

from __future__ import annotations

import os
import random
import time

import numpy as np

STATE = {}


def square(x):
    return x * x


def pid(_=None):
    return os.getpid()


def add(a, b=0, *, c=0):
    return a + b + c


def identity(x):
    return x


def slower_first(i):
    """Early items take longest: results arrive out of order."""
    time.sleep(max(0.0, 0.05 - 0.01 * i))
    return i


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def sleep_and_pid(seconds):
    time.sleep(seconds)
    return os.getpid()


def fail(x):
    raise ValueError(f"no good: {x}")


def fail_at_3(i):
    if i == 3:
        raise ValueError(f"no good: {i}")
    return i


def fail_odd(i):
    if i % 2:
        raise KeyError(i)
    return i


def set_state(key, value):
    STATE[key] = value


def get_state(key):
    return STATE.get(key)


def touch(path):
    with open(path, "a") as f:
        f.write("x")


def touch_and_sleep(folder, i, seconds):
    touch(os.path.join(folder, str(i)))
    time.sleep(seconds)
    return i


def ones(n):
    return np.ones(n)


def mean(a):
    return float(np.mean(a))


def double_in_place(a):
    a *= 2
    return float(a.sum())


def legacy_random(_):
    time.sleep(0.02)
    return float(np.random.rand())  # noqa: NPY002  the legacy stream is what is asked


def standard_random(_):
    time.sleep(0.02)
    return random.random()


class Adder:
    def __init__(self, n):
        self.n = n

    def add(self, x):
        return self.n + x

    def __call__(self, x):
        return self.n + x
