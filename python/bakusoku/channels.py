"""Bad channels: interpolation of EEG, with the numbers of :meth:`mne.io.Raw.interpolate_bads`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._array import Array, as_float, as_jobs, as_picks
from ._exceptions import DataError, ParameterError

__all__ = ["interpolate_bads", "make_interpolation_matrix"]


def make_interpolation_matrix(pos_from: npt.ArrayLike, pos_to: npt.ArrayLike) -> Array:
    """Weights of good electrodes for the places of bad ones, by spherical splines.

    Parameters
    ----------
    pos_from : array_like, shape (n_good, 3)
        Good electrodes, relative to the centre of the sphere, in any unit.
    pos_to : array_like, shape (n_bad, 3)
        Bad electrodes.

    Returns
    -------
    weights : ndarray of float64, shape (n_bad, n_good)
        ``weights @ good`` are the samples of the bad electrodes; each row sums up to one.

    See Also
    --------
    interpolate_bads : The same on recordings.

    Notes
    -----
    Perrin, Pernier, Bertrand & Echallier (1989), *Electroencephalogr. Clin. Neurophysiol.* 72, 184-187.

    Examples
    --------
    >>> from bakusoku.channels import make_interpolation_matrix
    >>> corners = [[1, 1, 1], [1, -1, 1], [-1, 1, 1], [-1, -1, 1]]
    >>> make_interpolation_matrix(corners, [[0, 0, 1]]).round(3)
    array([[0.25, 0.25, 0.25, 0.25]])
    """
    return _core.make_interpolation_matrix(_positions(pos_from, "pos_from"), _positions(pos_to, "pos_to"))


def interpolate_bads(
    inst: Any,
    reset_bads: bool = True,
    mode: str = "accurate",
    origin: str | Sequence[float] = "auto",
    method: Any = None,
    exclude: Sequence[str] = (),
    *,
    bads: npt.ArrayLike | None = None,
    pos: npt.ArrayLike | None = None,
    n_jobs: int | None = None,
    verbose: Any = None,
) -> Any:
    """Interpolate bad EEG channels by spherical splines.

    Parameters
    ----------
    inst : mne.io.Raw | mne.Epochs | mne.Evoked | array_like, shape (..., n_channels, n_times)
        An object of MNE-Python is changed in place, its samples must be in memory; of an array a copy is returned.
    reset_bads : bool
        Take the interpolated channels out of ``info["bads"]``.
    mode : object
        Not used: in MNE-Python it concerns MEG.
    origin : "auto" | array_like, shape (3,)
        Centre of the sphere in the head frame (m); ``"auto"`` is fitted to the digitised head shape (for an array, to
        the electrodes).
    method : None | "spline" | dict
        Only ``"spline"``, or ``dict(eeg="spline")``.
    exclude : sequence of str
        Bad channels that stay as they are and bad.
    bads : array_like of int | None
        Bad channels of an array.
    pos : array_like, shape (n_channels, 3) | None
        Positions of the channels of an array (m).
    n_jobs : int | None
        Threads; ``None`` is the budget.
    verbose : object
        As in MNE-Python, for its objects.

    Returns
    -------
    inst : object
        The object, or the array.

    See Also
    --------
    mne.io.Raw.interpolate_bads : The same for EEG; maps bad MEG channels as well.

    Notes
    -----
    Only EEG is interpolated. Bad channels of other types stay as they are and stay bad, with a warning; a bad channel
    without a position is an error, where MNE-Python fills it with NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku import interpolate_bads
    >>> pos = np.array([[1, 1, 1], [1, -1, 1], [-1, 1, 1], [-1, -1, 1], [0, 0, 1.7]]) * 0.05
    >>> x = np.array([[1.0], [2.0], [3.0], [4.0], [99.0]])
    >>> interpolate_bads(x, bads=[4], pos=pos, origin=(0, 0, 0)).round(3).ravel()
    array([1. , 2. , 3. , 4. , 2.5])
    """
    chosen = method.get("eeg", "spline") if isinstance(method, dict) else method
    if chosen not in (None, "spline"):
        raise ParameterError(f'`method` must be "spline" for EEG, got {method!r}')
    threads = as_jobs(n_jobs)
    if hasattr(inst, "info"):
        return _of_object(inst, reset_bads, origin, exclude, threads, verbose)
    x = as_float(inst, "inst").copy()
    if x.ndim < 2 or pos is None:
        raise ParameterError("an array needs `pos`, and shape (..., n_channels, n_times)")
    n = x.shape[-2]
    places = _positions(pos, "pos")
    if len(places) != n:
        raise ParameterError(f"`pos` must have one position per channel ({n}), got {len(places)}")
    bad = as_picks([] if bads is None else bads, n)
    assert bad is not None
    _interpolate(x, [str(k) for k in range(n)], np.arange(n), bad, np.array(places), _numbers(origin), threads)
    return x


def _of_object(inst: Any, reset_bads: bool, origin: Any, exclude: Sequence[str], threads: int, verbose: Any) -> Any:
    from . import _mne as m

    centre = _numbers(origin)
    with m.log_level(verbose):
        x = m.loaded(inst)
        info = inst.info
        names, types, places = zip(*m.channels_of(info), strict=True)
        eeg = [k for k, kind in enumerate(types) if kind == "eeg" and names[k] not in exclude]
        bad = np.array([k for k in eeg if names[k] in info["bads"]], int)
        others = ("mag", "grad", "ref_meg", "ecog", "seeg", "dbs", "hbo", "hbr", "csd")
        left = [
            n for n, kind in zip(names, types, strict=True) if kind in others and n in info["bads"] and n not in exclude
        ]
        if left:
            m.warn(f"only bad EEG channels are interpolated; {', '.join(left)} stay bad (MNE-Python maps MEG channels)")
        if bad.size == 0:
            m.warn("No bad EEG channels to interpolate. Doing nothing...")
            return inst
        if centre is None:
            dig = [
                (int(p["kind"]), int(p["ident"]), [float(v) for v in p["r"]], int(p["coord_frame"]))
                for p in info["dig"] or ()
            ]
            _, centre, _, warnings = _core.fit_sphere_to_headshape(dig, None, None)
            for message in warnings:
                m.warn(message)
        if _interpolate(x, names, np.array(eeg, int), bad, np.array(places), centre, threads):
            m.warn("Your spherical fit is poor, interpolation results are likely to be inaccurate.")
        if reset_bads:
            gone = {names[k] for k in bad}
            info["bads"] = [name for name in info["bads"] if name not in gone]
    return inst


def _interpolate(
    x: Array,
    names: Sequence[str],
    channels: npt.NDArray[np.intp],
    bad: npt.NDArray[np.intp],
    places: Array,
    origin: Sequence[float] | None,
    threads: int,
) -> bool:
    """Change the rows ``bad`` of ``x`` in place; return whether the electrodes are far from a sphere."""
    if bad.size == 0:
        return False
    good = np.setdiff1d(channels, bad)
    nowhere = [names[k] for k in (*bad, *good) if not np.isfinite(places[k]).all() or (abs(places[k]) <= 1e-16).all()]
    if nowhere:
        raise DataError(f"no position is known of {', '.join(nowhere)}, expected one of every EEG channel")
    if good.size == 0:
        raise DataError("all EEG channels are bad, expected some good ones to interpolate the others")
    if origin is None:
        dig = [(3, int(k), places[k].tolist(), 4) for k in channels]
        _, origin, _, _ = _core.fit_sphere_to_headshape(dig, None, [3])
    centred = places - np.array(origin)
    weights = make_interpolation_matrix(centred[good], centred[bad])
    for block in x.reshape((-1, *x.shape[-2:])) if x.flags.c_contiguous else (x[i] for i in np.ndindex(x.shape[:-2])):
        block[bad] = _core.apply_matrix(weights, np.ascontiguousarray(block[good]), threads)
    # As MNE-Python measures it.
    distance = np.linalg.norm(centred[channels], axis=-1)
    return bool(abs(1.0 - np.mean(distance / np.mean(distance))) > 0.1)


def _positions(given: npt.ArrayLike, name: str) -> list[list[float]]:
    x = as_float(given, name)
    if x.ndim != 2 or x.shape[1] != 3:
        raise ParameterError(f"`{name}` must have shape (n_channels, 3), got {x.shape}")
    return x.tolist()


def _numbers(origin: Any) -> list[float] | None:
    if isinstance(origin, str):
        if origin != "auto":
            raise ParameterError(f'`origin` must be "auto" or three numbers (m), got {origin!r}')
        return None
    x = as_float(origin, "origin")
    if x.shape != (3,) or not np.isfinite(x).all():
        raise ParameterError(f'`origin` must be "auto" or three numbers (m), got {origin!r}')
    return x.tolist()
