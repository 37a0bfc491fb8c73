"""Heartbeats and blinks of a recording."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _core
from .. import _mne as m
from .._array import Array, as_float, as_int, as_jobs
from .._exceptions import DataError, ParameterError


def band_of(l_freq: float, h_freq: float, filter_length: Any, sfreq: float) -> tuple[float, float, int | None]:
    """The band, and the taps of its filter as MNE counts them."""
    text = str(filter_length).strip().lower()
    if text == "10s":
        return float(l_freq), float(h_freq), None
    if isinstance(filter_length, str):
        unit = 1e-3 if text.endswith("ms") else 1.0
        try:
            seconds = float(text.rstrip("ms")) * unit
        except ValueError:
            raise ParameterError(
                f'`filter_length` must be a time such as "10s" or "500ms" or a number of samples, got {filter_length!r}'
            ) from None
        return float(l_freq), float(h_freq), 2 ** math.ceil(math.log2(max(math.ceil(seconds * sfreq), 1)))
    return float(l_freq), float(h_freq), as_int(filter_length, "filter_length", 1)


def channel_of(raw: Any, ch_name: str | None) -> int | None:
    """The ECG channel; ``None`` where there is none."""
    if ch_name is not None:
        if ch_name not in raw.ch_names:
            raise ParameterError(f"{ch_name} not in channel list ({raw.ch_names})")
        return raw.ch_names.index(ch_name)
    found = m.pick_types(raw.info, meg=False, ecg=True)
    if len(found) > 1:
        m.warn(f"More than one ECG channel found. Using only {raw.ch_names[found[0]]}.")
    return int(found[0]) if len(found) else None


def sensors_of(inst: Any) -> np.ndarray:
    """The channels whose mean stands for an ECG."""
    types = set(inst.info.get_channel_types())
    kind = next((kind for kind in ("mag", "grad") if kind in types), None)
    if kind is None:
        raise DataError("Generating an artificial ECG channel can only be done for MEG data.")
    m.log(f"Reconstructing ECG signal from {dict(mag='Magnetometers', grad='Gradiometers')[kind]}")
    return m.pick_types(inst.info, meg=kind, ref_meg=False)


def find_ecg_events(
    raw: Any,
    event_id: int = 999,
    ch_name: str | None = None,
    tstart: float = 0.0,
    l_freq: float = 5,
    h_freq: float = 35,
    qrs_threshold: float | str = "auto",
    filter_length: str | int = "10s",
    return_ecg: bool = False,
    reject_by_annotation: bool = True,
    verbose: Any = None,
    *,
    n_jobs: int | None = None,
) -> tuple[Any, ...]:
    """Find heartbeats.

    Parameters
    ----------
    raw : mne.io.Raw
        The recording.
    event_id : int
        The code of the events.
    ch_name : str | None
        The ECG channel; ``None`` is the one of that type, or else the mean of the magnetometers (or gradiometers).
    tstart : float
        What is not looked at in the beginning (s).
    l_freq, h_freq : float
        The band in which heartbeats are looked for (Hz).
    qrs_threshold : float | "auto"
        The threshold, 0 to 1; ``"auto"`` takes the one whose pulse is the most usual.
    filter_length : str | int
        Length of the filter, as a time (up to the next power of two) or in samples.
    return_ecg : bool
        Whether to return the signal that was looked at.
    reject_by_annotation : bool
        Whether to leave out what is annotated as bad.
    verbose : object
        MNE's log level.
    n_jobs : int | None
        Threads; ``None`` is the budget.

    Returns
    -------
    ecg_events : ndarray of int, shape (n_events, 3)
        The events.
    ch_ecg : int | None
        The channel; ``None`` for a mean.
    average_pulse : float
        Heartbeats per minute.
    ecg : ndarray, shape (1, n_times)
        The filtered signal, where ``return_ecg``.

    See Also
    --------
    mne.preprocessing.find_ecg_events : The same.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from bakusoku.preprocessing import find_ecg_events
    >>> beat = np.exp(-((np.arange(225) - 112) / 4.0) ** 2)
    >>> raw = mne.io.RawArray([1e-3 * np.tile(beat, 40)], mne.create_info(["ECG"], 250.0, "ecg"), verbose="error")
    >>> events, channel, pulse = find_ecg_events(raw, verbose="error")
    >>> len(events), channel
    (38, 0)
    """
    if isinstance(qrs_threshold, str) and qrs_threshold != "auto":
        raise ParameterError(f'`qrs_threshold` must be "auto" or a number, got {qrs_threshold!r}')
    with m.log_level(verbose):
        channel = channel_of(raw, ch_name)
        if channel is None:
            signal = raw.get_data(sensors_of(raw), verbose="error").mean(0)
        else:
            m.log(f"Using channel {raw.ch_names[channel]} to identify heart beats.")
            signal = raw.get_data(channel, verbose="error")[0]
        skip = ("edge", "bad") if reject_by_annotation else ()
        stretches = [(start, stop) for start, stop, used in m.stretches(raw, skip) if used]
        sfreq = float(raw.info["sfreq"])
        samples, ecg = _core.find_ecg_samples(
            as_float(signal),
            stretches,
            sfreq,
            band_of(l_freq, h_freq, filter_length, sfreq),
            None if qrs_threshold == "auto" else float(qrs_threshold),
            float(tstart),
            as_jobs(n_jobs),
        )
        pulse = len(samples) / ((len(ecg) / sfreq - tstart) / 60.0)
        m.log(f"Number of ECG events detected : {len(samples)} (average pulse {pulse} / min.)")
    out = (_events(raw, samples, event_id), channel, pulse)
    return (*out, ecg[np.newaxis]) if return_ecg else out


def _events(raw: Any, samples: list[int], event_id: int) -> np.ndarray:
    events = np.zeros((len(samples), 3), int)
    events[:, 0] = np.asarray(samples, int) + raw.first_samp
    events[:, 2] = event_id
    return events


def eog_channels(raw: Any, ch_name: Any) -> list[int]:
    """The EOG channels."""
    if ch_name is None:
        found = m.pick_types(raw.info, meg=False, eog=True).tolist()
        if not found:
            raise DataError("No EOG channel(s) found")
        return found
    names = [ch_name] if isinstance(ch_name, str) else list(ch_name)
    missing = [name for name in names if name not in raw.ch_names]
    if missing:
        raise ParameterError(
            f"The specified EOG channel{'s'[: len(missing) > 1]} cannot be found: {', '.join(missing)}"
        )
    return sorted(raw.ch_names.index(name) for name in names)


def find_eog_events(
    raw: Any,
    event_id: int = 998,
    l_freq: float = 1,
    h_freq: float = 10,
    filter_length: str | int = "10s",
    ch_name: Any = None,
    tstart: float = 0,
    reject_by_annotation: bool = False,
    thresh: float | None = None,
    verbose: Any = None,
    *,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Find blinks.

    Parameters
    ----------
    raw : mne.io.Raw
        The recording.
    event_id : int
        The code of the events.
    l_freq, h_freq : float
        The band in which blinks are looked for (Hz).
    filter_length : str | int
        Length of the filter, as a time (up to the next power of two) or in samples.
    ch_name : str | list of str | None
        EOG channels; ``None`` is those of that type. Of several, the one with most power shows the blinks.
    tstart : float
        What is not looked at in the beginning (s).
    reject_by_annotation : bool
        Whether to leave out what is annotated as bad.
    thresh : float | None
        How far a peak stands out (V); ``None`` is a quarter of the range.
    verbose : object
        MNE's log level.
    n_jobs : int | None
        Threads; ``None`` is the budget.

    Returns
    -------
    eog_events : ndarray of int, shape (n_events, 3)
        The events.

    See Also
    --------
    mne.preprocessing.find_eog_events : The same.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from bakusoku.preprocessing import find_eog_events
    >>> blink = np.exp(-((np.arange(1000) - 500) / 20.0) ** 2)
    >>> raw = mne.io.RawArray([1e-4 * np.tile(blink, 12)], mne.create_info(["EOG"], 250.0, "eog"), verbose="error")
    >>> len(find_eog_events(raw, verbose="error"))
    12
    """
    with m.log_level(verbose):
        channels = eog_channels(raw, ch_name)
        eog, times = raw.get_data(
            channels, reject_by_annotation="omit" if reject_by_annotation else None, return_times=True, verbose="error"
        )
        sfreq = float(raw.info["sfreq"])
        samples, shown = _core.find_eog_samples(
            as_float(eog),
            sfreq,
            band_of(l_freq, h_freq, filter_length, sfreq),
            None if thresh is None else float(thresh),
            float(tstart),
            as_jobs(n_jobs),
        )
        m.log(f"Selecting channel {raw.ch_names[channels[shown]]} for blink detection")
        m.log(f"Number of EOG events detected: {len(samples)}")
    return _events(raw, np.round(times[samples] * sfreq).astype(int).tolist(), event_id)


def create_ecg_epochs(
    raw: Any,
    ch_name: str | None = None,
    event_id: int = 999,
    picks: Any = None,
    tmin: float = -0.5,
    tmax: float = 0.5,
    l_freq: float = 8,
    h_freq: float = 16,
    reject: dict[str, float] | None = None,
    flat: dict[str, float] | None = None,
    baseline: Any = None,
    preload: bool = True,
    keep_ecg: bool = False,
    reject_by_annotation: bool = True,
    decim: int = 1,
    verbose: Any = None,
    *,
    n_jobs: int | None = None,
) -> Any:
    """Epochs around heartbeats.

    Parameters
    ----------
    raw : mne.io.Raw
        The recording.
    ch_name, event_id
        As in :func:`find_ecg_events`.
    picks : str | list | slice | None
        Channels; ``None`` is all.
    tmin, tmax : float
        From when to when around a heartbeat (s).
    l_freq, h_freq : float
        The band in which heartbeats are looked for (Hz).
    reject, flat, baseline, preload
        As in :class:`mne.Epochs`.
    keep_ecg : bool
        Only ``False``: the mean that stands for an ECG is not added.
    reject_by_annotation : bool
        Whether to leave out what is annotated as bad.
    decim : int
        Keep every so many samples.
    verbose : object
        MNE's log level.
    n_jobs : int | None
        Threads; ``None`` is the budget.

    Returns
    -------
    ecg_epochs : mne.Epochs
        The epochs.

    See Also
    --------
    mne.preprocessing.create_ecg_epochs : The same.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from bakusoku.preprocessing import create_ecg_epochs
    >>> beat = np.exp(-((np.arange(225) - 112) / 4.0) ** 2)
    >>> raw = mne.io.RawArray([1e-3 * np.tile(beat, 40)], mne.create_info(["ECG"], 250.0, "ecg"), verbose="error")
    >>> create_ecg_epochs(raw, verbose="error").get_data().shape
    (38, 1, 251)
    """
    if keep_ecg:
        raise ParameterError("`keep_ecg` must be False, got True; mne.preprocessing.create_ecg_epochs has it")
    events, _, _ = find_ecg_events(
        raw, event_id, ch_name, 0.0, l_freq, h_freq, reject_by_annotation=reject_by_annotation, verbose=verbose,
        n_jobs=n_jobs,
    )  # fmt: skip
    if len(events) == 0:
        raise DataError("No ECG events could be found.")
    picks = m.picks_of(raw.info, picks, none="all", exclude=())
    return m.Epochs(
        raw, events, event_id, tmin, tmax, baseline, picks, preload, reject, flat, proj=False, decim=decim,
        reject_by_annotation=reject_by_annotation, verbose=verbose,
    )  # fmt: skip


def create_eog_epochs(
    raw: Any,
    ch_name: Any = None,
    event_id: int = 998,
    picks: Any = None,
    tmin: float = -0.5,
    tmax: float = 0.5,
    l_freq: float = 1,
    h_freq: float = 10,
    reject: dict[str, float] | None = None,
    flat: dict[str, float] | None = None,
    baseline: Any = None,
    preload: bool = True,
    reject_by_annotation: bool = True,
    thresh: float | None = None,
    decim: int = 1,
    verbose: Any = None,
    *,
    n_jobs: int | None = None,
) -> Any:
    """Epochs around blinks.

    Parameters
    ----------
    raw : mne.io.Raw
        The recording.
    ch_name, event_id
        As in :func:`find_eog_events`.
    picks : str | list | slice | None
        Channels; ``None`` is all good ones.
    tmin, tmax : float
        From when to when around a blink (s).
    l_freq, h_freq : float
        The band in which blinks are looked for (Hz).
    reject, flat, baseline, preload
        As in :class:`mne.Epochs`.
    reject_by_annotation : bool
        Whether to leave out what is annotated as bad.
    thresh : float | None
        How far a peak stands out (V).
    decim : int
        Keep every so many samples.
    verbose : object
        MNE's log level.
    n_jobs : int | None
        Threads; ``None`` is the budget.

    Returns
    -------
    eog_epochs : mne.Epochs
        The epochs.

    See Also
    --------
    mne.preprocessing.create_eog_epochs : The same.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from bakusoku.preprocessing import create_eog_epochs
    >>> blink = np.exp(-((np.arange(1000) - 500) / 20.0) ** 2)
    >>> raw = mne.io.RawArray([1e-4 * np.tile(blink, 12)], mne.create_info(["EOG"], 250.0, "eog"), verbose="error")
    >>> create_eog_epochs(raw, picks="eog", verbose="error").get_data().shape
    (12, 1, 251)
    """
    events = find_eog_events(
        raw, event_id, l_freq, h_freq, "10s", ch_name, 0.0, reject_by_annotation, thresh, verbose, n_jobs=n_jobs
    )
    return m.Epochs(
        raw, events, event_id, tmin, tmax, baseline, picks, preload, reject, flat, proj=False, decim=decim,
        reject_by_annotation=reject_by_annotation, verbose=verbose,
    )  # fmt: skip


def correlations(
    sources: Array, targets: Array, sfreq: float, l_freq: float | None, h_freq: float | None, n_jobs: int
) -> Array:
    """Pearson's correlation of rows, within a band where there is one, (n_targets, n_sources)."""
    if l_freq is not None and h_freq is not None:
        band = band_of(l_freq, h_freq, "10s", sfreq)
        sources, targets = (_core.artifact_band(x, sfreq, band, n_jobs) for x in (sources, targets))
    elif l_freq is not None or h_freq is not None:
        raise ParameterError("Must specify both pass bands")
    return _core.correlate_rows(sources, targets, n_jobs)
