"""Pools for the tests; the laws hold for the standard library's pool too, so a test that is wrong shows itself."""

from __future__ import annotations

import multiprocessing
import os
import re
import time
from pathlib import Path

import psutil
import pytest

import bakusoku

from .script import files_of_memory, of_others

HERE = Path(__file__).resolve().parent
IMPLEMENTATIONS = {"bakusoku": bakusoku.Pool, "multiprocessing": multiprocessing.get_context("fork").Pool}


def pytest_collection_modifyitems(items):
    # A hang inside a pool must fail one test, not the run: the signal method raises where the test waits.
    for item in items:
        if item.path.parent == HERE and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(90, method="signal"))


@pytest.fixture(params=list(IMPLEMENTATIONS))
def any_pool_class(request):
    return IMPLEMENTATIONS[request.param]


@pytest.fixture(scope="module", params=list(IMPLEMENTATIONS))
def any_pool(request):
    """One pool of two for a whole file, of each implementation."""
    with IMPLEMENTATIONS[request.param](2) as pool:
        yield pool


@pytest.fixture(scope="module")
def pool():
    """One of our pools for a whole file."""
    with bakusoku.Pool(2) as pool:
        yield pool


def in_shm() -> set[str]:
    """Entries of /dev/shm but for those that other programs hold."""
    mine = {str(p.pid) for p in psutil.Process().children(recursive=True)} | {str(os.getpid())}
    return {name for name in files_of_memory() if mine & set(re.findall(r"\d+", name)) or not of_others(name)}


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def wait_until(condition, seconds=2.0):
    """True as soon as it holds; the last answer after that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return condition()
