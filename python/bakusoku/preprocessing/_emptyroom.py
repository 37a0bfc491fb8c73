"""Empty-room recordings, made ready to be filtered as the recording that they belong to."""

from __future__ import annotations

from typing import Any

from . import _checks


def maxwell_filter_prepare_emptyroom(
    raw_er: Any,
    *,
    raw: Any,
    bads: str = "from_raw",
    annotations: str = "from_raw",
    meas_date: str = "keep",
    emit_warning: bool = False,
    verbose: Any = None,
) -> Any:
    """Give an empty-room recording what it needs to be filtered as a recording was.

    Parameters
    ----------
    raw_er : mne.io.Raw
        The empty-room recording; it is not changed.
    raw : mne.io.Raw
        The recording, usually the reference run.
    bads : "from_raw" | "union" | "keep"
        Bad MEG channels: those of ``raw``, of both, or as they are.
    annotations : "from_raw" | "union" | "keep"
        Annotations: those of ``raw``, of both, or as they are.
    meas_date : "keep" | "from_raw"
        Date of the measurement.
    emit_warning : bool
        Warn when annotations lie outside the empty-room recording.
    verbose : bool | str | int | None
        MNE's log level inside this call.

    Returns
    -------
    raw_er_prepared : mne.io.Raw
        A copy with bad channels, head position, montage, first sample and annotations of ``raw``.

    See Also
    --------
    mne.preprocessing.maxwell_filter_prepare_emptyroom : The same; there ``annotations="union"`` fails, and
        ``meas_date`` is not checked.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from bakusoku.preprocessing import maxwell_filter_prepare_emptyroom
    >>> info = mne.create_info(["MEG0111", "MEG0112"], 100.0, ["mag", "mag"])
    >>> raw = mne.io.RawArray(np.zeros((2, 100)), info, first_samp=300, verbose="error")
    >>> raw.info["bads"] = ["MEG0112"]
    >>> raw_er = mne.io.RawArray(np.zeros((2, 50)), info, verbose="error")
    >>> prepared = maxwell_filter_prepare_emptyroom(raw_er, raw=raw, verbose="error")
    >>> prepared.info["bads"], prepared.first_samp
    (['MEG0112'], 300)
    """
    from .. import _mne as m

    with m.log_level(verbose):
        _checks.instance(raw_er, m.BaseRaw, "raw_er", "BaseRaw")
        _checks.instance(raw, m.BaseRaw, "raw", "BaseRaw")
        for name, value, allowed in (
            ("bads", bads, ("from_raw", "union", "keep")),
            ("annotations", annotations, ("from_raw", "union", "keep")),
            ("meas_date", meas_date, ("from_raw", "keep")),
        ):
            _checks.instance(value, str, name, "str")
            _checks.option(name, value, allowed)
        out = raw_er.copy()
        out.info["bads"] = _bads(m, out, raw, bads)
        out.info["dev_head_t"] = raw.info["dev_head_t"]
        out.set_montage(raw.get_montage())
        # The recording's first sample becomes that of the empty room; rates may differ.
        out.annotations.onset += raw.first_time - out.first_time
        out._cropped_samp = out.time_as_index(raw.first_time).item()
        if annotations != "keep":
            marked = out.annotations
            if annotations == "from_raw":
                marked.delete(range(len(marked)))
            theirs = raw.annotations
            marked.append(theirs.onset, theirs.duration, theirs.description, theirs.ch_names)
            if out.info["meas_date"] is None:
                marked.onset -= out.first_time
            out.set_annotations(marked, emit_warning)
        if meas_date == "from_raw":
            out.set_meas_date(raw.info["meas_date"])
    return out


def _bads(m: Any, raw_er: Any, raw: Any, which: str) -> list[str]:
    bads = {
        "from_raw": lambda: raw.info["bads"],
        "union": lambda: sorted({*raw.info["bads"], *raw_er.info["bads"]}),
        "keep": lambda: raw_er.info["bads"],
    }[which]()
    meg = {raw_er.ch_names[pick] for pick in m.pick_types(raw_er.info, meg=True, exclude=[])}
    return [name for name in bads if name in meg]
