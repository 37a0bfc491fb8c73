"""The only import of MNE-Python: what the functions on its objects need of it, under plain names.

Everything else of the package works without MNE. Names that MNE keeps to itself are confined to this file.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from mne import BaseEpochs, Evoked, Info, Projection, channel_type, pick_types, read_trans
from mne._fiff.compensator import get_current_comp
from mne._fiff.constants import FIFF
from mne.annotations import _annotations_starts_stops
from mne.channels import fix_mag_coil_types
from mne.forward import _make_forward
from mne.io import BaseRaw, RawArray, read_info
from mne.transforms import Transform
from mne.utils import logger, use_log_level
from mne.utils import warn as _warn

__all__ = [
    "FIFF",
    "BaseRaw",
    "Info",
    "Projection",
    "RawArray",
    "Transform",
    "append_channels",
    "channel_type",
    "coil_definition_file",
    "channels_of",
    "compensation_grade",
    "debug",
    "dev_head_t_of",
    "fix_mag_coil_types",
    "loaded",
    "log",
    "log_level",
    "pick_types",
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
