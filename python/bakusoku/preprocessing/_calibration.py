"""Fine calibration and cross-talk: files, and the dictionaries that MNE makes of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _core
from .._exceptions import DataError, ParameterError


def read_fine_calibration(fname: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a fine-calibration file (``.dat``).

    Parameters
    ----------
    fname : path-like
        The file: a line a sensor, with its name, position in m, three unit vectors, and 1 or 3 imbalances.

    Returns
    -------
    calibration : dict
        ``ch_names`` (list of str), ``locs`` (array of shape (n_channels, 12)) and ``imb_cals`` (list of arrays: the
        coefficient of a magnetometer, or 1 or 3 imbalances of a gradiometer).

    See Also
    --------
    mne.preprocessing.read_fine_calibration : The same. Here a channel that stands twice and a number that is none are
        errors that name the line.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from bakusoku.preprocessing import read_fine_calibration
    >>> file = Path(tempfile.mkdtemp()) / "sss_cal.dat"
    >>> _ = file.write_text("113 0 0.1 0 1 0 0 0 1 0 0 0 1 0.002")
    >>> read_fine_calibration(file)["ch_names"]
    ['MEG0113']
    """
    names, locs, imb_cals = _core.read_fine_calibration(os.fspath(fname))
    return dict(ch_names=names, locs=locs, imb_cals=[np.array(values) for values in imb_cals])


def write_fine_calibration(fname: str | os.PathLike[str], calibration: Mapping[str, Any]) -> None:
    """Write a fine-calibration file (``.dat``), six decimals a number.

    Parameters
    ----------
    fname : path-like
        The file; it appears under its name whole, and replaces one that is there.
    calibration : dict
        As :func:`read_fine_calibration` returns it.

    Returns
    -------
    None
        Nothing.

    See Also
    --------
    mne.preprocessing.write_fine_calibration : The same.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from bakusoku.preprocessing import write_fine_calibration
    >>> file = Path(tempfile.mkdtemp()) / "sss_cal.dat"
    >>> loc = [0.0, 0.1, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    >>> write_fine_calibration(file, dict(ch_names=["MEG0113"], locs=[loc], imb_cals=[[0.002]]))
    >>> file.read_text().split()[0]
    '113'
    """
    names, locs, imb_cals = (list(calibration[key]) for key in ("ch_names", "locs", "imb_cals"))
    if not len(names) == len(locs) == len(imb_cals):
        raise ParameterError(
            "`calibration` must have as many `locs` and `imb_cals` as `ch_names`, got "
            f"{len(names)} names, {len(locs)} and {len(imb_cals)}"
        )
    locs = np.asarray(locs, float)
    if locs.ndim != 2 or locs.shape[1] != 12:
        raise ParameterError(f"`calibration['locs']` must have shape (n_channels, 12), got {locs.shape}")
    imb_cals = [np.atleast_1d(np.asarray(values, float)).tolist() for values in imb_cals]
    _core.write_fine_calibration(os.fspath(fname), [str(name) for name in names], locs.tolist(), imb_cals)


def calibration_of(calibration: Any) -> dict[str, Any]:
    """A calibration in MNE's usual form: of a file, or of either form of dictionary."""
    if not isinstance(calibration, Mapping):
        return read_fine_calibration(calibration)
    if "cal_chans" not in calibration:
        return {key: calibration[key] for key in ("ch_names", "locs", "imb_cals")}
    # As FIFF has it: number and coil type, two to four coefficients, then the coil.
    chans, corrs = np.asarray(calibration["cal_chans"]), np.asarray(calibration["cal_corrs"], float)
    # FIFFV_COIL_VV_PLANAR_*: their first coefficient is 1, the imbalance follows.
    is_grad = (chans[:, 1] >= 3011) & (chans[:, 1] <= 3015)
    return dict(
        ch_names=[f"MEG{number:04d}" for number in chans[:, 0]],
        locs=corrs[:, -12:],
        imb_cals=[row[1:-12] if grad else row[:1] for row, grad in zip(corrs, is_grad, strict=True)],
    )


def cross_talk_of(cross_talk: Any) -> tuple[list[str], np.ndarray, dict[str, Any]]:
    """Names, the matrix that takes cross-talk out, and what the processing history keeps."""
    if isinstance(cross_talk, Mapping):
        # MaxFilter stores it transposed.
        kept = dict(cross_talk)
        matrix = kept["decoupler"].T
        matrix = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)
        return list(kept["ch_names"]), np.ascontiguousarray(matrix, np.float64), kept
    try:
        names, matrix, creator, date = _core.read_cross_talk(os.fspath(cross_talk))
    except DataError as error:
        raise DataError(f"Invalid cross-talk FIF: {error}") from error
    from scipy.sparse import csc_array

    kept = dict(decoupler=csc_array(matrix.T), ch_names=names)
    if creator is not None:
        kept["creator"] = creator
    if date is not None:
        kept["date"] = np.array(date, np.int32)
    return names, matrix, kept
