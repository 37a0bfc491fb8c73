"""Heartbeats, blinks, and the components that follow them, against MNE."""

from __future__ import annotations

import mne
import numpy as np
import pytest

from bakusoku import _core, preprocessing
from bakusoku.preprocessing import ICA

from .table import check, quiet


def recording(seconds=60.0, sfreq=250.0, seed=0, ecg=True, first_samp=0):
    """A brain, a heart whose beats come at no fixed time, and blinks."""
    rng = np.random.default_rng(seed)
    n = int(seconds * sfreq)
    types = ["mag"] * 6 + ["grad"] * 8 + ["eeg"] * 8 + ["eog"] * 2 + (["ecg"] if ecg else [])
    units = np.array([dict(mag=1e-13, grad=1e-12, eeg=1e-6, eog=1e-6, ecg=1e-5)[kind] for kind in types])
    brain = mne.filter.filter_data(rng.standard_normal((12, n)), sfreq, 1.0, 40.0, verbose="error")
    brain *= np.exp(np.repeat(rng.normal(size=(12, n // 100 + 1)), 100, axis=1)[:, :n])
    times = np.arange(n) / sfreq
    beats = np.cumsum(rng.normal(0.85, 0.05, int(seconds * 1.5)))
    heart = sum(np.exp(-(((times - beat) / 0.012) ** 2)) for beat in beats if beat < seconds)
    blinks = np.cumsum(rng.uniform(2.0, 6.0, int(seconds)))
    eyes = sum(np.exp(-(((times - blink) / 0.08) ** 2)) for blink in blinks if blink < seconds)
    heart, eyes = (np.asarray(x) - np.mean(x) for x in (heart, eyes))
    x = 3 * rng.standard_normal((len(types), 12)) @ brain + rng.standard_normal((len(types), n))
    x[:14] += 40 * (1 + rng.random((14, 1))) * heart
    x[14:24] += 60 * (1 + rng.random((10, 1))) * eyes
    x[22:] *= 0.2
    x[22:24] += [[150], [-90]] * eyes
    if ecg:
        x[24] += 80 * heart
    info = mne.create_info([f"{kind}{k}" for k, kind in enumerate(types)], sfreq, types)
    with info._unlock():
        info["highpass"] = 1.0
    return mne.io.RawArray(units[:, None] * x, info, first_samp=first_samp, verbose="error")


@pytest.mark.parametrize("sfreq", [250.0, 600.615])
@pytest.mark.parametrize("ecg", [True, False])
@pytest.mark.parametrize(
    "params",
    [
        {},
        dict(qrs_threshold=0.4),
        dict(tstart=5.0, l_freq=8, h_freq=16),
        dict(filter_length="3s"),
        dict(filter_length=1501),
    ],
    ids=str,
)
def test_find_ecg_events(sfreq, ecg, params):
    raw = recording(sfreq=sfreq, ecg=ecg, first_samp=1234)
    raw.set_annotations(mne.Annotations([10.0, 41.3], [4.0, 1.0], ["bad_movement", "good"]))
    params = dict(return_ecg=True) | params
    ours, channel, pulse, signal = quiet(preprocessing.find_ecg_events, raw, **params)
    theirs, their_channel, their_pulse, their_signal = quiet(mne.preprocessing.find_ecg_events, raw, **params)
    check("preprocessing.find_ecg_events", f"{sfreq} Hz, ECG {ecg}, {params}", ours, theirs)
    assert channel == their_channel and pulse == their_pulse and len(ours) > 20
    check("preprocessing.find_ecg_events, signal", f"{sfreq} Hz, ECG {ecg}, {params}", signal, their_signal)


@pytest.mark.parametrize(
    "params",
    [
        {},
        dict(ch_name="eog23", thresh=3e-5),
        dict(reject_by_annotation=True),
        dict(tstart=11.0, l_freq=2, h_freq=8),
        dict(ch_name=["eog22", "eog23"], filter_length="4s", event_id=7),
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_find_eog_events(params, seed):
    raw = recording(seed=seed, first_samp=99)
    raw.set_annotations(mne.Annotations([10.0, 41.3], [4.0, 1.0], ["bad_movement", "good"]))
    ours = quiet(preprocessing.find_eog_events, raw, **params)
    theirs = quiet(mne.preprocessing.find_eog_events, raw, **params)
    check("preprocessing.find_eog_events", f"{params} seed {seed}", ours, theirs)
    assert len(ours) > 5


def test_peaks_of_all_kinds_of_rows():
    rng = np.random.default_rng(0)
    for n in [1, 2, 3, 4, 5, 7, 20, 300]:
        for kind in range(30):
            x = rng.standard_normal(n)
            x = [x, np.round(x), np.cumsum(x), np.abs(x), np.zeros(n) + 2.0, np.arange(n) * 1.0][kind % 6]
            for thresh in (None, 0.5):
                for extrema in (1, -1):
                    try:
                        theirs = mne.preprocessing.peak_finder(x, thresh, extrema, verbose="error")[0]
                    except TypeError:
                        theirs = np.zeros(0, int)  # MNE fails where there is no valley.
                    assert _core.peak_finder(x, thresh, extrema == 1) == theirs.tolist(), (n, kind, thresh, extrema, x)


def test_epochs_around_them():
    raw = recording(seed=4)
    raw.info["bads"] = ["eeg15"]
    for ours, theirs, params in [
        (preprocessing.create_ecg_epochs, mne.preprocessing.create_ecg_epochs, dict(reject=dict(mag=6e-11))),
        (preprocessing.create_ecg_epochs, mne.preprocessing.create_ecg_epochs, dict(picks="eeg", decim=2)),
        (
            preprocessing.create_eog_epochs,
            mne.preprocessing.create_eog_epochs,
            dict(picks=["eeg", "eog"], baseline=(None, -0.2)),
        ),
    ]:
        a, b = quiet(ours, raw, **params), quiet(theirs, raw, **params)
        assert a.ch_names == b.ch_names and a.drop_log == b.drop_log
        assert np.array_equal(a.events, b.events) and np.array_equal(a.get_data(), b.get_data())


@pytest.mark.parametrize("ecg", [True, False])
@pytest.mark.parametrize("seed", [0, 3])
def test_components_that_follow_them(ecg, seed):
    raw = recording(seed=seed, ecg=ecg, first_samp=500)
    raw.set_annotations(mne.Annotations([10.0, 41.3], [4.0, 1.0], ["bad_movement", "good"]))
    ours = ICA(0.999, method="picard", random_state=1, verbose="error").fit(raw)
    theirs = ours.to_mne()
    epochs = quiet(mne.preprocessing.create_ecg_epochs, raw)
    cases = [
        ("find_bads_ecg", raw, {}),
        ("find_bads_ecg", raw, dict(threshold=0.1, l_freq=5, h_freq=20, reject_by_annotation=False)),
        ("find_bads_ecg", epochs, {}),
        ("find_bads_ecg", raw, dict(method="correlation", start=500, stop=9000)),
        ("find_bads_ecg", raw, dict(method="correlation", measure="correlation", threshold=0.3)),
        ("find_bads_eog", raw, {}),
        ("find_bads_eog", raw, dict(ch_name="eog23", threshold=2.0, reject_by_annotation=False)),
        ("find_bads_eog", raw, dict(measure="correlation", threshold="auto", l_freq=None, h_freq=None)),
        ("find_bads_eog", epochs, {}),
        ("find_bads_eog", epochs.average(picks="all"), dict(threshold=2.5)),
    ]
    if ecg:
        cases.append(("find_bads_ecg", epochs, dict(method="correlation", ch_name="ecg24")))
    for name, inst, params in cases:
        found, scores = quiet(getattr(ours, name), inst, **params)
        their_found, their_scores = quiet(getattr(theirs, name), inst, **params)
        assert list(found) == list(their_found), (name, params)
        check("preprocessing.ICA, scores", f"{name} {params} ECG {ecg}", scores, their_scores)
        assert {k: list(map(int, v)) for k, v in ours.labels_.items()} == {
            k: list(map(int, v)) for k, v in theirs.labels_.items()
        }, (name, params)
    assert quiet(ours.find_bads_ecg, raw)[0] and quiet(ours.find_bads_eog, raw, threshold=2.0)[0]


def test_what_cannot_be_is_refused():
    raw = recording(20.0, ecg=False)
    eeg = raw.copy().pick("eeg")
    for error, match, call in [
        (ValueError, "artificial ECG", lambda: preprocessing.find_ecg_events(eeg)),
        (ValueError, "nothing not in channel list", lambda: preprocessing.find_ecg_events(raw, ch_name="nothing")),
        (ValueError, "qrs_threshold", lambda: preprocessing.find_ecg_events(raw, qrs_threshold="high")),
        (ValueError, "filter_length", lambda: preprocessing.find_ecg_events(raw, filter_length="long")),
        (ValueError, "h_freq", lambda: preprocessing.find_ecg_events(raw, h_freq=125)),
        (ValueError, "more than 2 s", lambda: preprocessing.find_ecg_events(raw.copy().crop(0, 1.0))),
        (RuntimeError, "No EOG", lambda: preprocessing.find_eog_events(eeg)),
        (ValueError, "cannot be found: a, b", lambda: preprocessing.find_eog_events(raw, ch_name=["a", "b"])),
        (ValueError, "tstart", lambda: preprocessing.find_eog_events(raw, tstart=100.0)),
    ]:
        with pytest.raises(error, match=match):
            call()
