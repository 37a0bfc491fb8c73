"""FIR design, filtering, notches and resampling against MNE, over their parameters."""

from __future__ import annotations

import itertools

import mne
import numpy as np
import pytest

import bakusoku

from .signals import brain
from .table import check, quiet

BANDS = {
    "lowpass40": (None, 40.0),
    "highpass1": (1.0, None),
    "band1-40": (1.0, 40.0),
    "band0.1-40": (0.1, 40.0),
    "band8-12": (8.0, 12.0),
    "stop40-70": (70.0, 40.0, dict(l_trans_bandwidth=4.0, h_trans_bandwidth=3.0)),
    "stops": ([51.0, 101.0], [49.0, 99.0], dict(l_trans_bandwidth=0.5, h_trans_bandwidth=0.5)),
}
# (name, channels, samples, sfreq): odd and even, shorter than the filter, a rate that is no whole number.
INPUTS = [
    ("even", 3, 20000, 1000.0),
    ("odd", 2, 20001, 1000.0),
    ("short", 2, 1500, 1000.0),
    ("very-short", 2, 37, 1000.0),
    ("elekta", 2, 9009, 600.614990234375),
    ("250Hz", 2, 5003, 250.0),
    ("2048Hz", 1, 30011, 2048.0),
]


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("name, n_channels, n_times, sfreq", INPUTS, ids=[i[0] for i in INPUTS])
def test_filter_data(band, name, n_channels, n_times, sfreq):
    x = brain(n_channels, n_times, sfreq)
    l_freq, h_freq, *more = BANDS[band]
    options = more[0] if more else {}
    ours = bakusoku.filter.filter_data(x, sfreq, l_freq, h_freq, **options)
    check(
        "filter.filter_data",
        f"{band} {name}",
        ours,
        quiet(mne.filter.filter_data, x, sfreq, l_freq, h_freq, **options),
        x,
    )


OPTIONS = [
    dict(l_trans_bandwidth=0.5, h_trans_bandwidth=5.0),
    dict(l_trans_bandwidth=0.7),
    dict(filter_length="10s"),
    dict(filter_length="3300ms"),
    dict(filter_length=3301),
    dict(filter_length=4000),
    dict(fir_window="hann"),
    dict(fir_window="blackman"),
    dict(pad="edge"),
    dict(pad="constant"),
    dict(pad="reflect"),
    dict(pad="symmetric"),
    dict(pad="wrap"),
    dict(phase="zero-double"),
    dict(phase="linear"),
    dict(phase="linear", pad="edge"),
]


@pytest.mark.parametrize("options", OPTIONS, ids=[str(o) for o in OPTIONS])
@pytest.mark.parametrize("n_times", [8000, 8003])
def test_filter_options(options, n_times):
    x = brain(2, n_times)
    ours = bakusoku.filter.filter_data(x, 1000.0, 1.0, 40.0, **options)
    theirs = quiet(mne.filter.filter_data, x, 1000.0, 1.0, 40.0, **options)
    check("filter.filter_data", f"1-40 {options} {n_times}", ours, theirs, x)


@pytest.mark.parametrize("phase", ["minimum", "minimum-half"])
@pytest.mark.parametrize("n_times", [8000, 8003])
def test_minimum_phase(phase, n_times):
    """Taken from the logarithm of a gain that is rounding in the stop band: SciPy's own taps change as much with its
    FFT."""
    x = brain(2, n_times)
    ours = bakusoku.filter.filter_data(x, 1000.0, 1.0, 40.0, phase=phase)
    theirs = quiet(mne.filter.filter_data, x, 1000.0, 1.0, 40.0, phase=phase)
    check("filter.filter_data, minimum phase", f"{phase} {n_times}", ours, theirs, x)


def test_filter_flat_and_extreme_channels():
    x = brain(4, 10000)
    x[1] = 0.0
    x[2] = 3e-9
    x[3] *= 1e12
    ours = bakusoku.filter.filter_data(x, 1000.0, 0.5, 100.0)
    check("filter.filter_data", "flat, constant, large", ours, quiet(mne.filter.filter_data, x, 1000.0, 0.5, 100.0), x)


@pytest.mark.parametrize("shape", [(5000,), (1, 5000), (2, 3, 5000)])
def test_filter_shapes_and_picks(shape):
    x = brain(int(np.prod(shape[:-1], dtype=int)), shape[-1]).reshape(shape)
    picks = [0] if len(shape) > 1 else None
    for p in (None, picks):
        ours = bakusoku.filter.filter_data(x, 1000.0, 2.0, 30.0, picks=p)
        theirs = quiet(mne.filter.filter_data, x, 1000.0, 2.0, 30.0, picks=p)
        check("filter.filter_data", f"shape {shape} picks {p}", ours, theirs, x)


def test_filter_copy_false_writes_in_place():
    x = brain(2, 5000)
    kept = x.copy()
    ours = bakusoku.filter.filter_data(x, 1000.0, 2.0, 30.0, copy=False)
    assert ours is x and not np.array_equal(x, kept)
    check("filter.filter_data", "copy=False", x, quiet(mne.filter.filter_data, kept, 1000.0, 2.0, 30.0), kept)


def test_filter_does_not_touch_its_input():
    x = brain(2, 5000)
    kept = x.copy()
    bakusoku.filter.filter_data(x, 1000.0, 2.0, 30.0)
    assert np.array_equal(x, kept)


@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_filter_any_memory_layout(order):
    x = brain(4, 6000)
    given = {"C": x, "F": np.asfortranarray(x), "strided": np.repeat(x, 2, axis=1)[:, ::2]}[order]
    ours = bakusoku.filter.filter_data(given, 1000.0, 2.0, 30.0)
    check("filter.filter_data", f"layout {order}", ours, quiet(mne.filter.filter_data, x, 1000.0, 2.0, 30.0), x)


def test_threads_change_no_bit():
    x = brain(9, 12001)
    one = bakusoku.filter.filter_data(x, 1000.0, 1.0, 40.0, n_jobs=1)
    for n_jobs in (2, 3, None, -1):
        assert np.array_equal(one, bakusoku.filter.filter_data(x, 1000.0, 1.0, 40.0, n_jobs=n_jobs))


NOTCHES = {
    "50": 50.0,
    "list": [50.0, 100.0, 150.0],
    "array": np.arange(60, 241, 60),
    "low": [16.7],
}
NOTCH_OPTIONS = [
    {},
    dict(notch_widths=2.0),
    dict(trans_bandwidth=2.0),
    dict(filter_length=8001),
    dict(filter_length="12s"),
    dict(fir_window="hann"),
    dict(pad="edge"),
]


@pytest.mark.parametrize("freqs", NOTCHES)
@pytest.mark.parametrize("options", NOTCH_OPTIONS, ids=[str(o) for o in NOTCH_OPTIONS])
@pytest.mark.parametrize("n_times, sfreq", [(20000, 1000.0), (15001, 600.614990234375), (3001, 1000.0)])
def test_notch_filter(freqs, options, n_times, sfreq):
    x = brain(2, n_times, sfreq)
    f = NOTCHES[freqs]
    if "notch_widths" in options:
        options = {"notch_widths": np.full(np.size(f), options["notch_widths"])}
    ours = bakusoku.filter.notch_filter(x, sfreq, f, **options)
    theirs = quiet(mne.filter.notch_filter, x, sfreq, f, **options)
    check("filter.notch_filter", f"{freqs} {options} {n_times} at {sfreq:g}", ours, theirs, x)


RATIOS = [
    (1.0, 4.0),
    (1.0, 2.0),
    (2.0, 1.0),
    (3.0, 1.0),
    (1.0, 3.0),
    (7.0, 5.0),
    (5.0, 7.0),
    (250.0, 1000.0),
    (1.0, 1.7),
    (256.0, 600.614990234375),
]


@pytest.mark.parametrize("up, down", RATIOS)
@pytest.mark.parametrize("n_times", [4096, 5001, 999, 50])
@pytest.mark.parametrize("npad", ["auto", 100, 0, 33])
def test_resample_fft(up, down, n_times, npad):
    x = brain(2, n_times)
    ours = bakusoku.filter.resample(x, up, down, npad=npad)
    theirs = quiet(mne.filter.resample, x, up, down, npad=npad)
    check("filter.resample", f"fft {up:g}/{down:g} {n_times} npad {npad}", ours, theirs, x)


@pytest.mark.parametrize("window", ["boxcar", "hann", "hamming", "auto", ("kaiser", 3.0)])
@pytest.mark.parametrize("pad", ["auto", "reflect_limited", "edge", "constant", "reflect"])
def test_resample_fft_options(window, pad):
    x = brain(2, 3000)
    ours = bakusoku.filter.resample(x, 1, 3, window=window, pad=pad)
    theirs = quiet(mne.filter.resample, x, 1, 3, window=window, pad=pad)
    check("filter.resample", f"fft window {window} pad {pad}", ours, theirs, x)


@pytest.mark.parametrize("up, down", [r for r in RATIOS if r[1] != 600.614990234375])
@pytest.mark.parametrize("n_times", [4096, 5000, 999])
@pytest.mark.parametrize("pad", ["auto", "constant", "edge"])
def test_resample_polyphase(up, down, n_times, pad):
    x = brain(2, n_times)
    ours = bakusoku.filter.resample(x, up, down, method="polyphase", pad=pad)
    theirs = quiet(mne.filter.resample, x, up, down, method="polyphase", pad=pad)
    check("filter.resample", f"polyphase {up:g}/{down:g} {n_times} pad {pad}", ours, theirs, x)


@pytest.mark.parametrize("axis", [0, 1, -1, 2])
def test_resample_axis(axis):
    last = brain(6, 600).reshape(2, 3, 600)
    ours = bakusoku.filter.resample(last.swapaxes(axis, -1), 1, 2, axis=axis).swapaxes(axis, -1)
    # MNE 1.13 gives an axis in the middle or in front of three the wrong shape: it is asked for the last one.
    check("filter.resample", f"axis {axis}", ours, quiet(mne.filter.resample, last, 1, 2), last)
    if axis in (0, 1):
        two = last[0]
        ours = bakusoku.filter.resample(two.swapaxes(axis, -1), 1, 2, axis=axis)
        theirs = quiet(mne.filter.resample, two.swapaxes(axis, -1), 1, 2, axis=axis)
        check("filter.resample", f"axis {axis} of two", ours.swapaxes(axis, -1), theirs.swapaxes(axis, -1), two)


@pytest.mark.parametrize(
    "band, sfreq", list(itertools.product(BANDS, [1000.0, 600.614990234375, 250.0])), ids=lambda v: str(v)
)
def test_create_filter(band, sfreq):
    l_freq, h_freq, *more = BANDS[band]
    options = more[0] if more else {}
    ours = bakusoku.filter.create_filter(None, sfreq, l_freq, h_freq, **options)
    check(
        "filter.create_filter",
        f"{band} at {sfreq:g}",
        ours,
        quiet(mne.filter.create_filter, None, sfreq, l_freq, h_freq, **options),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.int32, ">f8"])
def test_other_dtypes_are_converted(dtype):
    x = (brain(2, 3000, scale=100.0)).astype(dtype)
    ours = bakusoku.filter.filter_data(x, 1000.0, 2.0, 30.0)
    assert ours.dtype == np.float64
    check(
        "filter.filter_data",
        f"dtype {np.dtype(dtype)}",
        ours,
        quiet(mne.filter.filter_data, x.astype(float), 1000.0, 2.0, 30.0),
        x,
    )


def test_errors_say_what_was_expected():
    x = brain(2, 2000)
    f = bakusoku.filter
    with pytest.raises(ValueError, match="Nyquist|500"):
        f.filter_data(x, 1000.0, None, 600.0)
    with pytest.raises(ValueError, match="l_freq"):
        f.filter_data(x, 1000.0, -1.0, 40.0)
    with pytest.raises(ValueError, match="freqs"):
        f.notch_filter(x, 1000.0, None)
    with pytest.raises(TypeError, match="complex"):
        f.filter_data(x + 1j, 1000.0, 1.0, 40.0)
    with pytest.raises(TypeError, match="array"):
        f.filter_data("not an array", 1000.0, 1.0, 40.0)
    with pytest.raises(ValueError, match="axis"):
        f.resample(x, 1, 2, axis=5)
    with pytest.raises(ValueError, match="fir_window"):
        f.filter_data(x, 1000.0, 1.0, 40.0, fir_window="nonsense")
    with pytest.raises(ValueError, match="pad"):
        f.filter_data(x, 1000.0, 1.0, 40.0, pad="nonsense")
    with pytest.raises(ValueError, match="method"):
        f.resample(x, 1, 2, method="nonsense")
    with pytest.raises(TypeError, match="copy"):
        f.filter_data(x.astype(np.float32), 1000.0, 1.0, 40.0, copy=False)
    assert issubclass(bakusoku.ParameterError, ValueError)
