"""Head positions over time, in MaxFilter's files."""

from __future__ import annotations

import os

import numpy.typing as npt

from . import _core
from ._array import Array, as_float
from ._exceptions import ParameterError

__all__ = ["read_head_pos", "write_head_pos"]


def read_head_pos(fname: str | os.PathLike[str]) -> Array:
    """Read head positions from a MaxFilter file (``.pos``).

    Parameters
    ----------
    fname : path-like
        The file.

    Returns
    -------
    quats : ndarray of float64, shape (n_pos, 10)
        Time in s since the start of the acquisition, rotation (three elements of a unit quaternion), translation in m,
        goodness of fit, error, velocity in m/s.

    See Also
    --------
    mne.chpi.read_head_pos : The same. Here a file without a heading keeps its first position, and a line that is wrong
        is named.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from bakusoku.chpi import read_head_pos, write_head_pos
    >>> file = Path(tempfile.mkdtemp()) / "head.pos"
    >>> write_head_pos(file, [[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 1.0, 0.0, 0.0]])
    >>> read_head_pos(file)[0, [0, 6]]
    array([1.  , 0.05])
    """
    return _core.read_head_pos(os.fspath(fname))


def write_head_pos(fname: str | os.PathLike[str], pos: npt.ArrayLike) -> None:
    """Write head positions as MaxFilter does: three decimals for the time, five for the rest.

    Parameters
    ----------
    fname : path-like
        The file; it appears under its name whole, and replaces one that is there.
    pos : array_like, shape (n_pos, 10)
        As :func:`read_head_pos` returns them.

    Returns
    -------
    None
        Nothing.

    See Also
    --------
    mne.chpi.write_head_pos : The same.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from bakusoku.chpi import write_head_pos
    >>> file = Path(tempfile.mkdtemp()) / "head.pos"
    >>> write_head_pos(file, [[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 1.0, 0.0, 0.0]])
    >>> len(file.read_text().splitlines())
    2
    """
    x = as_float(pos, "pos")
    if x.ndim != 2 or x.shape[1] != 10:
        raise ParameterError(f"pos must be a 2D array of shape (N, 10), got shape {x.shape}")
    _core.write_head_pos(os.fspath(fname), x)
