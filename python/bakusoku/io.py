"""Recordings of any format that bakusoku reads, with MNE-Python's meaning of every field.

A :class:`Raw` holds a file's description; samples are read when they are asked for, from any place, by several threads.
Nothing here imports MNE-Python but :meth:`Raw.to_mne`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from . import _core
from ._exceptions import ParameterError, UnsupportedError
from ._recording import Annotation, Raw

__all__ = [
    "Annotation",
    "Raw",
    "read_raw",
    "read_raw_bdf",
    "read_raw_brainvision",
    "read_raw_ctf",
    "read_raw_edf",
    "read_raw_eeglab",
    "read_raw_fif",
]

_Channels = Sequence[int | str] | None
_Path = str | os.PathLike[str]


def _channels(value: Any, name: str) -> list[int | str]:
    if value is None or value is False:
        return []
    if isinstance(value, (str, int)):
        return [value]
    out = [int(which) if isinstance(which, (int, np.integer)) else which for which in value]
    if not all(isinstance(which, (int, str)) for which in out):
        raise ParameterError(f"`{name}` must be names or indices of channels, got {value!r}")
    return out


def _path(fname: Any, name: str) -> str:
    if not isinstance(fname, (str, os.PathLike)):
        raise TypeError(f"`{name}` must be the path of a file, got {type(fname).__name__}")
    return os.path.abspath(os.fspath(fname))


def read_raw(fname: _Path, *, preload: bool = False, verbose: Any = None) -> Raw:
    """Open a recording: FIFF, BrainVision, EDF, BDF, EEGLAB, CTF. What it is says the file itself, not its name.

    Parameters
    ----------
    fname : path-like
        The file; of BrainVision the header (``.vhdr``), of CTF the folder (``.ds``).
    preload : bool
        Not used: samples are read when they are asked for.
    verbose : object
        Not used.

    Returns
    -------
    raw : Raw
        The recording.

    See Also
    --------
    mne.io.read_raw : The same as an object of MNE's.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from bakusoku.io import read_raw
    >>> folder = Path(tempfile.mkdtemp())
    >>> header = '''Brain Vision Data Exchange Header File Version 1.0
    ... [Common Infos]
    ... DataFile=x.eeg
    ... DataFormat=BINARY
    ... DataOrientation=MULTIPLEXED
    ... NumberOfChannels=2
    ... SamplingInterval=2000
    ... [Binary Infos]
    ... BinaryFormat=INT_16
    ... [Channel Infos]
    ... Ch1=Cz,,0.5,µV
    ... Ch2=Pz,,0.5,µV
    ... '''
    >>> _ = (folder / "x.vhdr").write_text(header, "utf-8")
    >>> _ = (folder / "x.eeg").write_bytes(bytes([2, 0, 4, 0, 6, 0, 8, 0]))
    >>> raw = read_raw(folder / "x.vhdr")
    >>> raw
    <Raw | x.vhdr, 2 x 2 (0.0 s), not loaded>
    >>> raw.get_data("Pz")
    array([[2.e-06, 4.e-06]])
    """
    return Raw(_core.open_recording, _path(fname, "fname"))


def read_raw_fif(
    fname: _Path,
    allow_maxshield: bool | Literal["yes"] = False,
    preload: bool = False,
    on_split_missing: str = "raise",
    verbose: Any = None,
) -> Raw:
    """Open a FIFF recording, with all parts of a split one.

    Parameters
    ----------
    fname : path-like
        The first file.
    allow_maxshield : bool | "yes"
        Not used: recordings with internal active shielding are opened.
    preload : bool
        Not used: samples are read when they are asked for.
    on_split_missing : "raise"
        A missing part is an error.
    verbose : object
        Not used.

    Returns
    -------
    raw : Raw
        The recording.

    See Also
    --------
    mne.io.read_raw_fif : The same as an object of MNE's.

    Examples
    --------
    >>> from bakusoku.io import read_raw_fif
    >>> read_raw_fif("nothing_raw.fif")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...
    """
    if on_split_missing != "raise":
        raise UnsupportedError(f'`on_split_missing` must be "raise", got {on_split_missing!r}')
    return Raw(_core.open_recording, _path(fname, "fname"))


def read_raw_brainvision(
    vhdr_fname: _Path,
    eog: Sequence[int | str] = ("HEOGL", "HEOGR", "VEOGb"),
    misc: Sequence[int | str] | Literal["auto"] = "auto",
    scale: float = 1.0,
    ignore_marker_types: bool = False,
    overrides: dict[str, Any] | None = None,
    preload: bool = False,
    verbose: Any = None,
) -> Raw:
    """Open a BrainVision recording by its header.

    Parameters
    ----------
    vhdr_fname : path-like
        The header (``.vhdr``, ``.ahdr``). Markers and samples are those that it names, or, after a renaming, those of
        its own name.
    eog : sequence of int or str
        Channels that are electro-oculograms.
    misc : sequence of int or str | "auto"
        Channels of type misc; "auto": those whose unit is none of electric potentials.
    scale : float
        Factor by which all samples are multiplied.
    ignore_marker_types : bool
        Whether annotations are named by the markers' descriptions alone.
    overrides : None
        Not supported: a header that is wrong has to be corrected.
    preload : bool
        Not used: samples are read when they are asked for.
    verbose : object
        Not used.

    Returns
    -------
    raw : Raw
        The recording.

    See Also
    --------
    mne.io.read_raw_brainvision : The same as an object of MNE's. Here samples as text may be vectorized, byte order and
        `DataPoints` of the header count, and electrodes may lack coordinates.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from bakusoku.io import read_raw_brainvision
    >>> folder = Path(tempfile.mkdtemp())
    >>> header = '''Brain Vision Data Exchange Header File Version 1.0
    ... [Common Infos]
    ... DataFile=x.eeg
    ... DataFormat=BINARY
    ... DataOrientation=MULTIPLEXED
    ... NumberOfChannels=2
    ... SamplingInterval=2000
    ... [Binary Infos]
    ... BinaryFormat=INT_16
    ... [Channel Infos]
    ... Ch1=Cz,,0.5,µV
    ... Ch2=Pz,,0.5,µV
    ... '''
    >>> _ = (folder / "x.vhdr").write_text(header, "utf-8")
    >>> _ = (folder / "x.eeg").write_bytes(bytes([2, 0, 4, 0, 6, 0, 8, 0]))
    >>> raw = read_raw_brainvision(folder / "x.vhdr")
    >>> raw
    <Raw | x.vhdr, 2 x 2 (0.0 s), not loaded>
    >>> raw.get_data("Pz")
    array([[2.e-06, 4.e-06]])
    """
    if overrides:
        raise UnsupportedError("`overrides` must be None: correct the header's text instead")
    chosen = None if isinstance(misc, str) and misc == "auto" else _channels(misc, "misc")
    return Raw(
        _core.open_brainvision,
        _path(vhdr_fname, "vhdr_fname"),
        _channels(eog, "eog"),
        chosen,
        float(scale),
        bool(ignore_marker_types),
    )


def read_raw_eeglab(
    input_fname: _Path,
    eog: Sequence[int | str] | Literal["auto"] = (),
    preload: bool = False,
    uint16_codec: str | None = None,
    montage_units: Literal["auto", "m", "dm", "cm", "mm"] = "auto",
    verbose: Any = None,
) -> Raw:
    """Open a continuous set of EEGLAB.

    Parameters
    ----------
    input_fname : path-like
        The set (``.set``), MAT 5 or 7.3. Samples are in it, or in the file that it names, or, after a renaming, in one
        of its own name (``.fdt``, ``.dat``).
    eog : sequence of int or str | "auto"
        Channels that are electro-oculograms; "auto": those with `EOG` or `EYE` in their names.
    preload : bool
        Not used: samples are read when they are asked for.
    uint16_codec : str | None
        Not used: texts are UTF-16, as MATLAB writes them.
    montage_units : "auto" | "m" | "dm" | "cm" | "mm"
        Unit of positions; "auto": guessed from how far they lie from the origin.
    verbose : object
        Not used.

    Returns
    -------
    raw : Raw
        The recording.

    See Also
    --------
    mne.io.read_raw_eeglab : The same as an object of MNE's. Here `.dat` files are read, missing durations are 0,
        fiducials are turned and scaled as electrodes, and an event before the first sample is left out.

    Examples
    --------
    >>> from bakusoku.io import read_raw_eeglab
    >>> read_raw_eeglab("nothing.set")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...
    """
    chosen = None if isinstance(eog, str) and eog == "auto" else _channels(eog, "eog")
    return Raw(_core.open_eeglab, _path(input_fname, "input_fname"), chosen, str(montage_units))


def read_raw_ctf(
    directory: _Path,
    system_clock: Literal["truncate", "ignore"] = "truncate",
    preload: bool = False,
    clean_names: bool = False,
    verbose: Any = None,
    *,
    mark_trials: bool = False,
) -> Raw:
    """Open a CTF recording by its folder.

    Parameters
    ----------
    directory : path-like
        The folder (``.ds``).
    system_clock : "truncate" | "ignore"
        Whether the recording ends where the system clock stands at zero.
    preload : bool
        Not used: samples are read when they are asked for.
    clean_names : bool
        Whether channels are named without what follows a dash.
    verbose : object
        Not used.
    mark_trials : bool
        Whether trials between which samples are missing, by the system clock, are marked by an annotation
        `EDGE boundary`, which filters don't cross.

    Returns
    -------
    raw : Raw
        The recording. Samples are compensated as they were stored.

    See Also
    --------
    mne.io.read_raw_ctf : The same as an object of MNE's. Here a folder may have been renamed, and lack landmarks of the
        head.

    Examples
    --------
    >>> from bakusoku.io import read_raw_ctf
    >>> read_raw_ctf("nothing.ds")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...
    """
    if system_clock not in ("truncate", "ignore"):
        raise ParameterError(f'`system_clock` must be "truncate" or "ignore", got {system_clock!r}')
    return Raw(
        _core.open_ctf,
        _path(directory, "directory"),
        system_clock == "truncate",
        bool(clean_names),
        bool(mark_trials),
    )


def _edf(
    path: str,
    bdf: bool,
    eog: _Channels,
    misc: _Channels,
    stim_channel: Any,
    exclude: Sequence[str] | str,
    infer_types: bool,
    include: Sequence[str] | str | None,
    units: Mapping[str, str] | str | None,
    encoding: str,
    exclude_after_unique: bool,
) -> Raw:
    if encoding.lower().replace("-", "").replace("_", "") not in ("utf8", "latin1", "iso88591"):
        raise ParameterError(f'`encoding` must be "utf8" or "latin1", got {encoding!r}')
    if include and exclude:
        raise ParameterError(f"`exclude` must be empty where `include` is given, got {exclude!r}")

    def names(chosen: Sequence[str] | str | None) -> list[str]:
        if not isinstance(chosen, str):
            return [str(name) for name in chosen or ()]
        labels = _core.edf_labels(path, bool(infer_types), bool(exclude_after_unique))
        # A pattern that fits none still means that it was given.
        return [name for name in labels if re.match(chosen, name)] or ["\0"]

    if any(
        str(name).lower() in ("edf annotations", "bdf annotations") for name in _channels(stim_channel, "stim_channel")
    ):
        raise ParameterError("`stim_channel` must be a channel of samples: annotations are in `Raw.annotations`")
    auto = stim_channel is True or (isinstance(stim_channel, str) and stim_channel == "auto")
    arguments = {
        "eog": _channels(eog, "eog"),
        "misc": _channels(misc, "misc"),
        "stim_channel": None if auto else _channels(stim_channel, "stim_channel"),
        "exclude": names(exclude) if exclude else [],
        "include": names(include) if include else [],
        "infer_types": bool(infer_types),
        "unit": units if isinstance(units, str) else None,
        "units": list(units.items()) if isinstance(units, Mapping) else [],
        "latin1": not encoding.lower().startswith("utf"),
        "exclude_after_unique": bool(exclude_after_unique),
    }
    return Raw(_core.open_edf, path, bdf, arguments)


def read_raw_edf(
    input_fname: _Path,
    eog: _Channels = None,
    misc: _Channels = None,
    stim_channel: str | Sequence[int | str] | int | None = "auto",
    exclude: Sequence[str] | str = (),
    infer_types: bool = False,
    include: Sequence[str] | str | None = None,
    preload: bool = False,
    units: Mapping[str, str] | str | None = None,
    encoding: str = "utf8",
    exclude_after_unique: bool = False,
    *,
    verbose: Any = None,
) -> Raw:
    """Open an EDF or EDF+ recording.

    Parameters
    ----------
    input_fname : path-like
        The file.
    eog : sequence of int or str | None
        Channels that are electro-oculograms.
    misc : sequence of int or str | None
        Channels of type misc.
    stim_channel : "auto" | str | int | sequence | None
        Channels of stimulus codes; "auto": those named `status` or `trigger`.
    exclude : sequence of str | str
        Channels to leave out; a str is a regular expression.
    infer_types : bool
        Whether types are told from labels, as in `EOG left`.
    include : sequence of str | str | None
        The only channels to read; a str is a regular expression.
    preload : bool
        Not used: samples are read when they are asked for.
    units : dict | str | None
        Units of channels for which the file has none, such as "uV".
    encoding : "utf8" | "latin1"
        Encoding of annotations; those that are not UTF-8 are read as Latin-1 in any case.
    exclude_after_unique : bool
        Whether channels are chosen after their names were made unique.
    verbose : object
        Not used.

    Returns
    -------
    raw : Raw
        The recording. All channels have the rate of the fastest one; the others are interpolated over their whole
        length, as MNE does with ``preload=True``.

    See Also
    --------
    mne.io.read_raw_edf : The same as an object of MNE's. Here records of EDF+D stand at their times, with gaps between
        them, and the fraction of a second of the start is part of ``meas_date``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from bakusoku.io import read_raw_edf
    >>> fields = [(8, "0"), (80, "X X X X"), (80, "Startdate X X X X"), (8, "29.02.24"), (8, "12.34.56")]
    >>> fields += [(8, 512), (44, "")]
    >>> fields += [(8, 1), (8, 1), (4, 1), (16, "Cz"), (80, ""), (8, "uV"), (8, -100), (8, 100), (8, -1000), (8, 1000)]
    >>> header = "".join(f"{value:<{width}}" for width, value in [*fields, (80, ""), (8, 2), (32, "")])
    >>> path = Path(tempfile.mkdtemp()) / "x.edf"
    >>> _ = path.write_bytes(header.encode("latin-1") + bytes([10, 0, 20, 0]))
    >>> raw = read_raw_edf(path)
    >>> raw.sfreq, str(raw.meas_date)
    (2.0, '2024-02-29 12:34:56+00:00')
    >>> raw.get_data().round(9)
    array([[1.e-06, 2.e-06]])
    """
    chosen = (eog, misc, stim_channel, exclude, infer_types, include, units, encoding, exclude_after_unique)
    return _edf(_path(input_fname, "input_fname"), False, *chosen)


def read_raw_bdf(
    input_fname: _Path,
    eog: _Channels = None,
    misc: _Channels = None,
    stim_channel: str | Sequence[int | str] | int | None = "auto",
    exclude: Sequence[str] | str = (),
    infer_types: bool = False,
    include: Sequence[str] | str | None = None,
    preload: bool = False,
    units: Mapping[str, str] | str | None = None,
    encoding: str = "utf8",
    exclude_after_unique: bool = False,
    *,
    verbose: Any = None,
) -> Raw:
    """Open a BDF or BDF+ recording.

    Parameters
    ----------
    input_fname : path-like
        The file.
    eog : sequence of int or str | None
        Channels that are electro-oculograms.
    misc : sequence of int or str | None
        Channels of type misc.
    stim_channel : "auto" | str | int | sequence | None
        Channels of stimulus codes, of which the lowest 17 bits are kept; "auto": those named `status` or `trigger`.
    exclude : sequence of str | str
        Channels to leave out; a str is a regular expression.
    infer_types : bool
        Whether types are told from labels, as in `EOG left`.
    include : sequence of str | str | None
        The only channels to read; a str is a regular expression.
    preload : bool
        Not used: samples are read when they are asked for.
    units : dict | str | None
        Units of channels for which the file has none, such as "uV".
    encoding : "utf8" | "latin1"
        Encoding of annotations; those that are not UTF-8 are read as Latin-1 in any case.
    exclude_after_unique : bool
        Whether channels are chosen after their names were made unique.
    verbose : object
        Not used.

    Returns
    -------
    raw : Raw
        The recording; see :func:`read_raw_edf`.

    See Also
    --------
    mne.io.read_raw_bdf : The same as an object of MNE's.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from bakusoku.io import read_raw_bdf
    >>> fields = [(8, chr(255) + "BIOSEMI"), (80, "X X X X"), (80, "Startdate X X X X")]
    >>> fields += [(8, "29.02.24"), (8, "12.34.56")]
    >>> fields += [(8, 512), (44, "")]
    >>> fields += [(8, 1), (8, 1), (4, 1), (16, "Cz"), (80, ""), (8, "uV"), (8, -100), (8, 100), (8, -1000), (8, 1000)]
    >>> header = "".join(f"{value:<{width}}" for width, value in [*fields, (80, ""), (8, 2), (32, "")])
    >>> path = Path(tempfile.mkdtemp()) / "x.bdf"
    >>> _ = path.write_bytes(header.encode("latin-1") + bytes([10, 0, 0, 20, 0, 0]))
    >>> raw = read_raw_bdf(path)
    >>> raw.sfreq, str(raw.meas_date)
    (2.0, '2024-02-29 12:34:56+00:00')
    >>> raw.get_data().round(9)
    array([[1.e-06, 2.e-06]])
    """
    chosen = (eog, misc, stim_channel, exclude, infer_types, include, units, encoding, exclude_after_unique)
    return _edf(_path(input_fname, "input_fname"), True, *chosen)
