"""What MNE refuses, in its classes of errors: looked at before anything is computed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._exceptions import DataError, ParameterError, UnsupportedError


def instance(value: Any, types: type | tuple[type, ...], name: str, expected: str) -> None:
    """Refuse a value of another type."""
    if not isinstance(value, types):
        raise TypeError(f"{name} must be an instance of {expected}, got {type(value)} instead")


def option(name: str, value: Any, allowed: tuple[str, ...], extra: str = "") -> None:
    """Refuse a word that is not among those allowed."""
    if value not in allowed:
        words = ", ".join(repr(word) for word in allowed)
        raise ParameterError(
            f"Invalid value for the '{name}' parameter{extra}. Allowed values are {words}, but got {value!r} instead"
        )


def usable(m: Any, raw: Any, ignore_ref: bool) -> None:
    """Refuse samples that are not as they were measured."""
    instance(raw, m.BaseRaw, "raw", "BaseRaw")
    if raw.proj:
        raise DataError("Projectors cannot be applied to data that are to be Maxwell filtered; read them again without")
    grade = m.compensation_grade(raw.info)
    if grade not in (0, None) and ignore_ref:
        raise DataError(
            f"the data are compensated (grade {grade}), so reference channels are needed: ignore_ref=True cannot be"
        )
    if not ignore_ref and has_kit_references(raw.info):
        raise UnsupportedError(
            'Cannot create forward solution with KIT reference channels; use "ignore_ref=True" to leave them out'
        )


def has_kit_references(info: Any) -> bool:
    """Whether a reference channel is one of KIT's, whose coils nobody describes."""
    # FIFFV_REF_MEG_CH, FIFFV_COIL_KIT_REF_MAG
    return any(int(ch["kind"]) == 301 and int(ch["coil_type"]) == 6002 for ch in info["chs"])


def regularize(value: Any) -> None:
    """Refuse what is no way to regularise."""
    instance(value, (str, type(None)), "regularize", "str or None")
    if value is not None:
        option("regularize", value, ("in", "in_argmax"), " when str")


def words(coord_frame: Any, bad_condition: Any, mc_interp: Any) -> None:
    """Refuse words that are not among those allowed."""
    option("coord_frame", coord_frame, ("head", "meg"))
    option("bad_condition", bad_condition, ("error", "warning", "ignore", "info"))
    if mc_interp not in ("cos2", "linear", "zero", "hann"):
        raise ParameterError(f'interp must be one of ("cos2", "linear", "zero", "hann"), got {mc_interp!r}')


def frame(info: Any, coord_frame: str) -> None:
    """Refuse the head frame where nobody knows it."""
    if info["dev_head_t"] is None and coord_frame == "head":
        raise DataError(
            'coord_frame cannot be "head" because info["dev_head_t"] is None; '
            'an empty room recording may want coord_frame="meg"'
        )


def correlation(value: Any) -> float:
    """A limit of correlation."""
    number = float(value)
    if not 0.0 < number <= 1.0:
        raise ParameterError(f"Need 0 < st_correlation <= 1., got {number}")
    return number


def head_positions(pos: Any, coord_frame: str, raw: Any) -> np.ndarray | None:
    """Positions of shape (n, 10), ascending in time, none before the recording."""
    if pos is None:
        return None
    instance(pos, np.ndarray, "head_pos", "ndarray or None")
    if coord_frame != "head":
        raise ParameterError('positions can only be used if coord_frame="head"')
    if pos.ndim != 2 or pos.shape[1] != 10:
        raise ParameterError(f"pos must be an array of shape (N, 10), got {pos.shape}")
    t = np.ascontiguousarray(pos[:, 0], np.float64)
    if not (np.diff(t) > 0).all():
        raise ParameterError("Time points must be unique and in ascending order")
    sfreq, first = raw.info["sfreq"], raw.first_time
    # MaxFilter writes times to the millisecond; half a sample is nobody's business.
    if len(t) and t[0] < np.round((first - 1e-3) * sfreq) / sfreq - 0.5 / sfreq:
        raise ParameterError(
            f"Head position time points must be greater than first sample offset, but found {t[0]:0.4f} < {first:0.4f}"
        )
    return np.ascontiguousarray(pos, np.float64)


def destination(m: Any, value: Any, info: Any, coord_frame: str) -> np.ndarray | None:
    """From the device to the head where it is to appear, (4, 4); ``None``: where it was."""
    if value is None:
        return None
    if coord_frame != "head":
        raise DataError("destination can only be set if using the head coordinate frame")
    if isinstance(value, (str, os.PathLike)):
        value = m.dev_head_t_of(value)
    if isinstance(value, m.Transform):
        if (value.from_str, value.to_str) != ("MEG device", "head"):
            raise DataError(f"Destination transform is not MEG device -> head, got {value.from_str} -> {value.to_str}")
        return np.array(value["trans"], float)
    shift = np.array(value, float)
    if shift.shape != (3,):
        raise ParameterError(f"destination must be a 3-element vector, str, or None, got shape {shift.shape}")
    trans = np.eye(4)
    trans[:3, 3] = shift
    return trans


def given(value: Any, name: str, key: str, info: Mapping[str, Any]) -> Any:
    """What ``None``, ``True``, ``False``, a path or a dictionary mean: a path, a dictionary, or nothing."""
    instance(value, (type(None), bool, Mapping, str, os.PathLike), name, "None, bool, dict, or path-like")
    if value is None:
        return info.get(key)
    if value is True:
        if info.get(key) is None:
            raise DataError(f"{name}=True, but info['{key}'] is None: the recording does not carry it")
        return info[key]
    return None if value is False else value


def history(info: Any, *, sss: bool, tsss: bool, calibration: bool, cross_talk: bool) -> None:
    """Refuse to apply again what was applied already."""
    for record in info["proc_history"]:
        for step, key, wanted in (
            ("SSS", "sss_info", sss),
            ("tSSS", "max_st", tsss),
            ("fine calibration", "sss_cal", calibration),
            ("cross-talk cancellation", "sss_ctc", cross_talk),
        ):
            if wanted and record["max_info"][key]:
                raise DataError(f"Maxwell filtering {step} step has already been applied, cannot reapply")


def extended(m: Any, value: Any, good_names: list[str]) -> list[tuple[list[str], list[list[float]]]]:
    """Names and vectors of projectors that extend the outer basis."""
    instance(value, (list, tuple), "extended_proj", "list or tuple")
    out = []
    for index, proj in enumerate(value):
        name = f"extended_proj[{index}]"
        instance(proj, m.Projection, name, "Projection")
        names = list(proj["data"]["col_names"])
        missing = sorted(set(good_names) - set(names))
        if missing:
            raise ParameterError(f"{name} channel names were missing some good MEG channels: {', '.join(missing)}")
        out.append((names, np.asarray(proj["data"]["data"], float).tolist()))
    return out


def mag_scale(value: Any) -> float | None:
    """A factor, or ``None`` for "auto"."""
    if isinstance(value, str):
        if value != "auto":
            raise ParameterError(f'mag_scale must be a float or "auto", got "{value}"')
        return None
    return float(value)


def origin(value: Any) -> list[float] | None:
    """Three numbers, or ``None`` for "auto"."""
    if isinstance(value, str):
        if value != "auto":
            raise ParameterError(f'origin must be a numerical array, or "auto", not {value}')
        return None
    numbers = np.array(value, float)
    if numbers.shape != (3,):
        raise ParameterError(f"origin must be a 3-element array, got shape {numbers.shape}")
    return numbers.tolist()
