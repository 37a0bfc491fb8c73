"""What the pools are given to do: importable by the workers of every peer, and nothing of bakusoku's.

Every task says which process it ran in (`os.getpid`), so that no pool can win by running it in the caller; every
array is read to its last byte (`read`), so that none can win by not delivering it.
"""

from __future__ import annotations

import os
import signal
import time
from os import getpid

import numpy as np

MIB = 1 << 20
BIG = 32 * MIB // 8  # doubles in one of the big arrays (32 MiB)
SHARED = 500 * MIB // 8  # doubles in the array that all tasks read
TASKS = 64


def nothing(_):
    return getpid()


def read(a: np.ndarray) -> int:
    """Every byte of an array, as one number; wraps around silently."""
    return int(a.view(np.uint64).sum(dtype=np.uint64))


def total(a):
    return getpid(), read(a)


def make(i):
    """A big array that says which it is; the caller knows its sum without having it."""
    a = np.full(BIG, i, np.uint64)
    a[0] = getpid()
    return a


def check_made(a, i, me) -> int:
    pid = int(a[0])
    assert pid != me, "a worker's array was made by the caller"
    assert read(a) == pid + i * (BIG - 1), f"array {i} arrived damaged"
    return pid


def rows(big, i):
    """Its share of the big array that all tasks are given."""
    n = big.size // TASKS
    return getpid(), read(big[i * n : (i + 1) * n])


_shared = None


def set_shared(a):
    global _shared
    _shared = a


def rows_of_global(i):
    return rows(_shared, i)


def rest(seconds):
    time.sleep(seconds)
    return getpid()


def durations(n=120, seed=1, mean=0.025):
    """Lognormal, as recordings are: a few long ones among many short."""
    d = np.random.default_rng(seed).lognormal(0.0, 1.0, n)
    return (d * (mean / d.mean())).tolist()


def algebra(seed):
    """Two SVDs and four products: BLAS that spreads over threads if it may."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((600, 600))
    b = rng.standard_normal((1200, 1200))
    s = [np.linalg.svd(a)[1][0] for _ in range(2)]
    p = [(b @ b)[0, 0] for _ in range(4)]
    return getpid(), float(s[0]), float(p[0])


def analyse(path):
    """What a lab does with a recording: read, filter, cut, average."""
    import mne

    raw = mne.io.read_raw_fif(path, preload=True, verbose="error")
    raw.filter(1.0, 40.0, n_jobs=1, verbose="error")
    events = mne.make_fixed_length_events(raw, duration=1.0)
    epochs = mne.Epochs(
        raw, events, tmin=0.0, tmax=0.9, baseline=None, preload=True, reject=None, proj=False, verbose="error"
    )
    return getpid(), epochs.average().data


def first_of_mne(i):
    """Touches what a task with MNE touches: `import mne` alone loads next to nothing."""
    import mne

    info = mne.create_info(4, 100.0, "eeg")
    raw = mne.io.RawArray(np.zeros((4, 1000)), info, verbose="error")
    raw.filter(1.0, 40.0, n_jobs=1, verbose="error")
    epochs = mne.make_fixed_length_epochs(raw, 1.0, preload=True, verbose="error")
    epochs.average()
    return getpid()


def die_at_3(i):
    if i == 3:
        os.kill(getpid(), signal.SIGKILL)
    return i


def sleep_long(_):
    time.sleep(600)


def recording(path, seed, n_channels=300, n_seconds=60, sfreq=1000.0):
    """A recording of `n_channels` magnetometers as FIF, 72 MB by default."""
    import mne

    rng = np.random.default_rng(seed)
    info = mne.create_info(n_channels, sfreq, "mag")
    data = rng.standard_normal((n_channels, int(n_seconds * sfreq)))
    data *= 1e-13
    mne.io.RawArray(data, info, copy=None, verbose="error").save(path, overwrite=True, verbose="error")
