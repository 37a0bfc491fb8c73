"""The only import of MNE-Python: what the functions on its objects need of it, under plain names.

Everything else of the package works without MNE. Names that MNE keeps to itself are confined to this file.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from mne import (
    Annotations,
    BaseEpochs,
    Epochs,
    Evoked,
    Info,
    Projection,
    channel_type,
    create_info,
    pick_types,
    read_trans,
)
from mne._fiff._digitization import _format_dig_points
from mne._fiff.compensator import get_current_comp
from mne._fiff.constants import (
    FIFF,
    _ch_coil_type_named,
    _ch_kind_named,
    _ch_unit_mul_named,
    _ch_unit_named,
    _coord_frame_named,
)
from mne._fiff.ctf_comp import _add_kind, _calibrate_comp
from mne._fiff.meas_info import _empty_info
from mne._fiff.pick import _picks_to_idx, pick_info
from mne.annotations import _annotations_starts_stops
from mne.channels import fix_mag_coil_types
from mne.forward import _make_forward
from mne.io import BaseRaw, RawArray, read_info
from mne.io import read_raw_fif as _read_raw_fif
from mne.preprocessing import ICA as MneICA
from mne.preprocessing import read_ica as _read_ica
from mne.transforms import Transform
from mne.utils import logger, use_log_level
from mne.utils import warn as _warn

if TYPE_CHECKING:
    from .io import Raw

__all__ = [
    "FIFF",
    "BaseEpochs",
    "BaseRaw",
    "Epochs",
    "Evoked",
    "Info",
    "MneICA",
    "Projection",
    "RawArray",
    "Transform",
    "append_channels",
    "channel_type",
    "coil_definition_file",
    "channels_of",
    "compensation_grade",
    "create_info",
    "debug",
    "dev_head_t_of",
    "fix_mag_coil_types",
    "loaded",
    "log",
    "log_level",
    "pick_info",
    "pick_types",
    "picks_of",
    "raw_of",
    "read_ica",
    "read_raw_fif",
    "samples",
    "stretches",
    "unlocked",
    "warn",
    "with_samples",
]


def log(message: str) -> None:
    """Note something in MNE's log."""
    logger.info(message)


def debug(message: str) -> None:
    """Note a detail in MNE's log."""
    logger.debug(message)


def warn(message: str) -> None:
    """Warn as MNE does: in its log, and from the caller's line."""
    _warn(message, RuntimeWarning, ignore_namespaces=("mne", "bakusoku"))


@contextmanager
def log_level(verbose: Any) -> Iterator[None]:
    """MNE's log level inside a ``with``; ``None`` leaves it as it is."""
    if verbose is None:
        yield
    else:
        with use_log_level(verbose):
            yield


def coil_definition_file() -> str | None:
    """The file that :func:`mne.use_coil_def` put first, inside its ``with``."""
    name = getattr(_make_forward, "_extra_coil_def_fname", None)
    return None if name is None else str(name)


def compensation_grade(info: Info) -> int | None:
    """Grade of the gradient compensation that is applied."""
    return get_current_comp(info)


def dev_head_t_of(path: Any) -> Transform:
    """From the device to the head, as a recording or a transformation file says it."""
    try:
        trans = read_info(path, verbose="error")["dev_head_t"]
    except ValueError:
        trans = read_trans(path)
    if trans is None:
        raise ValueError(f"{path} says nothing about the head's position")
    return trans


def stretches(raw: BaseRaw, skip_by_annotation: Any) -> list[tuple[int, int, bool]]:
    """(start, stop, whether it is processed) of the stretches between skipped annotations, covering all samples."""
    onsets, ends = _annotations_starts_stops(raw, skip_by_annotation, invert=True)
    out, at = [], 0
    for start, stop in zip(onsets.tolist(), ends.tolist(), strict=True):
        if start == stop:
            continue
        if start > at:
            out.append((at, start, False))
        out.append((start, stop, True))
        at = stop
    if at < len(raw.times):
        out.append((at, len(raw.times), False))
    return out


def samples(raw: BaseRaw) -> tuple[np.ndarray, bool]:
    """All samples, (n_channels, n_times), and whether they belong to ``raw`` (else they were read for the caller)."""
    if raw.preload:
        return np.ascontiguousarray(raw._data, np.float64), True
    return raw.get_data(verbose="error"), False


def with_samples(raw: BaseRaw, data: np.ndarray, chs: Sequence[dict] | None = None) -> BaseRaw:
    """A copy of ``raw`` around other samples, the old ones not copied; ``chs``: channels that come with new rows."""
    if raw.preload:
        new = copy.deepcopy(raw, {id(raw._data): data})
    else:
        new = raw.copy()
        new.preload = True
        new._comp = None
        new._projector = None if new.proj is False else new._projector
    new._data = data
    if chs:
        append_channels(new, chs)
    return new


def append_channels(raw: BaseRaw, chs: Sequence[dict]) -> None:
    """Describe rows that were added to the samples."""
    n = len(raw.ch_names)
    with raw.info._unlock():
        raw.info["chs"].extend(chs)
    raw.info._update_redundant()
    raw.info._check_consistency()
    raw._cals = np.concatenate([raw._cals, [ch["cal"] * ch["range"] for ch in chs]])
    # No file has them: an index that fails, should anybody try to read them from one.
    none = [np.iinfo(np.int32).max] * len(chs)
    raw._read_picks = [np.concatenate([picks, none]) for picks in raw._read_picks]
    if raw._projector is not None:
        projector = np.eye(n + len(chs))
        projector[:n, :n] = raw._projector
        raw._projector = projector


def unlocked(info: Info):
    """A context in which all entries of ``info`` can be set."""
    return info._unlock()


def loaded(inst: Any) -> np.ndarray:
    """The samples of a recording, of epochs or of an average, to be changed in place: (..., n_channels, n_times)."""
    if not isinstance(inst, (BaseRaw, BaseEpochs, Evoked)):
        raise TypeError(f"expected an array, Raw, Epochs or Evoked, got {type(inst).__name__}")
    if not getattr(inst, "preload", True):
        raise RuntimeError("the samples have to be in memory first: use `load_data()` or `preload=True`")
    return inst._data


def channels_of(info: Info) -> list[tuple[str, str, np.ndarray]]:
    """Name, type and position (m) of each channel."""
    return [(ch["ch_name"], channel_type(info, k), np.array(ch["loc"][:3], float)) for k, ch in enumerate(info["chs"])]


def picks_of(
    info: Info, picks: Any, *, none: str = "data_or_ica", exclude: Any = "bads", with_ref_meg: bool = True
) -> np.ndarray:
    """Indices of channels by types, names or indices, as MNE's methods take them; good data channels unless told."""
    found = _picks_to_idx(info, picks, none, exclude, allow_empty=False, with_ref_meg=with_ref_meg)
    return np.asarray(found)


def read_ica(path: Any) -> MneICA:
    """MNE's own reader of decompositions."""
    return _read_ica(path, verbose="error")


def read_raw_fif(path: str) -> BaseRaw:
    """MNE's own reader."""
    return _read_raw_fif(path, allow_maxshield="yes", verbose="error")


class _RawOfFile(BaseRaw):
    """MNE's object around a recording that bakusoku reads."""

    def __init__(self, raw: Raw, info: Info, annotations: Annotations) -> None:
        super().__init__(
            info,
            preload=False,
            first_samps=[raw.first_samp],
            last_samps=[raw.first_samp + raw.n_times - 1],
            filenames=[raw.filenames[0]],
            raw_extras=[{"raw": raw}],
            orig_format="single",
            verbose="error",
        )
        self.set_annotations(annotations, verbose="error")

    def _read_segment_file(self, data, idx, fi, start, stop, cals, mult):
        raw = self._raw_extras[fi]["raw"]
        picks = np.arange(len(raw.ch_names))[idx]
        block = raw.get_data(picks, start, stop)
        if mult is None:
            data[:] = block
        else:
            # Projections and compensation expect numbers that are not calibrated yet.
            stored = np.array([ch[4] * ch[5] for ch in raw._described["chs"]])[picks]
            data[:] = mult @ (block / stored[:, np.newaxis])


def raw_of(raw: Raw, about: Mapping[str, Any]) -> BaseRaw:
    """MNE's object, as MNE's own reader of the format would make it, from what the file says."""
    info = _info(about)
    onsets, durations, descriptions, names = ([], [], [], [])
    for onset, duration, description, ch_names in about["annotations"]:
        onsets.append(onset)
        durations.append(duration)
        descriptions.append(description)
        names.append(tuple(ch_names))
    return _RawOfFile(raw, info, Annotations(onsets, durations, descriptions, orig_time=None, ch_names=names))


def _info(about: Mapping[str, Any]) -> Info:
    info = _empty_info(about["sfreq"])
    for name, _, numbers, loc, cal, scale in about["chs"]:
        kind, coil_type, unit, unit_mul, coord_frame, scanno, logno = numbers
        info["chs"].append(
            dict(
                ch_name=name,
                kind=_ch_kind_named.get(kind, kind),
                coil_type=_ch_coil_type_named.get(coil_type, coil_type),
                unit=_ch_unit_named.get(unit, unit),
                unit_mul=_ch_unit_mul_named.get(unit_mul, unit_mul),
                coord_frame=_coord_frame_named.get(coord_frame, coord_frame),
                loc=np.array(loc),
                cal=cal,
                range=scale,
                scanno=scanno,
                logno=logno,
            )
        )
    for key in ("highpass", "lowpass", "line_freq", "experimenter", "description"):
        info[key] = about[key]
    info["custom_ref_applied"] = about["custom_ref_applied"]
    if about["meas_date"] is not None:
        seconds, microseconds = about["meas_date"]
        info["meas_date"] = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=microseconds)
    if about["dig"]:
        points = [dict(kind=k, ident=i, r=np.array(r), coord_frame=f) for k, i, r, f in about["dig"]]
        info["dig"] = _format_dig_points(points)
    if about["subject_info"] is not None:
        person = dict(about["subject_info"])
        if "birthday" in person:
            # The day of the Julian count at the start of the year 1.
            person["birthday"] = date.fromordinal(person["birthday"] - 1_721_425)
        info["subject_info"] = person
    for kind, calibrated, row_names, col_names, rows in about["comps"]:
        matrix = np.array(rows).reshape(len(row_names), len(col_names))
        data = dict(row_names=row_names, col_names=col_names, data=matrix, nrow=len(row_names), ncol=len(col_names))
        comp = dict(ctfkind=kind, save_calibrated=calibrated, data=data)
        _add_kind(comp)
        if calibrated:
            comp["rowcals"], comp["colcals"] = np.ones(len(row_names)), np.ones(len(col_names))
        else:
            _calibrate_comp(comp, info["chs"], row_names, col_names)
        info["comps"].append(comp)
    for key in ("dev_head_t", "ctf_head_t", "dev_ctf_t"):
        if about[key] is not None:
            from_, to, matrix = about[key]
            info[key] = Transform(from_, to, np.array(matrix))
    info._update_redundant()
    info["bads"] = about["bads"]
    info._unlocked = False
    return info
