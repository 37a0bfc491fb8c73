"""The basis of the Maxwell filter."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import maxwell
from . import _checks, _log
from ._prepare import OF_FILTER, prepare


def compute_maxwell_basis(
    info: Any,
    origin: Any = "auto",
    int_order: int = 8,
    ext_order: int = 3,
    calibration: Any = None,
    coord_frame: str = "head",
    regularize: str | None = "in",
    ignore_ref: bool = True,
    bad_condition: str = "error",
    mag_scale: Any = 100.0,
    extended_proj: Any = (),
    verbose: Any = None,
    *,
    coil_definitions: str | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Basis of inner and outer fields, and its pseudo-inverse.

    Parameters
    ----------
    info : mne.Info
        Sensors and, for the head frame, where the head is.
    origin, int_order, ext_order, calibration, coord_frame, regularize : object
        As for :func:`maxwell_filter`.
    ignore_ref : bool
        Leave reference channels out; here the default is ``True``.
    bad_condition, mag_scale, extended_proj, verbose, coil_definitions : object
        As for :func:`maxwell_filter`.

    Returns
    -------
    S : ndarray of float64, shape (n_meg, n_moments)
        Fields of the kept moments, in T and T/m.
    pS : ndarray of float64, shape (n_moments, n_good)
        Moments from the good channels; inner fields are ``S[:, :n_use_in] @ pS[:n_use_in] @ data``.
    reg_moments : ndarray of int, shape (n_moments,)
        The moments that are kept.
    n_use_in : int
        How many of them are inner ones.

    See Also
    --------
    mne.preprocessing.compute_maxwell_basis : The same numbers.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from bakusoku.preprocessing import compute_maxwell_basis
    >>> z = np.vstack([np.eye(3), -np.eye(3)])
    >>> locs = np.hstack([0.1 * z, np.roll(z, 1, 1), np.roll(z, 2, 1), z])
    >>> info = mne.create_info(6, 100.0, "mag")
    >>> for ch, loc in zip(info["chs"], locs):
    ...     ch.update(loc=loc, coil_type=3024)
    >>> S, pS, reg_moments, n_use_in = compute_maxwell_basis(
    ...     info, coord_frame="meg", int_order=1, ext_order=0, verbose="error"
    ... )
    >>> (pS @ S).round(9) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    from .. import _mne as m

    with m.log_level(verbose):
        _checks.instance(info, m.Info, "info", "Info")
        raw = m.RawArray(np.zeros((len(info["ch_names"]), 1)), info.copy(), verbose=False)
        m.log("Computing Maxwell basis")
        ready = prepare(
            m,
            raw,
            origin=origin,
            int_order=int_order,
            ext_order=ext_order,
            calibration=calibration,
            cross_talk=None,
            coord_frame=coord_frame,
            regularize=regularize,
            ignore_ref=ignore_ref,
            bad_condition=bad_condition,
            head_pos=None,
            mag_scale=mag_scale,
            extended_proj=extended_proj,
            mc_interp="zero",
            coil_definitions=coil_definitions,
        )
        options = ready.without(*OF_FILTER, "cross_talk", "head_pos", "mc_interp")
        basis, inverse, moments, n_use_in, report = maxwell.compute_maxwell_basis(ready.sensors, **options)
        for message in report["warnings"]:
            m.warn(message)
        sfreq = float(info["sfreq"])
        _log.bases(m, {"decompositions": [report["decomposition"]]}, ready.options, sfreq)
    return basis, inverse, np.asarray(moments, int), int(n_use_in)
