"""Inputs: noise with a 1/f spectrum, a slow drift, line noise, an offset, in the units of a magnetometer."""

from __future__ import annotations

import numpy as np


def brain(n_channels, n_times, sfreq=1000.0, seed=0, scale=1e-12):
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal((n_channels, n_times)))
    f = np.fft.rfftfreq(n_times, 1 / sfreq) if n_times > 1 else np.zeros(1)
    x = np.fft.irfft(spectrum / np.sqrt(1 + f), n_times) if n_times > 1 else spectrum.real
    t = np.arange(n_times) / sfreq
    x = x + 0.5 * np.sin(2 * np.pi * 50 * t + rng.uniform(0, 6, (n_channels, 1)))
    x = x + 2 * np.sin(2 * np.pi * 0.05 * t) + rng.standard_normal((n_channels, 1))
    return np.ascontiguousarray(x * scale)


def triggers(n_times, seed=0, values=(1, 2, 3, 5, 8), touching=False, width=(1, 12)):
    """A stimulus channel: steps of some samples, sometimes from one value straight to the next."""
    rng = np.random.default_rng(seed)
    x = np.zeros(n_times)
    at = int(rng.integers(0, 20))
    while at < n_times:
        n = int(rng.integers(*width))
        x[at : at + n] = rng.choice(values)
        at += n + (0 if touching and rng.random() < 0.5 else int(rng.integers(1, 60)))
    return x
