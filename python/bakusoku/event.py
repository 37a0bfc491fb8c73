"""Events on stimulus channels, with the numbers of :func:`mne.find_events`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._array import as_float
from ._exceptions import ParameterError

__all__ = ["find_events"]


def find_events(
    data: npt.ArrayLike,
    sfreq: float = 1000.0,
    output: str = "onset",
    consecutive: bool | str = "increasing",
    min_duration: float = 0,
    shortest_event: int = 2,
    mask: int | None = None,
    uint_cast: bool = False,
    mask_type: str = "and",
    initial_event: bool = False,
    *,
    first_samp: int = 0,
    verbose: Any = None,
) -> npt.NDArray[np.int64]:
    """Find where a stimulus channel changes its value.

    Parameters
    ----------
    data : array_like, shape (n_times,) or (1, n_times)
        The stimulus channel (no unit). In place of MNE's ``raw`` and ``stim_channel``.
    sfreq : float
        Sampling rate in Hz; matters for ``min_duration`` alone.
    output : "onset" | "offset" | "step"
        Report where events begin, end, or both.
    consecutive : bool | "increasing"
        Whether a change between two values other than zero is an event: always, never, or where the value grows.
    min_duration : float
        Shorter events (in s) are taken as glitches.
    shortest_event : int
        An event shorter than this (in samples) is an error.
    mask : int | None
        Bits to keep or to drop.
    uint_cast : bool
        Read the values as unsigned 16-bit numbers (a bug of some systems with STI016).
    mask_type : "and" | "not_and"
        Keep the bits of ``mask``, or drop them.
    initial_event : bool
        A value other than zero at the first sample is an event.
    first_samp : int
        Number of the first sample; it is added to what is found.
    verbose : object
        Not used.

    Returns
    -------
    events : ndarray of int64, shape (n_events, 3)
        Sample, value before, value after.

    See Also
    --------
    mne.find_events : The same on a ``Raw`` object.

    Examples
    --------
    >>> from bakusoku import find_events
    >>> find_events([0, 0, 5, 5, 0, 0, 7, 7, 7, 0])
    array([[2, 0, 5],
           [6, 0, 7]])
    """
    row = as_float(data)
    if row.ndim == 2 and row.shape[0] == 1:
        row = row[0]
    if row.ndim != 1:
        raise ParameterError(f"`data` must be one stimulus channel of shape (n_times,), got {row.shape}")
    if consecutive not in (True, False, "increasing"):
        raise ParameterError(f'`consecutive` must be True, False or "increasing", got {consecutive!r}')
    how = consecutive if isinstance(consecutive, str) else ("always" if consecutive else "never")
    return _core.find_events(
        row,
        float(sfreq),
        int(first_samp),
        output,
        how,
        float(min_duration),
        int(shortest_event),
        None if mask is None else int(mask),
        bool(uint_cast),
        mask_type,
        bool(initial_event),
    )
