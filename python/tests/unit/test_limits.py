"""Absurd parameters of the array functions: ordinary errors, at once, before anything is allocated."""

from __future__ import annotations

import numpy as np
import pytest

import bakusoku

X = np.zeros((2, 2000))
EVENTS = np.array([[500, 0, 1]])


@pytest.mark.parametrize(
    "parameter, value",
    [
        ("tmax", 1e9),
        ("tmax", np.inf),
        ("tmax", np.nan),
        ("tmin", -1e300),
        ("tmin", -np.inf),
        ("sfreq", -200.0),
        ("sfreq", 0.0),
        ("sfreq", np.nan),
        ("decim", 0),
        ("decim", -1),
    ],
)
def test_epochs(parameter, value):
    options = {"sfreq": 100.0, "baseline": None, parameter: value}
    sfreq = options.pop("sfreq")
    with pytest.raises(ValueError, match=f"`{parameter}`"):
        bakusoku.epochs.cut_epochs(X, sfreq, EVENTS, **options)


@pytest.mark.parametrize("method", ["fft", "polyphase"])
def test_resampling_to_more_than_memory(method):
    with pytest.raises((ValueError, MemoryError), match="samples"):
        bakusoku.filter.resample(np.zeros((100, 4000)), 1e6, 1, method=method)


def test_whole_numbers_are_not_cut_nor_negative():
    psd, resample = bakusoku.time_frequency.psd_array_welch, bakusoku.filter.resample
    for function, options in [
        (psd, dict(sfreq=100.0, n_fft=256.5)),
        (psd, dict(sfreq=100.0, n_overlap=0.5)),
        (resample, dict(up=2, npad=1.5)),
    ]:
        with pytest.raises(TypeError, match="must be an int"):
            function(X, **options)
    for function, options in [
        (psd, dict(sfreq=100.0, n_fft=-1)),
        (psd, dict(sfreq=100.0, n_overlap=-1)),
        (resample, dict(up=2, npad=-1)),
    ]:
        with pytest.raises(ValueError, match="must be at least"):
            function(X, **options)
    with pytest.raises(TypeError, match="`decim` must be an int"):
        bakusoku.epochs.cut_epochs(X, 100.0, EVENTS, decim=1.5)


def test_unknown_windows_read_as_a_sentence():
    with pytest.raises(ValueError, match="`window` must be one of boxcar, hann.*, got tukey"):
        bakusoku.time_frequency.psd_array_welch(X, 100.0, window=("tukey", 0.5))
