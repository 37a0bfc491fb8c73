"""How far ours is from MNE's, as one number. DESIGN: relative to what a reader of the plot would call the size."""

from __future__ import annotations

import numpy as np


def _rows(x):
    x = np.asarray(x)
    return x.reshape(-1, x.shape[-1])


def _worst(difference, scale):
    scale = np.where(scale == 0, 1.0, scale)  # a flat channel: the absolute difference
    return float((difference / scale).max(initial=0.0))


def time_series(ours, theirs, given=None):
    """Relative to the channel's peak of input and output."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"shape {ours.shape}, MNE has {theirs.shape}"
    assert np.isfinite(ours).all()
    ours, theirs = _rows(ours), _rows(theirs)
    scale = np.abs(theirs).max(-1, initial=0.0)
    if given is not None:
        scale = np.maximum(scale, np.abs(_rows(given)).max(-1, initial=0.0))
    return _worst(np.abs(ours - theirs).max(-1, initial=0.0), scale)


def spectrum(ours, theirs, given=None):
    """Relative to the row's maximum; NaN where MNE has NaN."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"shape {ours.shape}, MNE has {theirs.shape}"
    assert np.array_equal(np.isnan(ours), np.isnan(theirs)), "NaN in other places than MNE's"
    ours, theirs = np.nan_to_num(_rows(ours)), np.nan_to_num(_rows(theirs))
    return _worst(np.abs(ours - theirs).max(-1), np.abs(theirs).max(-1))


def covariance(ours, theirs, given=None):
    """Element (i, j) relative to the square root of C_ii C_jj."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"shape {ours.shape}, MNE has {theirs.shape}"
    size = np.sqrt(np.abs(np.diag(theirs)))
    return _worst(np.abs(ours - theirs), np.outer(size, size))


def taps(ours, theirs, given=None):
    """Relative to the largest tap."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"{ours.shape} taps, MNE has {theirs.shape}"
    return _worst(np.abs(ours - theirs).max(), np.abs(theirs).max())


def largest(ours, theirs, given=None):
    """The largest difference; the case has divided by a size of its own."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"shape {ours.shape}, MNE has {theirs.shape}"
    assert np.isfinite(ours).all()
    return float(np.abs(ours - theirs).max(initial=0.0))


def exact(ours, theirs, given=None):
    """Zero if equal, infinite if not."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        raise AssertionError(f"shape {ours.shape}, MNE has {theirs.shape}")
    return 0.0 if np.array_equal(ours, theirs) else float("inf")


def by_type(ours, theirs, given):
    """The largest difference of each type of channel, relative to the type's RMS in the input (data, types)."""
    ours, theirs, (data, types) = np.asarray(ours), np.asarray(theirs), given
    assert ours.shape == theirs.shape, f"shape {ours.shape}, MNE has {theirs.shape}"
    assert np.isfinite(ours).all()
    worst = 0.0
    for kind in set(types):
        rows = np.flatnonzero(np.asarray(types) == kind)
        size = np.sqrt(np.mean(np.square(data[rows][np.isfinite(data[rows])]))) or 1.0
        worst = max(worst, float(np.abs(ours[rows] - theirs[rows]).max(initial=0.0) / size))
    # Channels that were appended: head positions.
    extra = slice(len(types), None)
    return max(worst, float(np.abs(ours[extra] - theirs[extra]).max(initial=0.0)))


def scores(ours, theirs, given=None):
    """The largest difference of scores; NaN where MNE has NaN."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"shape {ours.shape}, MNE has {theirs.shape}"
    assert np.array_equal(np.isnan(ours), np.isnan(theirs)), "NaN in other places than MNE's"
    return float(np.nanmax(np.abs(ours - theirs), initial=0.0))


def matrix(ours, theirs, given=None):
    """Each column relative to its own length."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"shape {ours.shape}, MNE has {theirs.shape}"
    return float((np.linalg.norm(ours - theirs, axis=0) / np.linalg.norm(theirs, axis=0)).max(initial=0.0))
