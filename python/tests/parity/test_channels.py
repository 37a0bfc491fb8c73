"""Interpolation of bad EEG channels against MNE."""

from __future__ import annotations

import mne
import numpy as np
import pytest

import bakusoku

from .signals import brain
from .table import check, quiet


def recording(montage="standard_1020", n=None, n_meg=0, seed=0):
    names = mne.channels.make_standard_montage(montage).ch_names[:n]
    types = ["eeg"] * len(names) + ["mag"] * n_meg + ["eog"]
    names = [*names, *(f"MEG {k}" for k in range(n_meg)), "EOG"]
    x = brain(len(types), 700, 250.0, seed, scale=1e-5)
    raw = mne.io.RawArray(x, mne.create_info(names, 250.0, types), verbose="error")
    raw.set_montage(mne.channels.make_standard_montage(montage), on_missing="ignore")
    return raw


def instances(raw):
    events = np.array([[50 + 100 * k, 0, 1] for k in range(6)])
    epochs = quiet(mne.Epochs, raw, events, tmin=-0.1, tmax=0.2, baseline=None, preload=True)
    return {"raw": raw.copy(), "epochs": epochs, "evoked": epochs.average(picks="all")}


def data_of(inst):
    return inst.data if isinstance(inst, mne.Evoked) else inst.get_data()


@pytest.mark.parametrize("kind", ["raw", "epochs", "evoked"])
@pytest.mark.parametrize(
    "montage, n, bads",
    [
        ("standard_1020", None, ["Cz"]),
        ("standard_1020", None, ["Fp1", "O2", "T7", "Cz", "Pz"]),
        ("biosemi64", None, ["Fpz", "Iz", "P9", "P10", "CPz"]),
        # Few electrodes, on one side of the head.
        ("standard_1020", 9, ["Fz"]),
        ("GSN-HydroCel-128", None, ["E1", "E17", "E64", "E128"]),
    ],
)
@pytest.mark.parametrize("origin", ["auto", (0.0, 0.01, 0.04)])
@pytest.mark.filterwarnings("ignore")
def test_as_mne(kind, montage, n, bads, origin):
    raw = recording(montage, n)
    raw.info["bads"] = bads if n is None else [raw.ch_names[3]]
    inst = instances(raw)[kind]
    given = data_of(inst).copy()
    theirs = quiet(inst.copy().interpolate_bads, origin=origin)
    ours = bakusoku.interpolate_bads(inst, origin=origin, verbose="error")
    assert ours is inst and ours.info["bads"] == theirs.info["bads"] == []
    check("channels.interpolate_bads", f"{kind} {montage} {n} {origin}", data_of(ours), data_of(theirs), given)


@pytest.mark.filterwarnings("ignore")
def test_average_reference_and_exclude():
    raw = recording("biosemi64", seed=3)
    raw.info["bads"] = ["Cz", "Iz"]
    raw.set_eeg_reference("average", verbose="error")
    theirs = quiet(raw.copy().interpolate_bads, reset_bads=False, exclude=["Iz"])
    ours = bakusoku.interpolate_bads(raw.copy(), reset_bads=False, exclude=["Iz"])
    assert ours.info["bads"] == theirs.info["bads"]
    check("channels.interpolate_bads", "average reference, exclude", ours.get_data(), theirs.get_data(), raw.get_data())


def test_array_is_copied_and_threads_change_no_bit():
    raw = recording("biosemi64", seed=5)
    x, pos = raw.get_data("eeg"), np.array([ch["loc"][:3] for ch in raw.info["chs"][:64]])
    raw.info["bads"] = [raw.ch_names[7], raw.ch_names[30]]
    theirs = quiet(raw.copy().interpolate_bads, origin=(0.0, 0.0, 0.04)).get_data("eeg")
    before = x.copy()
    ours = bakusoku.interpolate_bads(x, bads=[7, 30], pos=pos, origin=(0.0, 0.0, 0.04), n_jobs=1)
    assert np.array_equal(x, before)
    check("channels.interpolate_bads", "array", ours, theirs, x)
    assert np.array_equal(ours, bakusoku.interpolate_bads(x, bads=[7, 30], pos=pos, origin=(0, 0, 0.04), n_jobs=2))
    deep = bakusoku.interpolate_bads(np.stack([x, 2 * x]), bads=[7, 30], pos=pos, origin=(0, 0, 0.04))
    assert np.allclose(deep[1], 2 * ours, rtol=1e-12, atol=0)


def test_what_is_not_interpolated_is_said():
    raw = recording(n_meg=3)
    raw.info["bads"] = ["MEG 1", "Cz"]
    with pytest.warns(RuntimeWarning, match="MEG 1 stay bad"):
        ours = bakusoku.interpolate_bads(raw, origin=(0, 0, 0.04))
    assert ours.info["bads"] == ["MEG 1"]
    raw = recording()
    raw.info["bads"] = ["Cz"]
    raw.info["chs"][raw.ch_names.index("Cz")]["loc"][:3] = 0
    raw.info["chs"][raw.ch_names.index("O1")]["loc"][:3] = np.nan
    with pytest.raises(bakusoku.DataError, match="no position is known of Cz, O1"):
        bakusoku.interpolate_bads(raw, origin=(0, 0, 0.04))
    with pytest.raises(ValueError, match="origin"):
        bakusoku.interpolate_bads(recording(), origin="middle")
    with pytest.raises(ValueError, match="spline"):
        bakusoku.interpolate_bads(recording(), method="MNE")
