"""Epochs of arrays, in the order of operations of :class:`mne.Epochs`."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._array import Array, as_float, as_int, as_jobs
from ._exceptions import ParameterError

__all__ = ["ArrayEpochs", "average", "cut_epochs"]


@dataclass(frozen=True)
class ArrayEpochs:
    """What :func:`cut_epochs` returns.

    Attributes
    ----------
    data : ndarray of float64, shape (n_epochs, n_channels, n_times)
        The epochs that were kept, in the unit of the recording.
    times : ndarray of float64, shape (n_times,)
        Seconds from the event.
    events : ndarray of int64, shape (n_epochs, 3)
        The event of each epoch.
    selection : ndarray of int64, shape (n_epochs,)
        Its index among all events.
    drop_log : tuple of tuple of str
        For every event why its epoch was dropped: nothing for one that was kept.
    """

    data: Array
    times: Array
    events: npt.NDArray[np.int64]
    selection: npt.NDArray[np.int64]
    drop_log: tuple[tuple[str, ...], ...]


def _ids(event_id: Any, events: npt.NDArray[np.int64]) -> list[tuple[str, int]]:
    if event_id is None:
        event_id = sorted({int(v) for v in events[:, 2]})
    if isinstance(event_id, Mapping):
        names, codes = [str(k) for k in event_id], list(event_id.values())
    else:
        codes = list(np.atleast_1d(np.asarray(event_id)))
        names = [str(c) for c in codes]
    if not all(isinstance(c, (int, np.integer)) for c in codes):
        raise TypeError(f"`event_id` must be an int, a list of int, a dict of int or None, got {event_id!r}")
    return [(name, int(code)) for name, code in zip(names, codes, strict=True)]


def _thresholds(value: Mapping[str, float] | None, name: str) -> list[tuple[str, float]]:
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise TypeError(f"`{name}` must be a dict such as dict(eeg=150e-6) or None, got {type(value).__name__}")
    return [(str(k), float(v)) for k, v in value.items()]


def cut_epochs(
    data: npt.ArrayLike,
    sfreq: float,
    events: npt.ArrayLike,
    event_id: int | Sequence[int] | Mapping[str, int] | None = None,
    tmin: float = -0.2,
    tmax: float = 0.5,
    baseline: tuple[float | None, float | None] | None = (None, 0),
    reject: Mapping[str, float] | None = None,
    flat: Mapping[str, float] | None = None,
    decim: int = 1,
    reject_tmin: float | None = None,
    reject_tmax: float | None = None,
    detrend: int | None = None,
    reject_by_annotation: bool = True,
    event_repeated: str = "error",
    *,
    ch_types: Sequence[str] | None = None,
    ch_names: Sequence[str] | None = None,
    first_samp: int = 0,
    bad_spans: Sequence[tuple[float, float, str]] = (),
    projs: npt.ArrayLike | None = None,
    n_jobs: int | None = None,
    verbose: Any = None,
) -> ArrayEpochs:
    """Cut a recording around its events: detrend, baseline, decimate, project, reject, in MNE's order.

    Parameters
    ----------
    data : array_like, shape (n_channels, n_times)
        The recording, in SI units.
    sfreq : float
        Sampling rate in Hz.
    events : array_like of int, shape (n_events, 3)
        Sample (counted from ``first_samp``), value before, value after.
    event_id : int | list of int | dict of int | None
        The events to take; ``None`` is all of them.
    tmin, tmax : float
        Begin and end of an epoch in s from its event.
    baseline : tuple of float | None
        Interval in s whose mean is taken away; ``None`` inside it is the begin or the end.
    reject, flat : dict of float | None
        Largest and smallest peak-to-peak amplitude by channel type (``"grad"``, ``"mag"``, ``"eeg"``, ``"eog"``, …).
    decim : int
        Keep every ``decim``-th sample (no filter: ``data`` must be low-passed).
    reject_tmin, reject_tmax : float | None
        Part of the epoch that is looked at for rejection, in s.
    detrend : 0 | 1 | None
        Take away the mean (0) or a line (1).
    reject_by_annotation : bool
        Drop epochs that overlap with one of ``bad_spans``.
    event_repeated : "error" | "drop" | "merge"
        What to do with two events at one sample.
    ch_types : sequence of str | None
        Type of each channel, as MNE names them; ``None`` is ``"eeg"`` for all.
    ch_names : sequence of str | None
        Names for the drop log; ``None`` is ``"0"``, ``"1"``, …
    first_samp : int
        Number of the first sample of ``data``.
    bad_spans : sequence of (float, float, str)
        Onset in s from the first sample, duration in s, description.
    projs : array_like, shape (n_vectors, n_channels) | None
        Directions to take out of each epoch, one per row (SSP vectors).
    n_jobs : int | None
        Threads; ``None`` is the budget.
    verbose : object
        Not used.

    Returns
    -------
    epochs : ArrayEpochs
        The epochs and why the others were dropped.

    See Also
    --------
    mne.Epochs : The same on a ``Raw`` object.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.epochs import cut_epochs
    >>> x = np.random.default_rng(0).standard_normal((2, 1000))
    >>> epochs = cut_epochs(x, 100.0, [[300, 0, 1], [500, 0, 2], [990, 0, 1]], tmin=-0.1, tmax=0.3)
    >>> epochs.data.shape, epochs.drop_log
    ((2, 2, 41), ((), (), ('TOO_SHORT',)))
    """
    x = as_float(data)
    if x.ndim != 2:
        raise ParameterError(f"`data` must have shape (n_channels, n_times), got {x.shape}")
    ev = np.asarray(events)
    if ev.ndim != 2 or ev.shape[1] != 3 or ev.dtype.kind not in "iu":
        raise ParameterError(f"`events` must be integers of shape (n_events, 3), got shape {ev.shape} of {ev.dtype}")
    ev = np.ascontiguousarray(ev, dtype=np.int64)
    n = x.shape[0]
    types = ["eeg"] * n if ch_types is None else [str(t) for t in ch_types]
    names = [str(i) for i in range(n)] if ch_names is None else [str(c) for c in ch_names]
    for name, value in (("ch_types", types), ("ch_names", names)):
        if len(value) != n:
            raise ParameterError(f"`{name}` must have one value per channel ({n}), got {len(value)}")
    if detrend not in (None, 0, 1):
        raise ParameterError(f"`detrend` must be 0, 1 or None, got {detrend!r}")
    p = None if projs is None else as_float(projs, "projs")
    if p is not None and (p.ndim != 2 or p.shape[1] != n):
        raise ParameterError(f"`projs` must have shape (n_vectors, {n}), got {p.shape}")
    spans = [(float(a), float(b), str(c)) for a, b, c in bad_spans] if reject_by_annotation else []
    limits = None if baseline is None else (_or_none(baseline[0]), _or_none(baseline[1]))
    out, times, kept, selection, drop_log = _core.cut_epochs(
        x,
        float(sfreq),
        operator.index(first_samp),
        ev,
        _ids(event_id, ev),
        float(tmin),
        float(tmax),
        limits,
        _thresholds(reject, "reject"),
        _thresholds(flat, "flat"),
        as_int(decim, "decim", 1),
        _or_none(reject_tmin),
        _or_none(reject_tmax),
        detrend,
        event_repeated,
        types,
        names,
        spans,
        p,
        as_jobs(n_jobs),
    )
    return ArrayEpochs(out, times, kept, selection, tuple(tuple(why) for why in drop_log))


def _or_none(value: float | None) -> float | None:
    return None if value is None else float(value)


def average(epochs: npt.ArrayLike, n_jobs: int | None = None) -> Array:
    """Mean over epochs: the evoked response.

    Parameters
    ----------
    epochs : array_like, shape (n_epochs, n_channels, n_times)
        The epochs.
    n_jobs : int | None
        Threads; ``None`` is the budget.

    Returns
    -------
    evoked : ndarray of float64, shape (n_channels, n_times)
        The mean, in the unit of ``epochs``.

    See Also
    --------
    mne.Epochs.average : The same on an ``Epochs`` object.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.epochs import average
    >>> average(np.array([[[1.0, 2.0]], [[3.0, 6.0]]]))
    array([[2., 4.]])
    """
    x = as_float(epochs, "epochs")
    if x.ndim != 3 or x.shape[0] == 0:
        raise ParameterError(
            f"`epochs` must have shape (n_epochs, n_channels, n_times) with at least one epoch, got {x.shape}"
        )
    return _core.average(x, as_jobs(n_jobs))
