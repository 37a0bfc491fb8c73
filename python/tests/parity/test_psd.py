"""Welch spectra against MNE, over their parameters."""

from __future__ import annotations

import mne
import numpy as np
import pytest

import bakusoku

from .signals import brain
from .table import check, quiet

ours_welch = bakusoku.time_frequency.psd_array_welch
mne_welch = mne.time_frequency.psd_array_welch


@pytest.mark.parametrize("n_times, sfreq", [(20000, 1000.0), (20001, 1000.0), (4007, 250.0), (6000, 600.614990234375)])
@pytest.mark.parametrize(
    "n_fft, n_per_seg, n_overlap",
    [
        (256, None, 0),
        (2048, None, 1024),
        (2047, None, 1000),
        (1024, None, 512),
        (1024, 600, 300),
        (1000, 999, 998),
        (3000, 2000, 1),
    ],
)
def test_welch_segments(n_times, sfreq, n_fft, n_per_seg, n_overlap):
    x = brain(3, n_times, sfreq)
    options = dict(n_fft=n_fft, n_per_seg=n_per_seg, n_overlap=n_overlap)
    ours, freqs = ours_welch(x, sfreq, **options)
    theirs, mne_freqs = quiet(mne_welch, x, sfreq, **options)
    assert np.array_equal(freqs, mne_freqs)
    check("time_frequency.psd_array_welch", f"{n_times} at {sfreq:g} {options}", ours, theirs)


@pytest.mark.parametrize(
    "options",
    [
        dict(fmax=60.0),
        dict(fmin=5.0),
        dict(fmin=8.0, fmax=12.5),
        dict(window="hann"),
        dict(window="boxcar"),
        dict(window="blackman"),
        dict(remove_dc=False),
        dict(average="median"),
        dict(average="median", n_overlap=200),
        dict(average=None),
        dict(average=False),
        dict(window=("kaiser", 4.0)),
    ],
    ids=str,
)
@pytest.mark.parametrize("n_fft", [512, 513])
def test_welch_options(options, n_fft):
    x = brain(2, 9001)
    ours, freqs = ours_welch(x, 1000.0, n_fft=n_fft, **options)
    theirs, mne_freqs = quiet(mne_welch, x, 1000.0, n_fft=n_fft, **options)
    assert np.array_equal(freqs, mne_freqs)
    check(
        "time_frequency.psd_array_welch",
        f"{options} n_fft {n_fft}",
        np.moveaxis(ours, 2, -1) if ours.ndim == 3 else ours,
        np.moveaxis(theirs, 2, -1) if theirs.ndim == 3 else theirs,
    )


@pytest.mark.parametrize("shape", [(4000,), (1, 4000), (2, 3, 4000)])
def test_welch_shapes(shape):
    x = brain(int(np.prod(shape[:-1], dtype=int)), shape[-1]).reshape(shape)
    ours, _ = ours_welch(x, 1000.0, n_fft=500)
    check("time_frequency.psd_array_welch", f"shape {shape}", ours, quiet(mne_welch, x, 1000.0, n_fft=500)[0])


@pytest.mark.parametrize("kind", ["aligned", "aligned-twice", "one-channel", "inf", "edges"])
@pytest.mark.parametrize("n_overlap", [0, 128])
@pytest.mark.parametrize("average", ["mean", "median"])
def test_welch_bad_spans_are_nan(kind, n_overlap, average):
    x = brain(3, 8003)
    if kind == "aligned":
        x[:, 2000:2500] = np.nan
    elif kind == "aligned-twice":
        x[:, 1200:1400] = np.nan
        x[:, 5000:6111] = np.nan
    elif kind == "one-channel":
        x[1, 3000:3100] = np.nan
    elif kind == "inf":
        x[2, 77] = np.inf
    else:
        x[:, :700] = np.nan
        x[:, -100:] = np.nan
    options = dict(n_fft=256, n_overlap=n_overlap, average=average)
    ours, _ = ours_welch(x, 1000.0, **options)
    check("time_frequency.psd_array_welch", f"nan {kind} {options}", ours, quiet(mne_welch, x, 1000.0, **options)[0])


def test_welch_flat_channel():
    x = brain(3, 5000)
    x[1] = 7e-12
    ours, _ = ours_welch(x, 1000.0, n_fft=1000)
    theirs, _ = quiet(mne_welch, x, 1000.0, n_fft=1000)
    # What is left of a constant is rounding: both are nothing beside a channel with a signal.
    assert ours[1].max() < 1e-20 * ours[0].max() and theirs[1].max() < 1e-20 * theirs[0].max()
    check("time_frequency.psd_array_welch", "beside a flat channel", ours[[0, 2]], theirs[[0, 2]])


def test_threads_change_no_bit():
    x = brain(7, 9000)
    one = ours_welch(x, 1000.0, n_fft=800, n_jobs=1)[0]
    assert np.array_equal(one, ours_welch(x, 1000.0, n_fft=800, n_jobs=2)[0])
    assert np.array_equal(one, ours_welch(x, 1000.0, n_fft=800)[0])


def test_errors_say_what_was_expected():
    x = brain(1, 1000)
    with pytest.raises(ValueError, match="n_overlap"):
        ours_welch(x, 1000.0, n_fft=200, n_overlap=200)
    with pytest.raises(ValueError, match="n_fft"):
        ours_welch(x, 1000.0, n_fft=2000)
    with pytest.raises(ValueError, match="fmin"):
        ours_welch(x, 1000.0, fmin=600.0)
    with pytest.raises(ValueError, match="average"):
        ours_welch(x, 1000.0, average="mode")


@pytest.mark.parametrize("n_overlap", [0, 100])
def test_welch_complex(n_overlap):
    x = brain(2, 5000)
    options = dict(n_fft=400, n_overlap=n_overlap, average=None, output="complex")
    ours, theirs = ours_welch(x, 1000.0, **options)[0], quiet(mne_welch, x, 1000.0, **options)[0]
    for part in ("real", "imag"):
        a, b = (np.moveaxis(getattr(y, part), 2, -1).reshape(2, -1) for y in (ours, theirs))
        check("time_frequency.psd_array_welch", f"complex {part} overlap {n_overlap}", a, b)
