"""Two sets of derivatives, ours and MNE's, file by file: opened by MNE without a warning, and how far apart.

`raw`, `epo`, `ave`: the stored numbers, in units of one float32 ulp of the larger one (but not below the ulp of
`floor` = 1e-6 of the channel's peak: what a filter leaves of nothing is rounding; the peak of the recording that was
filtered counts where it is given; with a `floor` of 1 the unit is the peak's ulp). `cov`, `psd`: the metrics of the
parity table.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np


def only(folder: Path, pattern: str) -> Path:
    found = sorted(p for p in folder.rglob(pattern))
    assert len(found) == 1, f"expected one {pattern} under {folder}, found {[str(f) for f in found]}"
    return found[0]


def ulps(ours, theirs, given=0.0, floor=1e-6):
    """The largest difference in float32 units in the last place."""
    assert ours.shape == theirs.shape, f"shape {ours.shape}, MNE has {theirs.shape}"
    peak = np.abs(theirs).max(axis=-1, keepdims=True, initial=0.0)
    peak = np.maximum(peak, given)
    size = np.maximum(np.maximum(np.abs(theirs), np.abs(ours)), peak * floor).astype(np.float32)
    size = np.maximum(size, np.float32(1e-35))
    return float((np.abs(ours - theirs) / np.spacing(size).astype(float)).max(initial=0.0))


def _cals(info):
    """What a stored number is multiplied by when read: one per channel, broadcast over samples."""
    return np.array([c["cal"] * c["range"] for c in info["chs"]])[:, np.newaxis]


def _covariance(ours, theirs):
    size = np.sqrt(np.abs(np.diag(theirs)))
    size = np.where(size == 0, 1.0, size)
    return float((np.abs(ours - theirs) / np.outer(size, size)).max())


def same_info(ours, theirs, what):
    assert ours["ch_names"] == theirs["ch_names"], what
    assert ours["sfreq"] == theirs["sfreq"], what
    assert ours["bads"] == theirs["bads"], what
    for key in ("lowpass", "highpass"):
        assert np.isclose(ours[key], theirs[key], rtol=1e-6), f"{what}: {key} {ours[key]}, MNE has {theirs[key]}"
    for a, b in zip(ours["chs"], theirs["chs"], strict=True):
        for key in ("kind", "coil_type", "unit", "coord_frame"):
            assert a[key] == b[key], f"{what}: {key} of {a['ch_name']}: {a[key]}, MNE has {b[key]}"
        assert np.allclose(a["loc"], b["loc"], equal_nan=True), f"{what}: loc of {a['ch_name']}"
    for key in ("dev_head_t", "line_freq"):
        assert str(ours.get(key)) == str(theirs.get(key)), f"{what}: {key}"
    assert len(ours["dig"] or []) == len(theirs["dig"] or []), f"{what}: dig"
    assert [p["desc"] for p in ours["projs"]] == [p["desc"] for p in theirs["projs"]], f"{what}: projs"


def worst_differences(
    our_root: Path, subject: str, mne_stem: Path, info: bool = True, source=None, floor: float = 1e-6
) -> dict[str, float]:
    """Compare everything that MNE wrote at `mne_stem` with our files for `subject` (one recording)."""
    import mne

    folder = Path(our_root) / subject
    found: dict[str, float] = {}
    peaks = {}
    if source is not None:
        given = mne.io.read_raw_fif(source, preload=True, verbose="error")
        peaks = dict(zip(given.ch_names, np.abs(given.get_data() / _cals(given.info)).max(axis=1), strict=True))

    def peak(info):
        return np.array([[peaks.get(name, 0.0)] for name in info["ch_names"]])

    def pair(suffix, opener):
        mne_file = Path(f"{mne_stem}_{suffix}")
        if not mne_file.exists():
            return None
        our_file = only(folder, f"*_{suffix}")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ours = opener(our_file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ours, opener(mne_file)

    both = pair("proc-filt_raw.fif", lambda f: mne.io.read_raw_fif(f, preload=True, verbose="error"))
    if both:
        ours, theirs = both
        if info:
            same_info(ours.info, theirs.info, "raw")
        assert ours.first_samp == theirs.first_samp, f"first_samp {ours.first_samp}, MNE has {theirs.first_samp}"
        assert list(ours.annotations.description) == list(theirs.annotations.description)
        found["raw ulp"] = ulps(
            ours.get_data() / _cals(ours.info), theirs.get_data() / _cals(theirs.info), peak(ours.info), floor
        )
    # Read without `proj=False`, an active projector would be applied once more: one channel's last bit, and all differ.
    both = pair("epo.fif", lambda f: mne.read_epochs(f, proj=False, verbose="error"))
    if both:
        ours, theirs = both
        if info:
            same_info(ours.info, theirs.info, "epochs")
        assert np.array_equal(ours.events, theirs.events), "events of epochs"
        assert ours.event_id == theirs.event_id, f"event_id {ours.event_id}, MNE has {theirs.event_id}"
        assert ours.drop_log == theirs.drop_log, "drop_log"
        assert np.array_equal(ours.selection, theirs.selection), "selection"
        assert ours.baseline == theirs.baseline, f"baseline {ours.baseline}, MNE has {theirs.baseline}"
        assert np.allclose(ours.times, theirs.times, rtol=0, atol=1e-9), "times of epochs"
        found["epo ulp"] = ulps(
            ours.get_data(copy=False) / _cals(ours.info),
            theirs.get_data(copy=False) / _cals(theirs.info),
            peak(ours.info),
            floor,
        )
    both = pair("ave.fif", lambda f: mne.read_evokeds(f, verbose="error"))
    if both:
        ours, theirs = both
        assert [e.comment for e in ours] == [e.comment for e in theirs], (
            f"{[e.comment for e in ours]}, MNE has {[e.comment for e in theirs]}"
        )
        worst = 0.0
        for a, b in zip(ours, theirs, strict=True):
            if info:
                same_info(a.info, b.info, "evoked")
            assert a.nave == b.nave, f"nave {a.nave}, MNE has {b.nave}"
            assert a.baseline == b.baseline
            assert np.allclose(a.times, b.times, rtol=0, atol=1e-9)
            worst = max(worst, ulps(a.data / _cals(a.info), b.data / _cals(b.info), peak(a.info), floor))
        found["ave ulp"] = worst
    both = pair("cov.fif", lambda f: mne.read_cov(f, verbose="error"))
    if both:
        ours, theirs = both
        assert ours.ch_names == theirs.ch_names and ours["nfree"] == theirs["nfree"]
        assert ours["bads"] == theirs["bads"] and len(ours["projs"]) == len(theirs["projs"])
        found["cov"] = _covariance(ours.data, theirs.data)
    both = pair("psd.h5", mne.time_frequency.read_spectrum)
    if both:
        ours, theirs = both
        assert ours.ch_names == theirs.ch_names
        assert np.allclose(ours.freqs, theirs.freqs, rtol=1e-12)
        a, b = ours.get_data(picks="all"), theirs.get_data(picks="all")
        assert a.shape == b.shape
        most = np.abs(b).max(-1)
        found["psd"] = float((np.abs(a - b).max(-1) / np.where(most == 0, 1.0, most)).max())
    return found
