"""Epochs, drop logs and averages on arrays against `mne.Epochs`."""

from __future__ import annotations

import mne
import numpy as np
import pytest

import bakusoku

from .signals import brain
from .table import check, quiet

TYPES = ["grad"] * 4 + ["mag"] * 3 + ["eeg"] * 5 + ["eog"]
SCALE = {"grad": 1e-11, "mag": 1e-12, "eeg": 2e-5, "eog": 8e-5}


def recording(n_times=20000, sfreq=1000.0, seed=0, first_samp=0):
    x = brain(len(TYPES), n_times, sfreq, seed, scale=1.0) * np.array([SCALE[t] for t in TYPES])[:, None]
    rng = np.random.default_rng(seed + 1)
    for _ in range(6):  # blinks, jumps and flat stretches, so that something is dropped
        at = int(rng.integers(0, n_times - 300))
        x[-1, at : at + 200] += 4e-4 * np.hanning(200)
        x[int(rng.integers(0, 4)), at : at + 300] += 1e-10 * np.hanning(300)
        flat = int(rng.integers(0, n_times - 3000))
        x[8, flat : flat + 3000] = 1e-6
    info = mne.create_info([f"{t}{i}" for i, t in enumerate(TYPES)], sfreq, TYPES)
    raw = mne.io.RawArray(x, info, first_samp=first_samp, verbose="error")
    at = np.sort(rng.choice(np.arange(-50, n_times + 50), 40, replace=False)) + first_samp
    events = np.c_[at, np.zeros(40, int), rng.integers(1, 4, 40)]
    return x, raw, events


def compare(case, x, raw, events, ids, tmin=-0.2, tmax=0.5, projs=None, **options):
    spans = [
        (float(a["onset"]) - raw.first_time, float(a["duration"]))
        for a in raw.annotations
        if a["description"].startswith("BAD")
    ]
    names = [a["description"] for a in raw.annotations if a["description"].startswith("BAD")]
    theirs = quiet(
        mne.Epochs, raw, events, ids, tmin, tmax, preload=True, picks="all", proj=projs is not None, **options
    )
    ours = bakusoku.epochs.cut_epochs(
        x,
        raw.info["sfreq"],
        events,
        ids,
        tmin,
        tmax,
        first_samp=raw.first_samp,
        ch_names=raw.ch_names,
        ch_types=TYPES,
        bad_spans=[(*s, n) for s, n in zip(spans, names, strict=True)],
        projs=projs,
        **options,
    )
    wanted = theirs.drop_log
    assert ours.drop_log == wanted, f"{case}: first difference " + str(
        next(((i, a, b) for i, (a, b) in enumerate(zip(ours.drop_log, wanted, strict=True)) if a != b), None)
    )
    check("epochs.drop_log", case, np.array([len(d) for d in ours.drop_log]), np.array([len(d) for d in wanted]))
    assert np.array_equal(ours.events, theirs.events) and np.array_equal(ours.selection, theirs.selection)
    assert np.array_equal(ours.times, theirs.times)
    data = theirs.get_data(copy=False)
    check(
        "epochs.data",
        case,
        ours.data,
        data,
        np.broadcast_to(np.abs(x).max(-1)[None, :, None], (*data.shape[:2], 1)) if len(data) else None,
    )
    if len(data):
        ours_mean = bakusoku.epochs.average(ours.data)
        check("epochs.average", case, ours_mean, theirs.average(picks="all").data, x)


REJECT = dict(grad=6e-11, mag=8e-12, eeg=150e-6, eog=300e-6)
OPTIONS = [
    dict(baseline=None),
    dict(baseline=(None, 0)),
    dict(baseline=(-0.1, 0.05)),
    dict(baseline=(None, None)),
    dict(tmin=-0.1234, tmax=0.4567, baseline=(None, 0)),
    dict(tmin=0.1, tmax=0.3, baseline=None),
    dict(tmin=-1.0, tmax=-0.5, baseline=None),
    dict(reject=REJECT),
    dict(reject=REJECT, flat=dict(eeg=1e-6)),
    dict(flat=dict(eeg=1e-6, grad=1e-13)),
    dict(reject=REJECT, reject_tmin=0.0, reject_tmax=0.2),
    dict(reject=REJECT, reject_tmin=-0.1),
    dict(reject=REJECT, reject_tmax=0.1),
    dict(detrend=0, baseline=None),
    dict(detrend=1, baseline=None),
    dict(detrend=1, reject=REJECT),
    dict(decim=3),
    dict(decim=4, detrend=1, reject=REJECT),
    dict(decim=7, reject=REJECT, reject_tmax=0.3),
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("first_samp", [0, 12900])
def test_options(options, first_samp):
    x, raw, events = recording(first_samp=first_samp)
    raw.info._unlocked = True
    raw.info["lowpass"] = 40.0  # so that decim does not alias
    compare(f"{options} first_samp {first_samp}", x, raw, events, {"a": 1, "b": 2}, **options)


@pytest.mark.parametrize("sfreq", [600.614990234375, 250.0, 1024.0])
@pytest.mark.parametrize("tmin, tmax", [(-0.2, 0.5), (-0.0501, 0.1499), (0.0, 0.33333)])
def test_rates(sfreq, tmin, tmax):
    x, raw, events = recording(9001, sfreq, 3)
    compare(f"{sfreq:g} Hz {tmin} {tmax}", x, raw, events, {"a": 1, "b": 3}, tmin, tmax, baseline=None, reject=REJECT)


@pytest.mark.parametrize("event_repeated", ["drop", "merge"])
def test_repeated(event_repeated):
    x, raw, events = recording(seed=5)
    events = np.vstack([events, events[[3, 9, 9]] + [[0, 0, 1], [0, 0, 1], [0, 1, 2]]])
    events[:, 2] = (events[:, 2] - 1) % 3 + 1
    events = events[np.argsort(events[:, 0], kind="stable")]
    compare(f"event_repeated {event_repeated}", x, raw, events, {"a": 1, "b": 2, "c": 3}, event_repeated=event_repeated)


def test_repeated_is_an_error():
    x, raw, events = recording(seed=5)
    events = events[[0, 0, 1, 2]]
    with pytest.raises(RuntimeError, match="unique|event_repeated"):
        quiet(mne.Epochs, raw, events, {"a": int(events[0, 2])})
    with pytest.raises((ValueError, RuntimeError), match="event_repeated"):
        bakusoku.epochs.cut_epochs(x, 1000.0, events, {"a": int(events[0, 2])}, ch_types=TYPES)


def test_annotations():
    x, raw, events = recording(seed=8, first_samp=500)
    raw.set_annotations(
        mne.Annotations([1.0, 4.2, 9.0, 15.0], [0.5, 0.3, 2.0, 0.0], ["BAD_jump", "bad blink", "good", "BAD"])
    )
    for a in raw.annotations:
        assert a["onset"] >= 0
    for reject_by_annotation in (True, False):
        compare_annotated(x, raw, events, reject_by_annotation)


def compare_annotated(x, raw, events, reject_by_annotation):
    spans = [
        (
            float(a["onset"]) - raw.first_time,
            float(a["duration"]),
            a["description"],
        )
        for a in raw.annotations
        if a["description"].lower().startswith("bad")
    ]
    theirs = quiet(
        mne.Epochs,
        raw,
        events,
        [1, 2, 3],
        preload=True,
        picks="all",
        proj=False,
        reject_by_annotation=reject_by_annotation,
    )
    ours = bakusoku.epochs.cut_epochs(
        x,
        1000.0,
        events,
        [1, 2, 3],
        first_samp=raw.first_samp,
        ch_names=raw.ch_names,
        ch_types=TYPES,
        bad_spans=spans,
        reject_by_annotation=reject_by_annotation,
    )
    assert ours.drop_log == theirs.drop_log
    if reject_by_annotation:
        assert any("BAD_jump" in d for d in theirs.drop_log)
    data = theirs.get_data(copy=False)
    size = np.broadcast_to(np.abs(x).max(-1)[None, :, None], (*data.shape[:2], 1))
    check("epochs.data", f"annotations {reject_by_annotation}", ours.data, data, size)


@pytest.mark.parametrize("decim", [1, 3])
def test_projection_before_rejection(decim):
    x, raw, events = recording(seed=11)
    raw.info._unlocked = True
    raw.info["lowpass"] = 40.0
    rng = np.random.default_rng(4)
    vectors = np.zeros((3, len(TYPES)))
    vectors[0, :7], vectors[1, :7] = rng.standard_normal((2, 7))
    vectors[2, 7:12] = 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    raw.add_proj(
        [
            mne.Projection(
                data=dict(nrow=1, ncol=len(TYPES), row_names=None, col_names=raw.ch_names, data=v[np.newaxis]),
                active=False,
                kind=1,
                desc=f"v{k}",
                explained_var=None,
            )
            for k, v in enumerate(vectors)
        ]
    )
    compare(
        f"three projs decim {decim}",
        x,
        raw,
        events,
        {"a": 1, "b": 2},
        projs=vectors,
        reject=REJECT,
        decim=decim,
        detrend=1,
    )
