"""Recordings of a real sensor array: the real empty room, and made-up ones of any length."""

from __future__ import annotations

import mne
import numpy as np

from bakusoku.maxwell import Sensors


def sensors(raw) -> Sensors:
    """What the Maxwell filter has to know about a recording of MNE's."""
    info = raw.info
    trans = info["dev_head_t"]
    return Sensors(
        ch_names=info["ch_names"],
        kind=[int(ch["kind"]) for ch in info["chs"]],
        coil_type=[int(ch["coil_type"]) for ch in info["chs"]],
        unit=[int(ch["unit"]) for ch in info["chs"]],
        cal=[float(ch["cal"]) for ch in info["chs"]],
        loc=np.array([ch["loc"] for ch in info["chs"]]),
        sfreq=info["sfreq"],
        first_samp=raw.first_samp,
        bads=info["bads"],
        dev_head_t=None if trans is None else trans["trans"],
        comps=[
            (int(c["kind"]), c["data"]["row_names"], c["data"]["col_names"], c["data"]["data"]) for c in info["comps"]
        ],
    )


def segments(raw, skip=("edge", "bad_acq_skip")):
    """The stretches that MNE would process."""
    onsets, ends = mne.annotations._annotations_starts_stops(raw, skip, invert=True)
    out, at = [], 0
    for onset, end in zip(onsets, ends, strict=True):
        if onset > at:
            out.append((at, onset, 0))
        out.append((onset, end, 1))
        at = end
    if at < len(raw.times):
        out.append((at, len(raw.times), 0))
    return out


def empty_room(folder):
    """One second of an empty room, with the head where it might have been."""
    raw = mne.io.read_raw_fif(folder / "sss" / "test_move_anon_erm_raw.fif", allow_maxshield="yes", verbose="error")
    trans = np.eye(4)
    trans[:3, :3] = mne.transforms.quat_to_rot(np.array([0.03, -0.05, 0.02]))
    trans[:3, 3] = [0.003, -0.01, 0.05]
    with raw.info._unlock():
        # As read from a file: orthogonal to single precision only.
        raw.info["dev_head_t"] = mne.transforms.Transform("meg", "head", trans.astype(np.float32).astype(float))
    return raw.load_data(verbose="error")


def simulated(room, duration, sfreq, seed=0, interference=10.0, first_samp=1000):
    """Brain, interference from afar and from nearby, and noise, on the array of `room`."""
    rng = np.random.default_rng(seed)
    room = room.copy().pick(["meg", "eeg", "ecg"], verbose="error")
    info = room.info.copy()
    with info._unlock():
        info["sfreq"], info["lowpass"] = float(sfreq), sfreq / 2.0
    basis = mne.preprocessing.compute_maxwell_basis(
        room.info, origin=(0.0, 0.0, 0.04), regularize=None, ignore_ref=False, verbose="error"
    )[0]
    basis /= np.linalg.norm(basis, axis=0)
    types = np.array(room.get_channel_types())
    meg = np.isin(types, ("mag", "grad"))
    n = int(duration * sfreq)
    noise = np.select([types == "mag", types == "grad"], [3e-15, 3e-13], 1e-6) * np.sqrt(sfreq)
    x = rng.standard_normal((len(types), n)) * noise[:, np.newaxis]

    def drift(k):
        course = rng.standard_normal((k, n)).cumsum(1)
        course -= course.mean(1, keepdims=True)
        return course / course.std(1, keepdims=True)

    brain, far = basis[:, :80] @ drift(80), basis[:, 80:95] @ drift(15)
    x[meg] += 1e-11 * brain / brain.std() + 1e-11 * interference * far / far.std()
    times = np.arange(n) / sfreq
    for k in range(4):
        course = np.sin(2 * np.pi * (0.7 + 1.3 * k) * times + k) * (1 + 0.3 * np.sin(times))
        pattern = rng.standard_normal(meg.sum()) * noise[meg] * 30 * interference / (1 + k)
        x[meg] += np.outer(pattern, course)
    return mne.io.RawArray(x, info, first_samp=first_samp, verbose="error")


def head_positions(raw, every=1.0, seed=1, start=0.3, size=0.0013):
    """A head that wanders from where it was."""
    rng = np.random.default_rng(seed)
    times = np.arange(raw.first_time + start, raw.first_time + raw.times[-1] + 2, every)
    trans = raw.info["dev_head_t"]["trans"]
    out = np.zeros((len(times), 10))
    out[:, 0] = times
    out[:, 1:4] = mne.transforms.rot_to_quat(trans[:3, :3]) + 0.002 * rng.standard_normal((len(times), 3)).cumsum(0)
    out[:, 4:7] = trans[:3, 3] + size * rng.standard_normal((len(times), 3)).cumsum(0)
    out[:, 7:] = [0.99, 0.001, 0.01]
    return out
