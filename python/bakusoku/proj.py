"""Signal-space projection on arrays, with the numbers of :func:`mne.proj.make_projector`."""

from __future__ import annotations

import numpy.typing as npt

from . import _core
from ._array import Array, as_float, as_jobs
from ._exceptions import ParameterError

__all__ = ["apply_proj", "make_projector"]


def make_projector(vectors: npt.ArrayLike) -> Array:
    """Matrix that takes given directions out.

    Parameters
    ----------
    vectors : array_like, shape (n_vectors, n_channels)
        The directions (no unit), one per row; zeros at channels that they do not concern.

    Returns
    -------
    projector : ndarray of float64, shape (n_channels, n_channels)
        Symmetric and idempotent.

    See Also
    --------
    mne.proj.make_projector : The same from ``Projection`` objects, bad channels left out.

    Examples
    --------
    >>> from bakusoku.proj import make_projector
    >>> make_projector([[1.0, 0.0]])
    array([[0., 0.],
           [0., 1.]])
    """
    v = as_float(vectors, "vectors")
    if v.ndim != 2:
        raise ParameterError(f"`vectors` must have shape (n_vectors, n_channels), got {v.shape}")
    return _core.make_projector(v)


def apply_proj(data: npt.ArrayLike, projector: npt.ArrayLike, n_jobs: int | None = None) -> Array:
    """Multiply a recording by a projector.

    Parameters
    ----------
    data : array_like, shape (n_channels, n_times)
        The recording, in any unit.
    projector : array_like, shape (n_channels, n_channels)
        Such as :func:`make_projector` makes.
    n_jobs : int | None
        Threads; ``None`` is the budget.

    Returns
    -------
    data : ndarray of float64, shape (n_channels, n_times)
        The projected recording.

    See Also
    --------
    mne.io.Raw.apply_proj : The same on a ``Raw`` object.

    Examples
    --------
    >>> from bakusoku.proj import apply_proj, make_projector
    >>> apply_proj([[1.0, 2.0], [3.0, 4.0]], make_projector([[1.0, 0.0]]))
    array([[0., 0.],
           [3., 4.]])
    """
    x, p = as_float(data), as_float(projector, "projector")
    if x.ndim != 2 or p.shape != (x.shape[0], x.shape[0]):
        raise ParameterError(
            f"`projector` must be square with as many rows as `data` has channels, got {p.shape} for {x.shape}"
        )
    return _core.apply_matrix(p, x, as_jobs(n_jobs))
