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


def exact(ours, theirs, given=None):
    """Zero if equal, infinite if not."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        raise AssertionError(f"shape {ours.shape}, MNE has {theirs.shape}")
    return 0.0 if np.array_equal(ours, theirs) else float("inf")
