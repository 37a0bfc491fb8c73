"""Bad channels, found by comparing them with what the Maxwell filter makes of the others."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .. import maxwell
from ..filter import filter_data
from . import _log
from ._prepare import OF_FILTER, prepare


def find_bad_channels_maxwell(
    raw: Any,
    limit: float = 7.0,
    duration: float = 5.0,
    min_count: int = 5,
    return_scores: bool = False,
    origin: Any = "auto",
    int_order: int = 8,
    ext_order: int = 3,
    calibration: Any = None,
    cross_talk: Any = None,
    coord_frame: str = "head",
    regularize: str | None = "in",
    ignore_ref: bool = False,
    bad_condition: str = "error",
    head_pos: Any = None,
    mag_scale: Any = 100.0,
    skip_by_annotation: Any = ("edge", "bad_acq_skip"),
    h_freq: float | None = 40.0,
    extended_proj: Any = (),
    mc_interp: str = "hann",
    verbose: Any = None,
    *,
    coil_definitions: str | None = None,
    n_jobs: int | None = None,
) -> Any:
    """Find flat and noisy MEG channels.

    Parameters
    ----------
    raw : mne.io.Raw
        The recording; channels marked as bad are left out.
    limit : float
        Noisy is a channel whose distance from the filtered recording lies this many standard deviations above the mean.
    duration : float
        Length of an interval in s.
    min_count : int
        In how many intervals a channel must be bad.
    return_scores : bool
        Return scores by channel and interval too.
    origin, int_order, ext_order, calibration, cross_talk, coord_frame, regularize, ignore_ref : object
        As for :func:`maxwell_filter`.
    bad_condition, head_pos, mag_scale, skip_by_annotation : object
        As for :func:`maxwell_filter`.
    h_freq : float | None
        Low-pass in Hz before the search, where the recording has a higher one; ``None``: none.
    extended_proj, mc_interp, verbose, coil_definitions, n_jobs : object
        As for :func:`maxwell_filter`.

    Returns
    -------
    noisy_chs : list of str
        Noisy channels, in the recording's order.
    flat_chs : list of str
        Flat channels, in the recording's order.
    scores : dict
        Only with ``return_scores``: ``ch_names``, ``ch_types``, ``bins`` (s), ``scores_flat`` and ``scores_noisy`` of
        shape (n_meg, n_intervals), ``limits_flat`` and ``limits_noisy`` of shape (n_meg, 1); NaN for what was left out.

    See Also
    --------
    mne.preprocessing.find_bad_channels_maxwell : The same channels and scores. There ``extended_proj`` fails once a
        channel is found, and ``mc_interp`` is not used.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from bakusoku.preprocessing import find_bad_channels_maxwell
    >>> z = np.vstack([np.eye(3), -np.eye(3)])
    >>> locs = np.hstack([0.1 * z, np.roll(z, 1, 1), np.roll(z, 2, 1), z])
    >>> info = mne.create_info(6, 100.0, "mag")
    >>> for ch, loc in zip(info["chs"], locs):
    ...     ch.update(loc=loc, coil_type=3024)
    >>> data = 1e-12 * np.sin(np.arange(6)[:, np.newaxis] + np.arange(500.0))
    >>> data[4] = 0.0
    >>> raw = mne.io.RawArray(data, info, verbose="error")
    >>> noisy, flat = find_bad_channels_maxwell(
    ...     raw, min_count=1, coord_frame="meg", int_order=1, ext_order=0, h_freq=None, verbose="error"
    ... )
    >>> flat
    ['4']
    """
    from .. import _mne as m

    with m.log_level(verbose):
        limit, min_count = float(limit), operator.index(min_count)
        ready = prepare(
            m,
            raw,
            origin=origin,
            int_order=int_order,
            ext_order=ext_order,
            calibration=calibration,
            cross_talk=cross_talk,
            coord_frame=coord_frame,
            regularize=regularize,
            ignore_ref=ignore_ref,
            bad_condition=bad_condition,
            head_pos=head_pos,
            mag_scale=mag_scale,
            extended_proj=extended_proj,
            mc_interp=mc_interp,
            coil_definitions=coil_definitions,
        )
        options, sfreq = ready.options, float(raw.info["sfreq"])
        segments = m.stretches(raw, skip_by_annotation)
        plan = maxwell.plan(ready.sensors, len(raw.times), segments=segments, **options)
        filtered = _low_pass(m, raw, h_freq)
        data, _ = m.samples(raw)
        if filtered:
            data = _filtered(m, raw, data, float(h_freq), not ignore_ref, n_jobs)
        step = int(round(sfreq * duration))
        n = sum((stop - start) // step for start, stop, process in segments if process) if step > 0 else 0
        m.log(f"Scanning for bad channels in {n} interval{'' if n == 1 else 's'} ({step / sfreq:0.1f} s) ...")
        _log.plan(m, plan, options, sfreq)
        _log.warnings(m, plan)
        found = maxwell.find_bad_channels_maxwell(
            data,
            ready.sensors,
            limit=limit,
            duration=float(duration),
            min_count=min_count,
            segments=segments,
            n_jobs=n_jobs,
            **ready.without(*OF_FILTER),
        )
        _log_intervals(m, found)
        noisy, flat = list(found["noisy"]), list(found["flat"])
        m.log(f"    Static bad channels:  {noisy}")
        m.log(f"    Static flat channels: {flat}")
        m.log("[done]")
    return (noisy, flat, _scores(m, raw, found)) if return_scores else (noisy, flat)


def _low_pass(m: Any, raw: Any, h_freq: float | None) -> bool:
    """Whether the recording has to be low-passed first."""
    if h_freq is None:
        return False
    lowpass = raw.info.get("lowpass")
    if lowpass and lowpass <= h_freq:
        place = "below" if lowpass < h_freq else "equal to"
        m.log(
            f"The input data has already been low-pass filtered with a {lowpass} Hz cutoff frequency, which is {place} "
            f"the requested cutoff of {h_freq} Hz. Not applying low-pass filter."
        )
        return False
    m.log(f"Applying low-pass filter with {h_freq} Hz cutoff frequency ...")
    return True


def _filtered(m: Any, raw: Any, data: np.ndarray, h_freq: float, ref: bool, n_jobs: int | None) -> np.ndarray:
    """MEG channels low-passed, stretch by stretch as ``raw.filter`` does; the others do not matter here."""
    picks = m.pick_types(raw.info, meg=True, ref_meg=ref, exclude=[])
    out = data.copy()
    for start, stop, process in m.stretches(raw, ("edge", "bad_acq_skip")):
        if process:
            rows = np.ascontiguousarray(data[picks, start:stop])
            out[picks, start:stop] = filter_data(rows, raw.info["sfreq"], None, h_freq, n_jobs=n_jobs, verbose="error")
    return out


def _log_intervals(m: Any, found: dict[str, Any]) -> None:
    row = {name: index for index, name in enumerate(found["ch_names"])}
    last = len(found["intervals"]) - 1
    for index, ((start, stop), interval) in enumerate(zip(found["bins"], found["intervals"], strict=False)):
        m.log(f"        Interval {index + 1:3d}: {start:8.3f} - {stop:8.3f}")
        flat = interval["flat"]
        if found["all_flat"] and index == last:
            m.log(f"            Flat ({len(flat):2d}): <all>")
            m.warn(
                "All-flat segment detected, all channels will be marked as flat and processing will stop "
                f"(t={start:0.3f}). Consider using annotate_amplitude before calling this function with "
                'skip_by_annotation="bad_flat" (or similar) to properly process all segments.'
            )
            break
        if flat:
            m.log(f"            Flat ({len(flat):2d}): {' '.join(flat)}")
        for name in interval["noisy"]:
            m.debug(f"            Bad:       {name} {found['scores_noisy'][row[name], index]:0.1f}")


def _scores(m: Any, raw: Any, found: dict[str, Any]) -> dict[str, Any]:
    kind = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    return dict(
        ch_names=np.array(found["ch_names"]),
        ch_types=np.array([kind[name] for name in found["ch_names"]]),
        bins=found["bins"],
        scores_flat=found["scores_flat"],
        limits_flat=found["limits_flat"][:, np.newaxis],
        scores_noisy=found["scores_noisy"],
        limits_noisy=found["limits_noisy"][:, np.newaxis],
    )
