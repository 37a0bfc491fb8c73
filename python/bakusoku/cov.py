"""Covariance of arrays, with the numbers of :func:`mne.compute_covariance`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from . import _core
from ._array import Array, as_float, as_jobs
from ._exceptions import ParameterError

__all__ = ["compute_covariance"]


def compute_covariance(
    epochs: npt.ArrayLike,
    keep_sample_mean: bool = True,
    tmin: float | None = None,
    tmax: float | None = None,
    *,
    times: npt.ArrayLike | None = None,
    ch_types: Sequence[str] | None = None,
    method: str = "empirical",
    rank: str | dict[str, int] | None = None,
    n_jobs: int | None = None,
    verbose: Any = None,
) -> tuple[Array, int]:
    """Empirical covariance of epochs.

    Parameters
    ----------
    epochs : array_like, shape (n_epochs, n_channels, n_times)
        The epochs, in SI units.
    keep_sample_mean : bool
        ``False`` takes away the mean over epochs at each sample first (the evoked response).
    tmin, tmax : float | None
        Interval in s to use; needs ``times``.
    times : array_like, shape (n_times,) | None
        Seconds from the event.
    ch_types : sequence of str | None
        Type of each channel; ``None`` is ``"eeg"`` for all.
    method : "empirical"
        Only the empirical covariance.
    rank : None | "info" | "full" | dict of int
        ``None`` estimates the rank of each type of channel from the data and projects to it, ``"info"`` and
        ``"full"`` take all of it (an array carries no SSP vectors), a dict gives it by type.
    n_jobs : int | None
        Threads; ``None`` is the budget.
    verbose : object
        Not used.

    Returns
    -------
    cov : ndarray of float64, shape (n_data_channels, n_data_channels)
        The covariance of the data channels (EOG and the like are left out), in the product of their units.
    n_free : int
        Degrees of freedom.

    See Also
    --------
    mne.compute_covariance : The same on an ``Epochs`` object.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.cov import compute_covariance
    >>> x = np.random.default_rng(0).standard_normal((20, 3, 500)) * 1e-5
    >>> cov, n_free = compute_covariance(x, ch_types=["eeg"] * 3)
    >>> bool(abs(np.sqrt(np.diag(cov)) / 1e-5 - 1).max() < 0.05), n_free
    (True, 9999)
    """
    if method != "empirical":
        raise NotImplementedError(f'`method` must be "empirical", got {method!r}: MNE-Python has the others')
    x = as_float(epochs, "epochs")
    if x.ndim != 3:
        raise ParameterError(f"`epochs` must have shape (n_epochs, n_channels, n_times), got {x.shape}")
    sfreq, first = 1.0, 0
    if tmin is not None or tmax is not None:
        if times is None:
            raise ParameterError("`tmin` and `tmax` need `times`")
        t = as_float(times, "times")
        if t.shape != (x.shape[2],):
            raise ParameterError(f"`times` must have one value per sample ({x.shape[2]}), got shape {t.shape}")
        if len(t) > 1:
            sfreq = (len(t) - 1) / (t[-1] - t[0])
        first = round(t[0] * sfreq)
    types = ["eeg"] * x.shape[1] if ch_types is None else [str(c) for c in ch_types]
    if len(types) != x.shape[1]:
        raise ParameterError(f"`ch_types` must have one value per channel ({x.shape[1]}), got {len(types)}")
    if isinstance(rank, str) and rank not in ("info", "full"):
        raise ParameterError(f'`rank` must be None, "info", "full" or a dict, got {rank!r}')
    how = rank if isinstance(rank, str) else ("estimate" if rank is None else "given")
    given = [(str(k), int(v)) for k, v in rank.items()] if isinstance(rank, dict) else []
    return _core.compute_covariance(
        x, sfreq, first, types, bool(keep_sample_mean), _or_none(tmin), _or_none(tmax), how, given, as_jobs(n_jobs)
    )


def _or_none(value: float | None) -> float | None:
    return None if value is None else float(value)
