"""Spectra of arrays, with the numbers of :mod:`mne.time_frequency`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._array import Array, as_float, as_int, as_jobs, as_rows, as_window
from ._exceptions import ParameterError

__all__ = ["psd_array_welch"]


def psd_array_welch(
    x: npt.ArrayLike,
    sfreq: float,
    fmin: float = 0,
    fmax: float = np.inf,
    n_fft: int = 256,
    n_overlap: int = 0,
    n_per_seg: int | None = None,
    n_jobs: int | None = None,
    average: str | bool | None = "mean",
    window: str | tuple[Any, ...] = "hamming",
    remove_dc: bool = True,
    *,
    output: str = "power",
    verbose: Any = None,
) -> tuple[npt.NDArray[Any], Array]:
    """Power spectral density by Welch's method.

    Parameters
    ----------
    x : array_like, shape (..., n_times)
        The samples. Stretches that are NaN in all rows are left out (bad spans); a row with another NaN or an
        infinity gets a spectrum of NaN.
    sfreq : float
        Sampling rate in Hz.
    fmin, fmax : float
        Range of the frequencies to return, in Hz, both ends included.
    n_fft : int
        Length of the FFT in samples; segments are filled up with zeros to it.
    n_overlap : int
        Samples that segments share.
    n_per_seg : int | None
        Length of a segment in samples; ``None`` is ``n_fft``.
    n_jobs : int | None
        Threads; ``None`` is the budget.
    average : "mean" | "median" | None
        How segments are put together; ``None`` (or ``False``) returns each.
    window : str | tuple
        The window of a segment.
    remove_dc : bool
        Take the mean of each segment away first.
    output : "power" | "complex"
        Density, or the Fourier coefficients (with ``average=None``).
    verbose : object
        Not used.

    Returns
    -------
    psds : ndarray of float64, shape (..., n_freqs) or (..., n_freqs, n_segments)
        The density, in the square of the unit of ``x`` per Hz.
    freqs : ndarray of float64, shape (n_freqs,)
        The frequencies in Hz.

    See Also
    --------
    mne.time_frequency.psd_array_welch : The same function; it averages complex coefficients, too.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.time_frequency import psd_array_welch
    >>> t = np.arange(8000) / 1000.0
    >>> psds, freqs = psd_array_welch(np.sin(2 * np.pi * 10 * t), 1000.0, fmax=40, n_fft=1000)
    >>> float(freqs[psds.argmax()])
    10.0
    """
    if average is False:
        average = None
    if average not in (None, "mean", "median"):
        raise ParameterError(f'`average` must be "mean", "median" or None, got {average!r}')
    if output not in ("power", "complex"):
        raise ParameterError(f'`output` must be "power" or "complex", got {output!r}')
    if output == "complex" and average is not None:
        raise ParameterError(f'`output="complex"` needs `average=None`, got {average!r}')
    array = as_float(x, "x")
    kind, numbers = as_window(window, "window")
    psds, freqs = _core.psd_array_welch(
        as_rows(array),
        float(sfreq),
        float(fmin),
        float(fmax),
        as_int(n_fft, "n_fft", 1),
        as_int(n_overlap, "n_overlap", 0),
        None if n_per_seg is None else as_int(n_per_seg, "n_per_seg", 1),
        average,
        kind,
        numbers,
        bool(remove_dc),
        output,
        as_jobs(n_jobs),
    )
    return psds.reshape(*array.shape[:-1], *psds.shape[1:]), freqs
