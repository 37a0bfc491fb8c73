"""Recordings that the command line converted to FIFF, and what MNE reads, compared field by field."""

from __future__ import annotations

import subprocess
import warnings

import mne
import numpy as np


def quietly(function, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, verbose="error", **options)


def convert(command, path, output):
    """Converts with `bakusoku convert`, in double precision; the message where that fails."""
    run = subprocess.run(
        [command, "convert", str(path), str(output), "--fmt", "double", "--overwrite"], capture_output=True, text=True
    )
    return run.stderr if run.returncode else None


def ours(command, path, folder):
    """The recording at `path`, as bakusoku reads it."""
    output = folder / "ours_raw.fif"
    error = convert(command, path, output)
    assert error is None, error
    return quietly(mne.io.read_raw_fif, output)


def same_info(a, b, *, fiducials=True):
    """Everything that is known beside samples: `a` ours, `b` MNE's."""
    assert a.ch_names == b.ch_names
    assert a.info.get_channel_types() == b.info.get_channel_types()
    for x, y in zip(a.info["chs"], b.info["chs"], strict=True):
        for field in ("kind", "coil_type", "unit", "unit_mul", "coord_frame"):
            assert int(x[field]) == int(y[field]), (x["ch_name"], field, x[field], y[field])
        np.testing.assert_allclose(x["loc"], y["loc"], rtol=0, atol=1e-6, err_msg=x["ch_name"])
    for field in ("sfreq", "highpass", "lowpass"):
        np.testing.assert_allclose(a.info[field], b.info[field], rtol=1e-6, err_msg=field)
    assert a.info["bads"] == b.info["bads"]
    assert a.info["meas_date"] == b.info["meas_date"]
    for field in ("dev_head_t", "ctf_head_t", "dev_ctf_t"):
        x, y = a.info[field], b.info[field]
        assert (x is None) == (y is None), field
        if x is not None:
            assert (x["from"], x["to"]) == (y["from"], y["to"])
            np.testing.assert_allclose(x["trans"], y["trans"], rtol=0, atol=1e-6, err_msg=field)
    kept = [[p for p in info["dig"] or [] if fiducials or p["kind"] != 1] for info in (a.info, b.info)]
    assert [(p["kind"], p["ident"], p["coord_frame"]) for p in kept[0]] == [
        (p["kind"], p["ident"], p["coord_frame"]) for p in kept[1]
    ]
    for x, y in zip(*kept, strict=True):
        np.testing.assert_allclose(x["r"], y["r"], rtol=0, atol=1e-6, err_msg=str(y))
    assert len(a.info["comps"]) == len(b.info["comps"])
    for x, y in zip(a.info["comps"], b.info["comps"], strict=True):
        assert (x["kind"], x["ctfkind"]) == (y["kind"], y["ctfkind"])
        assert x["data"]["row_names"] == y["data"]["row_names"]
        assert x["data"]["col_names"] == y["data"]["col_names"]
        np.testing.assert_allclose(x["data"]["data"], y["data"]["data"], rtol=1e-5, atol=1e-9)


def same_samples(a, b):
    """Samples within one unit in the last place of single precision."""
    assert a.shape == b.shape
    off = np.abs(a - b)
    allowed = np.spacing(np.maximum(np.abs(a), np.abs(b)).astype(np.float32)).astype(float)
    worst = np.unravel_index(np.argmax(off - allowed), off.shape)
    assert np.all(off <= allowed), (worst, a[worst], b[worst])


def same_annotations(a, b):
    """Annotations; a duration that MNE leaves as NaN is 0 here. With a date MNE rounds to microseconds."""
    assert list(a.description) == list(b.description)
    tolerance = 1e-9 if a.orig_time is None else 1e-6
    np.testing.assert_allclose(a.onset, b.onset, rtol=0, atol=tolerance)
    np.testing.assert_allclose(a.duration, np.nan_to_num(b.duration), rtol=0, atol=tolerance)
    assert a.orig_time == b.orig_time


def same_raw(a, b, **options):
    same_info(a, b, **options)
    assert (a.first_samp, a.n_times) == (b.first_samp, b.n_times)
    same_annotations(a.annotations, b.annotations)
    same_samples(a.get_data(), quietly(b.get_data))
