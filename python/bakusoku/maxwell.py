"""The Maxwell filter on arrays, with the numbers of :func:`mne.preprocessing.maxwell_filter`.

A recording is an array of shape (n_channels, n_times), in T, T/m and V; :class:`Sensors` says what its rows are. For
MNE's ``Raw`` objects see :mod:`bakusoku.preprocessing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._array import Array, as_float, as_jobs
from ._exceptions import ParameterError

__all__ = ["Sensors", "compute_maxwell_basis", "find_bad_channels_maxwell", "maxwell_filter"]

#: Names and vectors of a projection: (names, array of shape (n_vectors, n_names)).
Projection = tuple[Sequence[str], npt.ArrayLike]
#: Name, position (m) and axes (12 numbers), and 1 or 3 calibration numbers of a sensor.
Calibration = Sequence[tuple[str, npt.ArrayLike, npt.ArrayLike]]


@dataclass(frozen=True)
class Sensors:
    """What the rows of a recording are, as FIFF describes channels.

    Attributes
    ----------
    ch_names : sequence of str
        Names of all channels.
    kind, coil_type, unit : sequence of int
        FIFF's kind (1: MEG, 301: reference), coil type and unit (112: T, 201: T/m) of each.
    cal : sequence of float
        FIFF's calibration of each.
    loc : array_like, shape (n_channels, 12)
        Position (m) and axes of each, in the device frame; NaN for channels without.
    sfreq : float
        Sampling frequency (Hz).
    first_samp : int
        Samples from the start of the acquisition to the first one.
    bads : sequence of str
        Bad channels.
    dev_head_t : array_like, shape (4, 4) | None
        From the device to the head frame (m).
    comps : sequence of tuple
        Compensation matrices: (kind, row names, column names, array).
    """

    ch_names: Sequence[str]
    kind: Sequence[int]
    coil_type: Sequence[int]
    unit: Sequence[int]
    cal: Sequence[float]
    loc: npt.ArrayLike
    sfreq: float
    first_samp: int = 0
    bads: Sequence[str] = ()
    dev_head_t: npt.ArrayLike | None = None
    comps: Sequence[tuple[int, Sequence[str], Sequence[str], npt.ArrayLike]] = ()

    def _plain(self) -> _Plain:
        n = len(self.ch_names)
        loc = np.asarray(self.loc, dtype=np.float64)
        if loc.shape != (n, 12):
            raise ParameterError(f"`sensors.loc` must have shape ({n}, 12), got {loc.shape}")
        return _Plain(
            sfreq=float(self.sfreq),
            first_samp=int(self.first_samp),
            ch_names=[str(name) for name in self.ch_names],
            kind=[int(v) for v in self.kind],
            coil_type=[int(v) for v in self.coil_type],
            unit=[int(v) for v in self.unit],
            cal=[float(v) for v in self.cal],
            loc=loc.tolist(),
            bads=[str(name) for name in self.bads],
            dev_head_t=_transform(self.dev_head_t, "sensors.dev_head_t"),
            comps=[
                (int(kind), list(rows), list(columns), np.asarray(data, dtype=np.float64).tolist())
                for kind, rows, columns, data in self.comps
            ],
        )


@dataclass(frozen=True)
class _Plain:
    """The same as plain values, for the kernels."""

    sfreq: float
    first_samp: int
    ch_names: list[str]
    kind: list[int]
    coil_type: list[int]
    unit: list[int]
    cal: list[float]
    loc: list[list[float]]
    bads: list[str]
    dev_head_t: list[list[float]] | None
    comps: list[tuple[int, list[str], list[str], list[list[float]]]]


def _transform(matrix: npt.ArrayLike | None, name: str) -> list[list[float]] | None:
    if matrix is None:
        return None
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.shape != (4, 4):
        raise ParameterError(f"`{name}` must have shape (4, 4), got {matrix.shape}")
    return matrix.tolist()


def _options(
    origin: npt.ArrayLike | str,
    int_order: int,
    ext_order: int,
    calibration: Calibration | None,
    cross_talk: tuple[Sequence[str], npt.ArrayLike] | None,
    coord_frame: str,
    regularize: str | None,
    ignore_ref: bool,
    bad_condition: str,
    head_pos: npt.ArrayLike | None,
    mag_scale: float | str,
    extended_proj: Sequence[Projection],
    mc_interp: str,
    coil_definitions: str,
    st_duration: float | None = None,
    st_correlation: float = 0.98,
    destination: npt.ArrayLike | None = None,
    st_fixed: bool = True,
    st_only: bool = False,
    st_overlap: bool = True,
) -> dict[str, Any]:
    if isinstance(origin, str):
        if origin != "auto" or coord_frame == "head":
            raise ParameterError(
                f'`origin` must be a numerical array of 3 elements (m), or "auto" in the meg frame, got {origin!r}'
            )
        center = None
    else:
        center = np.asarray(origin, dtype=np.float64)
        if center.shape != (3,):
            raise ParameterError(f"`origin` must be a 3-element array (m), got shape {center.shape}")
        center = center.tolist()
    if isinstance(mag_scale, str):
        if mag_scale != "auto":
            raise ParameterError(f'`mag_scale` must be a float or "auto", got "{mag_scale}"')
        scale = None
    else:
        scale = float(mag_scale)
    positions = None
    if head_pos is not None:
        positions = np.asarray(head_pos, dtype=np.float64)
        if positions.ndim != 2 or positions.shape[1] != 10:
            raise ParameterError(f"`head_pos` must be an array of shape (N, 10), got {positions.shape}")
        positions = positions.tolist()
    for name, order in (("int_order", int_order), ("ext_order", ext_order)):
        if order < 0:
            raise ParameterError(f"`{name}` must be 0 or more, got {order}")
    return dict(
        origin=center,
        int_order=int(int_order),
        ext_order=int(ext_order),
        calibration=None
        if calibration is None
        else [
            (str(name), np.asarray(loc, dtype=np.float64).tolist(), np.atleast_1d(numbers).astype(float).tolist())
            for name, loc, numbers in calibration
        ],
        cross_talk=None
        if cross_talk is None
        else ([str(name) for name in cross_talk[0]], np.asarray(cross_talk[1], dtype=np.float64).tolist()),
        st_duration=None if st_duration is None else float(st_duration),
        st_correlation=float(st_correlation),
        coord_frame=coord_frame,
        destination=_transform(destination, "destination"),
        regularize=regularize,
        ignore_ref=bool(ignore_ref),
        bad_condition=bad_condition,
        head_pos=positions,
        st_fixed=bool(st_fixed),
        st_only=bool(st_only),
        mag_scale=scale,
        extended_proj=[
            ([str(name) for name in names], np.atleast_2d(np.asarray(vectors, dtype=np.float64)).tolist())
            for names, vectors in extended_proj
        ],
        st_overlap=bool(st_overlap),
        mc_interp=mc_interp,
        coil_definitions=coil_definitions,
    )


def _data(data: npt.ArrayLike, sensors: Sensors) -> Array:
    x = as_float(data)
    if x.ndim != 2 or x.shape[0] != len(sensors.ch_names):
        raise ParameterError(f"`data` must have shape ({len(sensors.ch_names)}, n_times), got {x.shape}")
    return x


def _segments(segments: npt.ArrayLike | None) -> list[tuple[int, int, bool]] | None:
    if segments is None:
        return None
    array = np.asarray(segments)
    if array.size == 0:
        array = array.reshape(0, 3)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ParameterError(f"`segments` must have shape (n, 3): start, stop, whether processed; got {array.shape}")
    if (array[:, :2] < 0).any():
        raise ParameterError("`segments` must not begin before the first sample")
    return [(int(start), int(stop), bool(process)) for start, stop, process in array]


def plan(sensors: Sensors, n_times: int, *, segments: npt.ArrayLike | None = None, **options: Any) -> dict[str, Any]:
    """What :func:`maxwell_filter` reports before the first sample; it fails at all that can be wrong by then.

    All options must be given.
    """
    return _core.maxwell_plan(sensors._plain(), _options(**options), _segments(segments), int(n_times))


def maxwell_filter(
    data: npt.ArrayLike,
    sensors: Sensors,
    *,
    origin: npt.ArrayLike | str = "auto",
    int_order: int = 8,
    ext_order: int = 3,
    calibration: Calibration | None = None,
    cross_talk: tuple[Sequence[str], npt.ArrayLike] | None = None,
    st_duration: float | None = None,
    st_correlation: float = 0.98,
    coord_frame: str = "head",
    destination: npt.ArrayLike | None = None,
    regularize: str | None = "in",
    ignore_ref: bool = False,
    bad_condition: str = "error",
    head_pos: npt.ArrayLike | None = None,
    st_fixed: bool = True,
    st_only: bool = False,
    mag_scale: float | str = 100.0,
    extended_proj: Sequence[Projection] = (),
    st_overlap: bool = True,
    mc_interp: str = "hann",
    segments: npt.ArrayLike | None = None,
    coil_definitions: str = "mne",
    n_jobs: int | None = None,
) -> tuple[Array, dict[str, Any]]:
    """Maxwell filter a recording: SSS, tSSS, movement compensation.

    Parameters
    ----------
    data : array_like, shape (n_channels, n_times)
        The recording (T, T/m, V), all channels.
    sensors : Sensors
        What its rows are.
    origin : array_like, shape (3,) | "auto"
        Centre of the expansions (m) in ``coord_frame``; ``"auto"`` is the device frame's own, and only there.
    int_order, ext_order : int
        Orders of the inner and outer expansion.
    calibration : sequence of (name, loc, numbers) | None
        Fine calibration, line by line.
    cross_talk : (names, array of shape (n, n)) | None
        What takes cross-talk out: corrected samples are the array times samples.
    st_duration : float | None
        Length of tSSS windows (s).
    st_correlation : float
        Directions in time that both spaces share at least to this are taken out.
    coord_frame : "head" | "meg"
        Frame of the origin.
    destination : array_like, shape (4, 4) | None
        Device to head transformation (m) with which the head is to appear.
    regularize : "in" | "in_argmax" | None
        Which inner moments are kept.
    ignore_ref : bool
        Leave reference sensors out.
    bad_condition : "error" | "warning" | "info" | "ignore"
        What to do when the basis is badly conditioned.
    head_pos : array_like, shape (n, 10) | None
        Head positions as MaxFilter writes them; movement is compensated.
    st_fixed, st_only : bool
        tSSS before movement compensation; nothing but tSSS.
    mag_scale : float | "auto"
        Factor on magnetometers while the basis is inverted.
    extended_proj : sequence of (names, vectors)
        Further outer directions (eSSS).
    st_overlap : bool
        tSSS windows overlap by half.
    mc_interp : "hann" | "cos2" | "linear" | "zero"
        How neighbouring head positions go over into one another.
    segments : array_like, shape (n, 3) | None
        Start, stop and whether processed (1) or left unchanged (0) of stretches that cover the recording; ``None``
        processes all.
    coil_definitions : "mne" | "megin"
        Whose integration points describe the coils.
    n_jobs : int | None
        Threads; ``None`` is the budget.

    Returns
    -------
    data : ndarray of float64, shape (n_channels, n_times)
        The filtered recording; with ``head_pos`` nine rows more, which tell where the head was.
    report : dict
        What was done: moments, bases, windows, calibration, warnings.

    See Also
    --------
    mne.preprocessing.maxwell_filter : The same on a ``Raw`` object.

    References
    ----------
    Taulu & Kajola (2005), J. Appl. Phys. 97:124905; Taulu & Simola (2006), Phys. Med. Biol. 51:1759.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.maxwell import Sensors, maxwell_filter
    >>> z = np.vstack([np.eye(3), -np.eye(3)])
    >>> loc = np.hstack([0.1 * z, np.roll(z, 1, 1), np.roll(z, 2, 1), z])
    >>> sensors = Sensors([f"MEG{k}" for k in range(6)], [1] * 6, [3024] * 6, [112] * 6, [1.0] * 6, loc, sfreq=100.0)
    >>> data, report = maxwell_filter(np.eye(6), sensors, coord_frame="meg", int_order=1, ext_order=0)
    >>> data[0].round(3) + 0.0
    array([ 0.5,  0. ,  0. , -0.5,  0. ,  0. ])
    >>> report["n_use_in"]
    3
    """
    options = _options(
        origin,
        int_order,
        ext_order,
        calibration,
        cross_talk,
        coord_frame,
        regularize,
        ignore_ref,
        bad_condition,
        head_pos,
        mag_scale,
        extended_proj,
        mc_interp,
        coil_definitions,
        st_duration=st_duration,
        st_correlation=st_correlation,
        destination=destination,
        st_fixed=st_fixed,
        st_only=st_only,
        st_overlap=st_overlap,
    )
    return _core.maxwell_filter(_data(data, sensors), sensors._plain(), options, _segments(segments), as_jobs(n_jobs))


def find_bad_channels_maxwell(
    data: npt.ArrayLike,
    sensors: Sensors,
    limit: float = 7.0,
    duration: float = 5.0,
    min_count: int = 5,
    *,
    origin: npt.ArrayLike | str = "auto",
    int_order: int = 8,
    ext_order: int = 3,
    calibration: Calibration | None = None,
    cross_talk: tuple[Sequence[str], npt.ArrayLike] | None = None,
    coord_frame: str = "head",
    regularize: str | None = "in",
    ignore_ref: bool = False,
    bad_condition: str = "error",
    head_pos: npt.ArrayLike | None = None,
    mag_scale: float | str = 100.0,
    extended_proj: Sequence[Projection] = (),
    mc_interp: str = "hann",
    segments: npt.ArrayLike | None = None,
    coil_definitions: str = "mne",
    n_jobs: int | None = None,
) -> dict[str, Any]:
    """Find channels that are flat, or that the others do not explain.

    Parameters
    ----------
    data : array_like, shape (n_channels, n_times)
        The recording (T, T/m, V), all channels; MEG channels low-passed already (MNE: at 40 Hz).
    sensors : Sensors
        What its rows are.
    limit : float
        A channel is noisy from this score on (standard deviations).
    duration : float
        Length of an interval (s).
    min_count : int
        Intervals in which a channel has to be noisy or flat.
    origin, int_order, ext_order, calibration, cross_talk, coord_frame, regularize, ignore_ref, bad_condition
        As in :func:`maxwell_filter`.
    head_pos, mag_scale, extended_proj, mc_interp, segments, coil_definitions, n_jobs
        As in :func:`maxwell_filter`.

    Returns
    -------
    found : dict
        ``noisy`` and ``flat`` (lists of names), ``intervals`` (what each showed), ``ch_names``, ``bins``,
        ``scores_noisy``, ``limits_noisy``, ``scores_flat``, ``limits_flat``, ``all_flat``, ``n_intervals``, ``report``.

    See Also
    --------
    mne.preprocessing.find_bad_channels_maxwell : The same on a ``Raw`` object.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.maxwell import Sensors, find_bad_channels_maxwell
    >>> z = np.vstack([np.eye(3), -np.eye(3)])
    >>> loc = np.hstack([0.1 * z, np.roll(z, 1, 1), np.roll(z, 2, 1), z])
    >>> sensors = Sensors([f"MEG{k}" for k in range(6)], [1] * 6, [3024] * 6, [112] * 6, [1.0] * 6, loc, sfreq=100.0)
    >>> data = 1e-12 * np.sin(np.arange(6)[:, np.newaxis] + np.arange(500.0))
    >>> data[4] = 0.0
    >>> found = find_bad_channels_maxwell(data, sensors, min_count=1, coord_frame="meg", int_order=1, ext_order=0)
    >>> found["flat"]
    ['MEG4']
    """
    options = _options(
        origin,
        int_order,
        ext_order,
        calibration,
        cross_talk,
        coord_frame,
        regularize,
        ignore_ref,
        bad_condition,
        head_pos,
        mag_scale,
        extended_proj,
        mc_interp,
        coil_definitions,
    )
    return _core.find_bad_channels_maxwell(
        _data(data, sensors),
        sensors._plain(),
        options,
        _segments(segments),
        float(limit),
        float(duration),
        max(int(min_count), 0),
        as_jobs(n_jobs),
    )


def compute_maxwell_basis(
    sensors: Sensors,
    *,
    origin: npt.ArrayLike | str = "auto",
    int_order: int = 8,
    ext_order: int = 3,
    calibration: Calibration | None = None,
    coord_frame: str = "head",
    regularize: str | None = "in",
    ignore_ref: bool = True,
    bad_condition: str = "error",
    mag_scale: float | str = 100.0,
    extended_proj: Sequence[Projection] = (),
    coil_definitions: str = "mne",
) -> tuple[Array, Array, npt.NDArray[np.int64], int, dict[str, Any]]:
    """Compute the basis of the MEG channels and its pseudo-inverse.

    Parameters
    ----------
    sensors : Sensors
        The channels.
    origin, int_order, ext_order, calibration, coord_frame, regularize, ignore_ref, bad_condition
        As in :func:`maxwell_filter`; here reference sensors are left out unless told.
    mag_scale, extended_proj, coil_definitions
        As in :func:`maxwell_filter`.

    Returns
    -------
    S : ndarray of float64, shape (n_meg, n_moments)
        All MEG channels from moments.
    pS : ndarray of float64, shape (n_moments, n_good)
        Moments from the good MEG channels.
    reg_moments : ndarray of int, shape (n_moments,)
        Moments kept.
    n_use_in : int
        How many of them are inner ones.
    report : dict
        ``decomposition`` (condition, information) and ``warnings``.

    See Also
    --------
    mne.preprocessing.compute_maxwell_basis : The same from an ``Info`` object.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.maxwell import Sensors, compute_maxwell_basis
    >>> z = np.vstack([np.eye(3), -np.eye(3)])
    >>> loc = np.hstack([0.1 * z, np.roll(z, 1, 1), np.roll(z, 2, 1), z])
    >>> sensors = Sensors([f"MEG{k}" for k in range(6)], [1] * 6, [3024] * 6, [112] * 6, [1.0] * 6, loc, sfreq=100.0)
    >>> S, pS, moments, n_use_in, _ = compute_maxwell_basis(sensors, coord_frame="meg", int_order=1, ext_order=0)
    >>> (pS @ S).round(9) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    options = _options(
        origin,
        int_order,
        ext_order,
        calibration,
        None,
        coord_frame,
        regularize,
        ignore_ref,
        bad_condition,
        None,
        mag_scale,
        extended_proj,
        "hann",
        coil_definitions,
    )
    found = _core.compute_maxwell_basis(sensors._plain(), options)
    report = {"decomposition": found["decomposition"], "warnings": found["warnings"]}
    return found["s"], found["ps"], np.array(found["moments"], dtype=np.int64), found["n_use_in"], report
