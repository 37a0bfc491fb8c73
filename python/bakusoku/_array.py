"""NumPy arrays in and out: any real dtype and memory layout in, float64 in C order out."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from ._exceptions import ParameterError

Array = npt.NDArray[np.float64]


def as_float(data: npt.ArrayLike, name: str = "data") -> Array:
    """float64 in C order; no copy when it is that already."""
    if isinstance(data, (str, bytes)) or data is None:
        raise TypeError(f"`{name}` must be an array of numbers, got {type(data).__name__}")
    array = np.asarray(data)
    if array.dtype.kind == "c":
        raise TypeError(f"`{name}` is complex ({array.dtype}), expected real numbers")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"`{name}` must be an array of numbers, got dtype {array.dtype}")
    if array.ndim == 0:
        raise ParameterError(f"`{name}` is a single number, expected an array with samples along its last axis")
    return np.ascontiguousarray(array, dtype=np.float64)


def as_rows(array: Array) -> Array:
    """Two-dimensional (n_rows, n_times), a view."""
    return (
        array.reshape(-1, array.shape[-1])
        if array.size
        else array.reshape(int(np.prod(array.shape[:-1])), array.shape[-1])
    )


def as_picks(picks: Any, n_channels: int) -> npt.NDArray[np.intp] | None:
    """Indices of channels; ``None`` is all of them."""
    if picks is None:
        return None
    index = np.asarray(picks)
    if index.dtype == bool:
        if index.shape != (n_channels,):
            raise ParameterError(
                f"a boolean `picks` must have one value per channel ({n_channels}), got shape {index.shape}"
            )
        index = np.flatnonzero(index)
    index = np.atleast_1d(index)
    if index.size == 0:
        index = index.astype(np.intp)
    if index.dtype.kind not in "iu" or index.ndim != 1:
        raise ParameterError(f"`picks` must be indices of channels on an array without names, got {picks!r}")
    if ((index < -n_channels) | (index >= n_channels)).any():
        raise ParameterError(f"`picks` must be within the {n_channels} channels, got {picks!r}")
    return index % max(n_channels, 1)


def as_int(value: Any, name: str, least: int) -> int:
    """A whole number from ``least`` on."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"`{name}` must be an int, got {value!r}") from None
    if number < least:
        raise ParameterError(f"`{name}` must be at least {least}, got {number}")
    if number > 2**31 - 1:
        raise ParameterError(f"`{name}` must be at most {2**31 - 1}, got {number}")
    return number


def as_jobs(n_jobs: Any) -> int:
    """Threads: 0 stands for the budget."""
    if n_jobs is None:
        return 0
    if isinstance(n_jobs, str):
        raise ParameterError(f"`n_jobs` must be None (the budget), -1 or a number of threads, got {n_jobs!r}")
    try:
        n = operator.index(n_jobs)
    except TypeError:
        raise TypeError(f"`n_jobs` must be an int or None, got {type(n_jobs).__name__}") from None
    if n == -1:
        return 0
    if n < 1:
        raise ParameterError(f"`n_jobs` must be None (the budget), -1 or at least 1, got {n}")
    return n


def as_window(window: Any, name: str, default: str | None = None) -> tuple[str, list[float]]:
    """A window's name and its numbers, from SciPy's ``"hann"`` or ``("kaiser", 5.0)``."""
    if window is None and default is not None:
        return default, []
    if isinstance(window, str):
        return window, []
    if isinstance(window, (tuple, list)) and window and isinstance(window[0], str):
        return window[0], [float(v) for v in window[1:]]
    raise ParameterError(f'`{name}` must be a name such as "hann" or a pair such as ("kaiser", 5.0), got {window!r}')
