"""From MNE's objects and options to plain values: all checks, and all that is logged before the first sample."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import _core
from .._exceptions import ParameterError
from ..maxwell import Sensors
from . import _checks
from ._calibration import calibration_of, cross_talk_of

#: Options of windows and of the result: only the filter itself has them.
OF_FILTER = ("st_duration", "st_correlation", "destination", "st_fixed", "st_only", "st_overlap")


@dataclass
class Prepared:
    """What the array functions need."""

    sensors: Sensors
    options: dict[str, Any]

    def without(self, *names: str) -> dict[str, Any]:
        """The options but for some."""
        return {key: value for key, value in self.options.items() if key not in names}

    # What `info["proc_history"]` keeps of the cross-talk.
    sss_ctc: dict[str, Any] = field(default_factory=dict)


def prepare(
    m: Any,
    raw: Any,
    *,
    origin: Any,
    int_order: int,
    ext_order: int,
    calibration: Any,
    cross_talk: Any,
    coord_frame: str,
    regularize: str | None,
    ignore_ref: bool,
    bad_condition: str,
    head_pos: Any,
    mag_scale: Any,
    extended_proj: Any,
    mc_interp: Any,
    coil_definitions: str | None,
    st_duration: Any = None,
    st_correlation: Any = 0.98,
    destination: Any = None,
    st_fixed: bool = True,
    st_only: bool = False,
    st_overlap: bool = True,
) -> Prepared:
    """Check everything, in MNE's order."""
    _checks.usable(m, raw, ignore_ref)
    info = raw.info
    _checks.regularize(regularize)
    st_correlation = _checks.correlation(st_correlation)
    _checks.words(coord_frame, bad_condition, mc_interp if mc_interp else "zero")
    destination = _checks.destination(m, destination, info, coord_frame)
    if st_duration is not None:
        st_duration = float(st_duration)
    _checks.frame(info, coord_frame)
    if st_only and st_duration is None:
        raise ParameterError("st_duration must not be None if st_only is True")
    head_pos = _checks.head_positions(head_pos, coord_frame, raw)
    cross_talk = _checks.given(cross_talk, "cross_talk", "cross_talk", info)
    calibration = _checks.given(calibration, "calibration", "fine_calibration", info)
    _checks.history(
        info,
        sss=not st_only,
        tsss=st_duration is not None,
        calibration=not st_only and calibration is not None,
        cross_talk=not st_only and cross_talk is not None,
    )
    ref = not ignore_ref
    good = m.pick_types(info, meg=True, ref_meg=ref, exclude="bads")
    _log_channels(m, info, ref)
    scale = _checks.mag_scale(mag_scale)
    extended = _checks.extended(m, extended_proj, [info["ch_names"][pick] for pick in good])
    if extended:
        n_vectors = sum(len(vectors) for _, vectors in extended)
        m.log(f"    Extending external SSS basis using {n_vectors} projection vectors")
    if calibration is not None:
        name = "dict" if isinstance(calibration, Mapping) else os.path.basename(os.fspath(calibration))
        lines = calibration_of(calibration)
        calibration = list(zip(lines["ch_names"], lines["locs"], lines["imb_cals"], strict=True))
        m.log(f"    Using fine calibration {name}")
    sss_ctc: dict[str, Any] = {}
    if cross_talk is not None:
        names, matrix, sss_ctc = cross_talk_of(cross_talk)
        cross_talk = (names, matrix)
    options = dict(
        origin=_origin(m, info, origin, coord_frame),
        int_order=int(int_order),
        ext_order=int(ext_order),
        calibration=calibration,
        cross_talk=cross_talk,
        coord_frame=coord_frame,
        regularize=regularize,
        ignore_ref=bool(ignore_ref),
        bad_condition=bad_condition,
        head_pos=head_pos,
        mag_scale="auto" if scale is None else scale,
        extended_proj=extended,
        mc_interp=mc_interp if mc_interp else "zero",
        coil_definitions=_coils(m, coil_definitions),
        st_duration=st_duration,
        st_correlation=st_correlation,
        destination=destination,
        st_fixed=bool(st_fixed),
        st_only=bool(st_only),
        st_overlap=bool(st_overlap),
    )
    return Prepared(sensors_of(m, raw), options, sss_ctc)


def sensors_of(m: Any, raw: Any) -> Sensors:
    """All channels of a recording."""
    info = raw.info
    chs = info["chs"]
    trans = info["dev_head_t"]
    return Sensors(
        ch_names=list(info["ch_names"]),
        kind=[int(ch["kind"]) for ch in chs],
        coil_type=[int(ch["coil_type"]) for ch in chs],
        unit=[int(ch["unit"]) for ch in chs],
        cal=[float(ch["cal"]) for ch in chs],
        loc=np.array([ch["loc"][:12] for ch in chs], float),
        sfreq=float(info["sfreq"]),
        first_samp=int(raw.first_samp),
        bads=list(info["bads"]),
        dev_head_t=None if trans is None else np.array(trans["trans"], float),
        comps=[
            (int(c["kind"]), c["data"]["row_names"], c["data"]["col_names"], c["data"]["data"]) for c in info["comps"]
        ],
    )


def _origin(m: Any, info: Any, given: Any, coord_frame: str) -> list[float]:
    """The centre of the expansions, three numbers (m)."""
    numbers = _checks.origin(given)
    if numbers is None and coord_frame == "meg":
        numbers = [0.0, 0.0, 0.0]
    if numbers is None:
        trans = info["dev_head_t"]
        dig = [
            (int(point["kind"]), int(point["ident"]), [float(x) for x in point["r"]], int(point["coord_frame"]))
            for point in info["dig"] or ()
        ]
        matrix = None if trans is None else np.array(trans["trans"], float).tolist()
        radius, numbers, _, warnings = _core.fit_sphere_to_headshape(dig, matrix, None)
        for message in warnings:
            m.warn(message)
        m.log(f"    Automatic origin fit: head of radius {radius * 1000:0.1f} mm")
    message = f"    Using origin {_mm(numbers)} mm in the {coord_frame} frame"
    if coord_frame == "meg" and info["dev_head_t"] is not None:
        trans = np.array(info["dev_head_t"]["trans"], float)
        message += f" ({_mm(trans[:3, :3] @ numbers + trans[:3, 3])} mm in the head frame)"
    m.log(message)
    return list(numbers)


def _mm(point: Any) -> str:
    return ", ".join(f"{x * 1000:0.1f}" for x in point)


def _coils(m: Any, given: str | None) -> str:
    """Whose description of the coils: as said, or as the ``with mne.use_coil_def(...)`` around the call says."""
    if given is not None:
        _checks.option("coil_definitions", given, ("mne", "megin"))
        return given
    file = m.coil_definition_file()
    if file is None:
        return "mne"
    if os.path.basename(file) == "coil_def_Elekta.dat":
        return "megin"
    raise ParameterError(
        f"coil definitions of one's own ({file}) are not read here: expected MNE's or coil_def_Elekta.dat"
    )


def _log_channels(m: Any, info: Any, ref: bool) -> None:
    bads = [info["ch_names"][pick] for pick in m.pick_types(info, meg=True, ref_meg=ref, exclude=[])]
    bads = [name for name in bads if name in info["bads"]]
    m.log(f"    Bad MEG channels being reconstructed: {bads}" if bads else "    No bad MEG channels")
