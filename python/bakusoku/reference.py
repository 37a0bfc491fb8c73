"""EEG reference on arrays, with the numbers of :func:`mne.set_eeg_reference`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from . import _core
from ._array import Array, as_float, as_jobs, as_picks
from ._exceptions import ParameterError

__all__ = ["set_eeg_reference"]


def set_eeg_reference(
    data: npt.ArrayLike,
    ref_channels: str | Sequence[int] = "average",
    *,
    picks: npt.ArrayLike | None = None,
    n_jobs: int | None = None,
) -> Array:
    """Subtract the mean of some channels from the EEG channels.

    Parameters
    ----------
    data : array_like, shape (n_channels, n_times)
        The recording, in any unit.
    ref_channels : "average" | sequence of int
        All of ``picks``, or the channels whose mean is the new reference.
    picks : array_like of int | None
        The EEG channels; ``None`` is all channels.
    n_jobs : int | None
        Threads; ``None`` is the budget.

    Returns
    -------
    data : ndarray of float64, shape (n_channels, n_times)
        The recording with its new reference.

    See Also
    --------
    mne.set_eeg_reference : The same on MNE's objects.

    Examples
    --------
    >>> from bakusoku.reference import set_eeg_reference
    >>> set_eeg_reference([[1.0, 2.0], [3.0, 4.0]])
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    x = as_float(data)
    if x.ndim != 2:
        raise ParameterError(f"`data` must have shape (n_channels, n_times), got {x.shape}")
    eeg = as_picks(picks, x.shape[0])
    eeg = np.arange(x.shape[0]) if eeg is None else eeg
    if isinstance(ref_channels, str):
        if ref_channels != "average":
            raise ParameterError(f'`ref_channels` must be "average" or indices of channels, got {ref_channels!r}')
        ref = eeg
    else:
        ref = as_picks(ref_channels, x.shape[0])
    if ref is None or ref.size == 0 or eeg.size == 0:
        raise ParameterError("a reference needs at least one channel in `picks` and in `ref_channels`")
    return _core.set_reference(x, [int(i) for i in ref], [int(i) for i in eeg], as_jobs(n_jobs))
