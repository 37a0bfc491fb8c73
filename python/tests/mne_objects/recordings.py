"""Recordings for the functions on MNE's objects: the sensors of a real empty-room file, samples made up."""

from __future__ import annotations

from pathlib import Path

import mne
import numpy as np

CALIBRATION, CROSS_TALK = "sss_cal_3053.dat", "ct_sparse.fif"


def emptyroom(folder: Path) -> mne.io.BaseRaw:
    """One second, as it was recorded; not loaded."""
    return mne.io.read_raw_fif(folder / "sss" / "test_move_anon_erm_raw.fif", allow_maxshield="yes", verbose="error")


def head_shape(n: int = 60, seed: int = 1) -> list:
    """Points of a head of 9 cm around (1, 4, 42) mm."""
    rng = np.random.default_rng(seed)
    unit = rng.standard_normal((n, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    unit[:, 2] = np.abs(unit[:, 2])
    points = 0.09 * unit + [0.001, 0.004, 0.042] + 0.001 * rng.standard_normal((n, 3))
    return [
        mne._fiff._digitization.DigPoint(dict(kind=4, ident=i + 1, r=r, coord_frame=4)) for i, r in enumerate(points)
    ]


def recording(folder: Path, seconds: float = 6.0, sfreq: float = 400.0, seed: int = 0) -> mne.io.BaseRaw:
    """A head in the helmet: noise, slow interference of low rank, EEG and the rest; ``first_samp`` 1200."""
    raw = emptyroom(folder).load_data(verbose="error")
    rng = np.random.default_rng(seed)
    n = int(round(seconds * sfreq))
    meg = mne.pick_types(raw.info, meg=True)
    grad = mne.pick_types(raw.info, meg="grad")
    far = raw.get_data(meg)
    u, s, _ = np.linalg.svd(far - far.mean(1, keepdims=True), full_matrices=False)
    courses = np.cumsum(rng.standard_normal((6, n)), axis=1)
    courses /= courses.std(1, keepdims=True)
    data = 1e-6 * rng.standard_normal((len(raw.ch_names), n))
    noise = np.full(len(raw.ch_names), 3e-15 * np.sqrt(sfreq / 2))
    noise[grad] = 3e-13 * np.sqrt(sfreq / 2)
    data[meg] = (u[:, :6] * s[:6] / np.sqrt(far.shape[1])) @ courses
    data[meg] += noise[meg, np.newaxis] * rng.standard_normal((len(meg), n))
    info = raw.info.copy()
    with info._unlock():
        trans = np.eye(4)
        trans[:3, :3] = mne.transforms.quat_to_rot(np.array([0.0735, 0.01097, 0.04017]))
        trans[:3, 3] = [0.00752, -0.01957, 0.07441]
        info["dev_head_t"] = mne.transforms.Transform("meg", "head", trans)
        info["dig"] = head_shape()
        info["sfreq"] = sfreq
        info["lowpass"] = sfreq / 3
        info["maxshield"] = False
    return mne.io.RawArray(data, info, first_samp=1200, verbose="error")


def positions(raw: mne.io.BaseRaw, every: float = 1.0) -> np.ndarray:
    """Where a swaying head was."""
    trans = raw.info["dev_head_t"]["trans"]
    t = np.arange(0.2, raw.times[-1], every)
    pos = np.zeros((len(t), 10))
    pos[:, 0] = raw.first_time + t
    pos[:, 1:4] = mne.transforms.rot_to_quat(trans[:3, :3]) + 0.01 * np.sin(t[:, np.newaxis] * [1.1, 0.7, 0.5])
    pos[:, 4:7] = trans[:3, 3] + 0.003 * np.sin(t[:, np.newaxis] * [1.3, 1.7, 0.3])
    pos[:, 7:] = [0.99, 0.001, 0.002]
    return pos
