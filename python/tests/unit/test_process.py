"""A good citizen of its process: Ctrl-C, fork, threads of Python's, errors that keep nothing."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from patience import within

import bakusoku


def work(seed):
    x = np.random.default_rng(seed).standard_normal((4, 20000))
    return bakusoku.filter.filter_data(x, 1000.0, 1.0, 40.0, n_jobs=2)


def test_fork_after_use():
    here = [work(s) for s in range(3)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        there = pool.map_async(work, range(3)).get(timeout=60)
    assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True))


def test_spawn():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.map_async(work, [5]).get(timeout=120)
    assert np.array_equal(work(5), there[0])


def test_python_threads_at_once():
    here = [work(s) for s in range(8)]
    with ThreadPoolExecutor(4) as pool:
        there = list(pool.map(work, range(8)))
    assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True))


def test_other_threads_run_meanwhile():
    x = np.random.default_rng(0).standard_normal((150, 100000))
    ticks, stop = 0, threading.Event()

    def tick():
        nonlocal ticks
        while not stop.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    bakusoku.filter.filter_data(x, 1000.0, 0.1, 40.0, n_jobs=1)
    took = time.perf_counter() - start
    stop.set()
    thread.join()
    assert ticks > 0.05 * took / 0.001, f"{ticks} ticks in {took:.2f} s: the interpreter lock was held"


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c(n_jobs):
    code = textwrap.dedent(f"""
        import numpy as np, bakusoku, time
        x = np.zeros((3000, 100000))
        bakusoku.filter.filter_data(x[:2], 1000.0, 0.1, 40.0, n_jobs={n_jobs})
        print("ready", flush=True)
        start = time.perf_counter()
        try:
            while time.perf_counter() - start < 60:
                bakusoku.filter.filter_data(x, 1000.0, 0.1, 40.0, n_jobs={n_jobs})
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            bakusoku.filter.filter_data(x[:2], 1000.0, 0.1, 40.0, n_jobs={n_jobs})
            print("usable", flush=True)
    """)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "ready"
    time.sleep(0.7)
    start = time.perf_counter()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline().strip() == "interrupted"
    took = time.perf_counter() - start
    out, _ = process.communicate(timeout=60)
    assert "usable" in out and process.returncode == 0
    assert took < within(1.0), f"{took:.2f} s from Ctrl-C to KeyboardInterrupt"


def test_nan_passes_or_is_named():
    """A channel with NaN spoils itself alone."""
    x = np.random.default_rng(0).standard_normal((3, 5000))
    clean = bakusoku.filter.filter_data(x, 1000.0, 1.0, 40.0)
    x[1, 2000] = np.nan
    try:
        spoiled = bakusoku.filter.filter_data(x, 1000.0, 1.0, 40.0)
    except ValueError as error:
        assert "NaN" in str(error) or "finite" in str(error)
        return
    assert np.isnan(spoiled[1]).any()
    assert np.array_equal(spoiled[[0, 2]], clean[[0, 2]])


def test_empty_arrays():
    assert bakusoku.filter.filter_data(np.zeros((0, 5000)), 1000.0, 1.0, 40.0).shape == (0, 5000)
    assert bakusoku.filter.resample(np.zeros((0, 5000)), 1, 2).shape == (0, 2500)
