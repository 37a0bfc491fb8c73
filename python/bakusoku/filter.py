"""FIR filters, notches and resampling on arrays, with the numbers of :mod:`mne.filter`."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _core
from ._array import Array, as_float, as_int, as_jobs, as_picks, as_rows, as_window
from ._exceptions import ParameterError

__all__ = ["create_filter", "filter_data", "notch_filter", "resample"]

Auto = Literal["auto"]


def _edges(value: Any, name: str) -> list[float] | None:
    if value is None:
        return None
    try:
        edges = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        raise TypeError(f"`{name}` must be a number, a list of numbers or None, got {value!r}") from None
    if edges.ndim != 1 or edges.size == 0:
        raise ParameterError(
            f"`{name}` must be a number, a list of numbers or None, got an array of shape {edges.shape}"
        )
    return edges.tolist()


def _length(value: Any) -> str | int:
    if isinstance(value, str):
        return value
    if value is None:
        raise ParameterError(
            '`filter_length` must be "auto", a duration such as "10s", or a number of samples, got None'
        )
    return int(value)


def _bandwidth(value: Any, name: str) -> list[float] | None:
    if isinstance(value, str):
        if value != "auto":
            raise ParameterError(f'`{name}` must be "auto" or Hz, got {value!r}')
        return None
    return _edges(value, name)


def _only_fir(method: str, iir_params: Any) -> None:
    if method == "fir" and iir_params is None:
        return
    if method == "fir":
        raise ParameterError('`iir_params` must be None with `method="fir"`')
    if method in ("iir", "spectrum_fit"):
        raise NotImplementedError(f'`method="{method}"` is not here yet: use "fir", or MNE-Python')
    raise ParameterError(f'`method` must be "fir", got {method!r}')


def _design(filter_length, l_trans_bandwidth, h_trans_bandwidth, phase, fir_window, fir_design) -> tuple[Any, ...]:
    if not isinstance(fir_window, str):
        raise ParameterError(f'`fir_window` must be "hamming", "hann" or "blackman", got {fir_window!r}')
    return (
        _length(filter_length),
        _bandwidth(l_trans_bandwidth, "l_trans_bandwidth"),
        _bandwidth(h_trans_bandwidth, "h_trans_bandwidth"),
        phase,
        fir_window,
        fir_design,
    )


def _picked(data: Any, name: str, picks: Any, copy: bool, run) -> Array:
    """`run` on the picked rows of `data`; the other rows pass."""
    x = as_float(data, name)
    if not copy and x is not data:
        was = f"dtype {data.dtype}" if isinstance(data, np.ndarray) else type(data).__name__
        raise TypeError(f"`copy=False` needs a float64 array in C order to write into, got {was}: use `copy=True`")
    rows = as_rows(x)
    # As MNE: `picks` count the second dimension from the end of an array that has one.
    index = as_picks(picks, x.shape[-2] if x.ndim > 1 else 1)
    if index is not None and x.ndim > 2:
        index = (np.arange(rows.shape[0] // x.shape[-2])[:, np.newaxis] * x.shape[-2] + index).ravel()
    if index is None:
        out = run(rows)
        if copy:
            return out.reshape(x.shape)
        rows[...] = out
        return x
    if copy:
        x = x.copy()
        rows = as_rows(x)
    rows[index] = run(np.ascontiguousarray(rows[index]))
    return x


def filter_data(
    data: npt.ArrayLike,
    sfreq: float,
    l_freq: float | npt.ArrayLike | None,
    h_freq: float | npt.ArrayLike | None,
    picks: npt.ArrayLike | None = None,
    filter_length: str | int = "auto",
    l_trans_bandwidth: float | Auto = "auto",
    h_trans_bandwidth: float | Auto = "auto",
    n_jobs: int | None = None,
    method: str = "fir",
    iir_params: dict[str, Any] | None = None,
    copy: bool = True,
    phase: str = "zero",
    fir_window: str = "hamming",
    fir_design: str = "firwin",
    pad: str = "reflect_limited",
    *,
    verbose: Any = None,
) -> Array:
    """Filter along the last axis with an FIR filter.

    Parameters
    ----------
    data : array_like, shape (..., n_times)
        The samples, in any unit. Any real dtype; the arithmetic is float64.
    sfreq : float
        Sampling rate in Hz.
    l_freq, h_freq : float | array_like | None
        Edges of the pass band in Hz. ``l_freq < h_freq``: band-pass; ``l_freq > h_freq``: band-stop (also lists of
        edges, for several stop bands); one ``None``: low- or high-pass.
    picks : array_like of int | None
        Channels to filter; the others pass unchanged. ``None`` is all of them.
    filter_length : str | int
        ``"auto"``, a duration such as ``"10s"`` or ``"5500ms"``, or a number of samples.
    l_trans_bandwidth, h_trans_bandwidth : float | "auto"
        Width of the transition bands in Hz.
    n_jobs : int | None
        Threads; ``None`` is the budget. The result is the same for any number.
    method : "fir"
        Only FIR filters.
    iir_params : None
        Must be ``None``.
    copy : bool
        ``False`` writes into ``data``, which then must be float64 in C order.
    phase : str
        ``"zero"``.
    fir_window : str
        ``"hamming"``, ``"hann"`` or ``"blackman"``.
    fir_design : str
        ``"firwin"``.
    pad : str
        How the ends are continued.
    verbose : object
        Not used; here because MNE has it.

    Returns
    -------
    data : ndarray of float64, shape (..., n_times)
        The filtered samples.

    See Also
    --------
    mne.filter.filter_data : The same function; it takes float64 arrays only.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.filter import filter_data
    >>> t = np.arange(4000) / 1000.0
    >>> slow, fast = np.sin(2 * np.pi * 5 * t), np.sin(2 * np.pi * 100 * t)
    >>> filtered = filter_data(slow + fast, 1000.0, None, 40.0)
    >>> bool(abs(filtered - slow)[500:-500].max() < 0.01)
    True
    """
    _only_fir(method, iir_params)
    band = (_edges(l_freq, "l_freq"), _edges(h_freq, "h_freq"))
    design = _design(filter_length, l_trans_bandwidth, h_trans_bandwidth, phase, fir_window, fir_design)
    jobs = as_jobs(n_jobs)
    return _picked(
        data, "data", picks, copy, lambda rows: _core.filter_data(rows, float(sfreq), *band, *design, pad, jobs)
    )


def notch_filter(
    x: npt.ArrayLike,
    Fs: float,
    freqs: float | npt.ArrayLike | None,
    filter_length: str | int = "auto",
    notch_widths: float | npt.ArrayLike | None = None,
    trans_bandwidth: float = 1,
    method: str = "fir",
    iir_params: dict[str, Any] | None = None,
    mt_bandwidth: float | None = None,
    p_value: float = 0.05,
    picks: npt.ArrayLike | None = None,
    n_jobs: int | None = None,
    copy: bool = True,
    phase: str = "zero",
    fir_window: str = "hamming",
    fir_design: str = "firwin",
    pad: str = "reflect_limited",
    *,
    verbose: Any = None,
) -> Array:
    """Take single frequencies out with one FIR filter.

    Parameters
    ----------
    x : array_like, shape (..., n_times)
        The samples, in any unit.
    Fs : float
        Sampling rate in Hz.
    freqs : float | array_like
        The frequencies in Hz, such as 50 and its harmonics.
    filter_length : str | int
        ``"auto"``, a duration such as ``"10s"``, or a number of samples.
    notch_widths : float | array_like | None
        Width of each stop band in Hz; ``None`` is ``freqs / 200``.
    trans_bandwidth : float
        Width of the transition bands in Hz.
    method : "fir"
        Only FIR filters (MNE has ``"spectrum_fit"``, which has no frequency response).
    iir_params, mt_bandwidth, p_value : None
        For other methods; not used.
    picks : array_like of int | None
        Channels to filter; the others pass unchanged.
    n_jobs : int | None
        Threads; ``None`` is the budget.
    copy : bool
        ``False`` writes into ``x``.
    phase, fir_window, fir_design, pad : str
        As in :func:`filter_data`.
    verbose : object
        Not used.

    Returns
    -------
    xf : ndarray of float64, shape (..., n_times)
        The filtered samples.

    See Also
    --------
    mne.filter.notch_filter : The same function.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.filter import notch_filter
    >>> t = np.arange(10000) / 1000.0
    >>> hum = np.sin(2 * np.pi * 50 * t)
    >>> bool(abs(notch_filter(hum, 1000.0, [50, 100]))[4000:-4000].max() < 0.01)
    True
    """
    if freqs is None:
        raise ParameterError("`freqs` must be one or several frequencies in Hz, got None")
    _only_fir(method, iir_params)
    at = _edges(freqs, "freqs")
    widths = _edges(notch_widths, "notch_widths")
    length, _, _, *rest = _design(filter_length, "auto", "auto", phase, fir_window, fir_design)
    jobs = as_jobs(n_jobs)
    return _picked(
        x,
        "x",
        picks,
        copy,
        lambda rows: _core.notch_filter(rows, float(Fs), at, length, widths, float(trans_bandwidth), *rest, pad, jobs),
    )


def resample(
    x: npt.ArrayLike,
    up: float = 1.0,
    down: float = 1.0,
    *,
    axis: int = -1,
    window: str | tuple[Any, ...] = "auto",
    n_jobs: int | None = None,
    pad: str = "auto",
    npad: int | Auto = 100,
    method: str = "fft",
    verbose: Any = None,
) -> Array:
    """Change the sampling rate by ``up / down``.

    Parameters
    ----------
    x : array_like, shape (..., n_times, ...)
        The samples, in any unit.
    up, down : float
        The new rate is the old one times ``up / down``.
    axis : int
        The axis of the samples.
    window : str | tuple
        Window in the frequency domain (``method="fft"``; ``"auto"`` is ``"boxcar"``), or of the low-pass
        (``method="polyphase"``; ``"auto"`` is ``("kaiser", 5.0)``).
    n_jobs : int | None
        Threads; ``None`` is the budget.
    pad : str
        How the ends are continued: ``"auto"`` is ``"reflect_limited"`` (fft) or ``"reflect"`` (polyphase).
    npad : int | "auto"
        Samples put before and after (fft); ``"auto"`` fills up to a power of two.
    method : "fft" | "polyphase"
        One transform of everything, or an FIR filter at the lower rate.
    verbose : object
        Not used.

    Returns
    -------
    y : ndarray of float64, shape (..., n_new, ...)
        ``n_new`` is ``round(n_times * up / down)``.

    See Also
    --------
    mne.filter.resample : The same function; there a window may also be an array or a function.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.filter import resample
    >>> resample(np.ones((2, 1000)), 1, 4).shape
    (2, 250)
    """
    array = as_float(x, "x")
    if not -array.ndim <= axis < array.ndim:
        raise ParameterError(f"`axis` must be within the {array.ndim} dimensions of `x`, got {axis}")
    if method not in ("fft", "polyphase"):
        raise ParameterError(f'`method` must be "fft" or "polyphase", got {method!r}')
    if isinstance(npad, str) and npad != "auto":
        raise ParameterError(f'`npad` must be "auto" or a number of samples, got {npad!r}')
    moved = np.ascontiguousarray(array.swapaxes(axis, -1))
    kind, numbers = as_window(window, "window", "auto")
    pads = None if npad == "auto" else as_int(npad, "npad", 0)
    out = _core.resample(as_rows(moved), float(up), float(down), kind, numbers, pad, pads, method, as_jobs(n_jobs))
    return out.reshape(*moved.shape[:-1], out.shape[-1]).swapaxes(axis, -1)


def create_filter(
    data: npt.ArrayLike | None,
    sfreq: float,
    l_freq: float | npt.ArrayLike | None,
    h_freq: float | npt.ArrayLike | None,
    filter_length: str | int = "auto",
    l_trans_bandwidth: float | Auto = "auto",
    h_trans_bandwidth: float | Auto = "auto",
    method: str = "fir",
    iir_params: dict[str, Any] | None = None,
    phase: str = "zero",
    fir_window: str = "hamming",
    fir_design: str = "firwin",
    verbose: Any = None,
) -> Array:
    """Coefficients of the filter that :func:`filter_data` uses.

    Parameters
    ----------
    data : array_like, shape (..., n_times) | None
        Not filtered: MNE looks at its length for a warning.
    sfreq, l_freq, h_freq : float
        As in :func:`filter_data`.
    filter_length, l_trans_bandwidth, h_trans_bandwidth : object
        As in :func:`filter_data`.
    method, iir_params, phase, fir_window, fir_design : object
        As in :func:`filter_data`.
    verbose : object
        Not used.

    Returns
    -------
    filt : ndarray of float64, shape (n_taps,)
        The filter's taps.

    See Also
    --------
    mne.filter.create_filter : The same function.

    Examples
    --------
    >>> from bakusoku.filter import create_filter
    >>> create_filter(None, 1000.0, 1.0, 40.0).shape
    (3301,)
    """
    _only_fir(method, iir_params)
    band = (_edges(l_freq, "l_freq"), _edges(h_freq, "h_freq"))
    design = _design(filter_length, l_trans_bandwidth, h_trans_bandwidth, phase, fir_window, fir_design)
    return _core.create_filter(float(sfreq), *band, *design)
