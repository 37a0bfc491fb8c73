"""Covariance of arrays, with the numbers of :func:`mne.compute_covariance`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

from . import _core
from ._array import Array, as_float, as_int, as_jobs
from ._exceptions import ParameterError, UnsupportedError

__all__ = ["Estimate", "compute_covariance"]


class Estimate(NamedTuple):
    """A covariance, the method that gave it, and the log-likelihood of samples that were left out."""

    method: str
    loglik: float | None
    cov: Array


def compute_covariance(
    epochs: npt.ArrayLike,
    keep_sample_mean: bool = True,
    tmin: float | None = None,
    tmax: float | None = None,
    *,
    times: npt.ArrayLike | None = None,
    ch_types: Sequence[str] | None = None,
    method: str | Sequence[str] = "empirical",
    method_params: dict[str, dict[str, Any]] | None = None,
    cv: int = 3,
    scalings: dict[str, float] | None = None,
    return_estimators: bool = False,
    rank: str | dict[str, int] | None = None,
    n_jobs: int | None = None,
    verbose: Any = None,
) -> tuple[Array, int] | tuple[list[Estimate], int]:
    """Covariance of epochs, plain or regularised.

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
    method : str | sequence of str
        ``"empirical"``, ``"diagonal_fixed"``, ``"ledoit_wolf"``, ``"oas"``, ``"shrinkage"`` or ``"shrunk"``. Of several
        the one is taken that explains samples best that were left out; ``"auto"`` is shrunk, diagonal_fixed and
        empirical. MNE-Python also has pca and factor_analysis.
    method_params : dict | None
        Only ``{"shrinkage": {"shrinkage": 0.1}}``.
    cv : int
        Folds of the samples, for ``"shrunk"`` and for the choice between methods.
    scalings : dict of float | None
        What brings each type to a common order of magnitude; ``None`` is ``dict(mag=1e15, grad=1e13, eeg=1e6)``.
    return_estimators : bool
        With several methods, return all of them, the best one first.
    rank : None | "info" | "full" | dict of int
        ``None`` estimates the rank of each type of channel from the data and projects to it, ``"info"`` and
        ``"full"`` take all of it (an array carries no SSP vectors), a dict gives it by type.
    n_jobs : int | None
        Threads; ``None`` is the budget.
    verbose : object
        Not used.

    Returns
    -------
    cov : ndarray of float64, shape (n_data_channels, n_data_channels) | list of Estimate
        The covariance of the data channels (EOG and the like are left out), in the product of their units. With
        ``return_estimators``, a list of ``(method, loglik, cov)``.
    n_free : int
        Degrees of freedom.

    See Also
    --------
    mne.compute_covariance : The same on an ``Epochs`` object.

    Notes
    -----
    Where the rank is below the number of channels, MNE-Python's regularised covariances depend on a basis that LAPACK
    chooses by rounding errors. Ours depend on the space alone, and treat magnetometers and gradiometers that depend on
    one another as one type; the shrinkage is nearly always the same.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.cov import compute_covariance
    >>> x = np.random.default_rng(0).standard_normal((20, 3, 500)) * 1e-5
    >>> cov, n_free = compute_covariance(x, ch_types=["eeg"] * 3)
    >>> bool(abs(np.sqrt(np.diag(cov)) / 1e-5 - 1).max() < 0.05), n_free
    (True, 9999)
    """
    methods = _methods(method, rank)
    shrinkage = 0.1
    for key, values in (method_params or {}).items():
        if key != "shrinkage" or set(values) - {"shrinkage"}:
            raise UnsupportedError(
                f"only the shrinkage of shrinkage can be set in `method_params`, got {method_params!r}"
            )
        shrinkage = float(values.get("shrinkage", shrinkage))
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
    if not (rank is None or isinstance(rank, dict) or rank in ("info", "full")):
        raise ParameterError(f'`rank` must be None, "info", "full" or a dict, got {rank!r}')
    how = rank if isinstance(rank, str) else ("estimate" if rank is None else "given")
    given = [(str(k), as_int(v, "rank", 0)) for k, v in rank.items()] if isinstance(rank, dict) else []
    found, n_free = _core.compute_covariance(
        x,
        sfreq,
        first,
        types,
        bool(keep_sample_mean),
        _or_none(tmin),
        _or_none(tmax),
        how,
        given,
        methods,
        shrinkage,
        as_int(cv, "cv", 2),
        [(str(k), float(v)) for k, v in (scalings or {}).items()],
        as_jobs(n_jobs),
    )
    estimates = [Estimate(*estimate) for estimate in found]
    if return_estimators and len(methods) > 1:
        return estimates, n_free
    return estimates[0].cov, n_free


def _methods(method: str | Sequence[str] | None, rank: Any) -> list[str]:
    """The methods by name."""
    if method is None:
        return ["empirical"]
    if isinstance(method, str) and method != "auto":
        return [method]
    if isinstance(method, str):
        if rank == "full":
            raise UnsupportedError(
                '`method` "auto" with `rank` "full" tries factor_analysis too, which only MNE-Python has: give a list'
            )
        return ["shrunk", "diagonal_fixed", "empirical"]
    return [str(name) for name in method]


def _or_none(value: float | None) -> float | None:
    return None if value is None else float(value)
