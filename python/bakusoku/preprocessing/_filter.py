"""The Maxwell filter of a ``Raw``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core, maxwell
from . import _log
from ._prepare import Prepared, prepare


def maxwell_filter(
    raw: Any,
    origin: Any = "auto",
    int_order: int = 8,
    ext_order: int = 3,
    calibration: Any = None,
    cross_talk: Any = None,
    st_duration: float | None = None,
    st_correlation: float = 0.98,
    coord_frame: str = "head",
    destination: Any = None,
    regularize: str | None = "in",
    ignore_ref: bool = False,
    bad_condition: str = "error",
    head_pos: Any = None,
    st_fixed: bool = True,
    st_only: bool = False,
    mag_scale: Any = 100.0,
    skip_by_annotation: Any = ("edge", "bad_acq_skip"),
    extended_proj: Any = (),
    st_overlap: bool = True,
    mc_interp: str = "hann",
    verbose: Any = None,
    *,
    coil_definitions: str | None = None,
    n_jobs: int | None = None,
) -> Any:
    """Maxwell filter a recording: signal-space separation in space (SSS) and time (tSSS), movement compensation.

    Parameters
    ----------
    raw : mne.io.Raw
        The recording, not projected. Bad MEG channels must be marked: they are left out, and reconstructed.
    origin : "auto" | array_like of shape (3,)
        Centre of both expansions in m, in ``coord_frame``. ``"auto"``: the centre of a sphere fitted to the digitised
        head shape, or the origin of the device frame.
    int_order, ext_order : int
        Orders of the inner and of the outer expansion.
    calibration : None | bool | path-like | dict
        Fine calibration. ``None``: that which the recording carries, if it carries one; ``True``: it must; ``False``:
        none.
    cross_talk : None | bool | path-like | dict
        Cross-talk between sensors; as ``calibration``.
    st_duration : float | None
        Length in s of the windows of the temporal extension; ``None``: spatial only.
    st_correlation : float
        Directions in time that inner and outer space share at least to this correlation are taken out.
    coord_frame : "head" | "meg"
        Frame of ``origin``.
    destination : None | path-like | mne.transforms.Transform | array_like of shape (3,)
        Where the head is to appear; a shift in m, or as another recording or a transformation has it.
    regularize : "in" | "in_argmax" | None
        Which inner moments are kept: by total information as MaxFilter 3.0 or as MaxFilter 2.2 cuts, or all.
    ignore_ref : bool
        Leave reference channels out.
    bad_condition : "error" | "warning" | "ignore" | "info"
        What to do when the basis can hardly be inverted (condition 1000 or more).
    head_pos : None | ndarray of shape (n_pos, 10)
        Where the head was, as :func:`bakusoku.chpi.read_head_pos` reads it: movement is compensated.
    st_fixed : bool
        The temporal extension works before movement is compensated, at the mean position of each window.
    st_only : bool
        Temporal projection only.
    mag_scale : float | "auto"
        Factor on magnetometers while the basis is inverted; ``"auto"``: one over the gradiometers' baseline.
    skip_by_annotation : str | list of str
        Annotations that begin so cut the recording, and pass unchanged.
    extended_proj : list of mne.Projection
        Further outer directions (extended SSS).
    st_overlap : bool
        Windows overlap by half.
    mc_interp : "hann" | "cos2" | "linear" | "zero"
        How results of neighbouring head positions go over into one another.
    verbose : bool | str | int | None
        MNE's log level inside this call.
    coil_definitions : None | "mne" | "megin"
        Whose integration points describe the coils: MNE's, or MEGIN's 13-digit table for its own sensors, three times
        closer to MaxFilter. ``None``: MNE's, or those of a ``with mne.use_coil_def(...)`` around the call.
    n_jobs : int | None
        Threads; ``None`` is the budget. The result is the same to the last bit.

    Returns
    -------
    raw_sss : mne.io.Raw
        The filtered recording, float64, loaded.

    See Also
    --------
    mne.preprocessing.maxwell_filter : The same numbers.
    bakusoku.maxwell.maxwell_filter : The same on arrays, without MNE.

    Notes
    -----
    Other than MNE: windows of an odd number of samples work; a recording all of whose stretches are shorter than 10 s
    can be filtered; of two head positions on one sample the last one counts; ``mc_interp`` is checked always; NaN and
    infinity are an error that names channel and time. The methods are covered by patents of MEGIN, see MNE.

    Taulu & Kajola (2005) J. Appl. Phys. 97:124905; Taulu & Simola (2006) Phys. Med. Biol. 51:1759.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from bakusoku.preprocessing import maxwell_filter
    >>> z = np.vstack([np.eye(3), -np.eye(3)])
    >>> locs = np.hstack([0.1 * z, np.roll(z, 1, 1), np.roll(z, 2, 1), z])
    >>> info = mne.create_info(6, 100.0, "mag")
    >>> for ch, loc in zip(info["chs"], locs):
    ...     ch.update(loc=loc, coil_type=3024)
    >>> raw = mne.io.RawArray(np.eye(6), info, verbose="error")
    >>> raw_sss = maxwell_filter(raw, coord_frame="meg", int_order=1, ext_order=0, verbose="error")
    >>> raw_sss.get_data()[0].round(3) + 0.0
    array([ 0.5,  0. ,  0. , -0.5,  0. ,  0. ])
    """
    from .. import _mne as m

    with m.log_level(verbose):
        m.log("Maxwell filtering raw data")
        ready = prepare(
            m,
            raw,
            origin=origin,
            int_order=int_order,
            ext_order=ext_order,
            calibration=calibration,
            cross_talk=cross_talk,
            st_duration=st_duration,
            st_correlation=st_correlation,
            coord_frame=coord_frame,
            destination=destination,
            regularize=regularize,
            ignore_ref=ignore_ref,
            bad_condition=bad_condition,
            head_pos=head_pos,
            st_fixed=st_fixed,
            st_only=st_only,
            mag_scale=mag_scale,
            extended_proj=extended_proj,
            st_overlap=st_overlap,
            mc_interp=mc_interp,
            coil_definitions=coil_definitions,
        )
        options, sfreq = ready.options, float(raw.info["sfreq"])
        segments = m.stretches(raw, skip_by_annotation)
        # Everything that can be wrong without looking at samples.
        plan = maxwell.plan(ready.sensors, len(raw.times), segments=segments, **options)
        _log.plan(m, plan, options, sfreq)
        _log.warnings(m, plan)
        appended = options["head_pos"] is not None and not st_only
        if appended:
            message = "    Appending head position result channels and "
            m.log(message + ("copying original raw data" if raw.preload else "loading raw data from disk"))
        else:
            m.log("    Using loaded raw data" if raw.preload else "    Loading raw data from disk")
        data, _ = m.samples(raw)
        out, report = maxwell.maxwell_filter(data, ready.sensors, segments=segments, n_jobs=n_jobs, **options)
        del data
        for message in report["warnings"][len(plan["warnings"]) :]:
            m.warn(message)
        _log.bases(m, report, options, sfreq)
        _log.windows(m, report, options, sfreq)
        raw_sss = m.with_samples(raw, out, _chpi_channels(m, raw) if appended else None)
        describe(m, raw_sss, ready, report, sfreq)
        m.log("[done]")
    return raw_sss


def _chpi_channels(m: Any, raw: Any) -> list[dict[str, Any]]:
    """Channels that tell where the head was."""
    n = len(raw.ch_names)
    kinds = ["QUAT_1", "QUAT_2", "QUAT_3", "QUAT_4", "QUAT_5", "QUAT_6", "HPI_G", "HPI_ERR", "HPI_MOV"]
    return [
        dict(
            ch_name=f"CHPI{i:03d}",
            logno=i + 1,
            scanno=n + i + 1,
            unit_mul=-1,
            range=1.0,
            unit=-1,
            kind=m.FIFF[f"FIFFV_{kind}"],
            coord_frame=m.FIFF.FIFFV_COORD_UNKNOWN,
            cal=1e-4,
            coil_type=m.FIFF.FIFFV_COIL_NONE,
            loc=np.zeros(12),
        )
        for i, kind in enumerate(kinds)
    ]


def describe(m: Any, raw: Any, ready: Prepared, report: dict[str, Any], sfreq: float) -> None:
    """Write into ``raw.info`` what was done."""
    options, info = ready.options, raw.info
    m.fix_mag_coil_types(info, use_cal=True)
    calibration = report["calibration"]
    # What is known of the coils stays known, whether or not the result was computed with it.
    for pick, loc in calibration["coils"] if calibration is not None else ():
        info["chs"][pick]["loc"] = np.array(loc)
    st_only = options["st_only"]
    max_st = {}
    if options["st_duration"] is not None:
        max_st = dict(
            job=m.FIFF.FIFFV_SSS_JOB_TPROJ if st_only else m.FIFF.FIFFV_SSS_JOB_ST,
            subspcorr=options["st_correlation"],
            buflen=round(options["st_duration"] * sfreq) / sfreq,
        )
    done = dict(max_st=max_st, sss_info={}, sss_cal={}, sss_ctc={})
    with m.unlocked(info):
        info["maxshield"] = False
        if not st_only:
            _remove_projections(m, raw, options["ignore_ref"])
            meg = {info["ch_names"][pick] for pick in m.pick_types(info, meg=True, exclude=[])}
            info["bads"] = [name for name in info["bads"] if name not in meg]
            destination = report["destination"]
            info["dev_head_t"] = None if destination is None else m.Transform("meg", "head", np.array(destination))
            done.update(sss_info=_sss_info(m, options, report), sss_ctc=ready.sss_ctc)
            if calibration is not None:
                chans = np.array(calibration["cal_chans"], int)
                done["sss_cal"] = dict(cal_corrs=calibration["cal_corrs"], cal_chans=chans)
        version = m.FIFF.FIFFC_VERSION
        # No machine and no time: the same input gives the same file.
        secs, usecs = 0, np.iinfo(np.int32).max
        block_id = dict(version=version, machid=np.zeros(2, int), secs=secs, usecs=usecs)
        record = dict(
            max_info=done,
            block_id=block_id,
            date=(secs, usecs),
            creator=f"bakusoku v{_core.__version__}",
            experimenter="",
        )
        info["proc_history"].insert(0, record)


def _remove_projections(m: Any, raw: Any, ignore_ref: bool) -> None:
    """Projectors of MEG channels say nothing any more; neither does compensation without its reference channels."""
    meg = {raw.ch_names[pick] for pick in m.pick_types(raw.info, meg=True, exclude=[])}
    kept = [proj for proj in raw.info["projs"] if not meg & set(proj["data"]["col_names"])]
    raw.add_proj(kept, remove_existing=True, verbose=False)
    if ignore_ref and raw.info["comps"]:
        raw.info["comps"] = []


def _sss_info(m: Any, options: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    components = np.array(report["components"], np.int32)
    n_in = options["int_order"] * (options["int_order"] + 2)
    frames = dict(head=m.FIFF.FIFFV_COORD_HEAD, meg=m.FIFF.FIFFV_COORD_DEVICE)
    return dict(
        in_order=options["int_order"],
        out_order=options["ext_order"],
        nchan=int(report["n_good"]),
        origin=np.array(report["origin"], np.float32),
        job=m.FIFF.FIFFV_SSS_JOB_FILTER,
        nfree=int(components[:n_in].sum()),
        frame=frames[options["coord_frame"]],
        components=components,
    )
