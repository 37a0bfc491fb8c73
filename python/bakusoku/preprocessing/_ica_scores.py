"""Components that follow the heart or the eyes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from .. import _mne as m
from .._array import Array, as_float, as_jobs
from .._exceptions import ParameterError
from ..epochs import cut_epochs
from ._artifacts import channel_of, correlations, eog_channels, find_ecg_events, sensors_of

_AUTO = {"zscore": 3.0, "correlation": 0.9}


class Scores(m.MneICA):
    """What an ICA says of its components."""

    n_jobs: int | None

    def find_bads_ecg(
        self,
        inst: Any,
        ch_name: str | None = None,
        threshold: float | str = "auto",
        start: int | float | None = None,
        stop: int | float | None = None,
        l_freq: float = 8,
        h_freq: float = 16,
        method: str = "ctps",
        reject_by_annotation: bool = True,
        measure: str = "zscore",
        verbose: Any = None,
    ) -> tuple[list[int], Array]:
        """Find components that follow the heart.

        Parameters
        ----------
        inst : mne.io.Raw | mne.Epochs | mne.Evoked
            The samples; epochs of ``"ctps"`` are those of heartbeats.
        ch_name : str | None
            The ECG channel; ``None`` is the one of that type, or else the mean of the magnetometers (or gradiometers).
        threshold : float | "auto"
            From where on a component is one: 0.3 of ``"ctps"``, 3 standard deviations, or 0.9 of a correlation.
        start, stop : int | float | None
            First sample, and one past the last one, or times in s; of ``"correlation"``.
        l_freq, h_freq : float
            The band of heartbeats (Hz).
        method : "ctps" | "correlation"
            Whether sources have the same phase at each heartbeat, or resemble the ECG.
        reject_by_annotation : bool
            Whether to leave out what is annotated as bad.
        measure : "zscore" | "correlation"
            What the threshold of ``"correlation"`` is compared with.
        verbose : object
            MNE's log level.

        Returns
        -------
        ecg_idx : list of int
            The components, the largest score first.
        scores : ndarray, shape (n_components,)
            The scores.
        """
        _check(threshold, measure)
        if method not in ("ctps", "correlation"):
            raise ParameterError(f'`method` must be "ctps" or "correlation", got {method!r}')
        with m.log_level(verbose):
            if method == "correlation":
                channel = channel_of(inst, ch_name)
                target = self._mean_of_sensors(inst, start, stop, reject_by_annotation) if channel is None else None
                names = [inst.ch_names[channel]] if target is None else [target]
                limit = _AUTO[measure] if threshold == "auto" else threshold
                found, scores = self._find_bads_ch(
                    inst, names, limit, start, stop, l_freq, h_freq, reject_by_annotation, "ecg", measure
                )
                self.labels_["ecg"] = found
                return found, scores
            if isinstance(inst, m.BaseRaw):
                epochs = self._heartbeats(inst, ch_name, l_freq, h_freq, reject_by_annotation)
                if len(epochs) == 0:
                    m.warn("No ECG activity detected. Consider changing the input parameters.")
            elif isinstance(inst, m.BaseEpochs):
                epochs = as_float(self.get_sources(inst).get_data(copy=False))
            else:
                raise ParameterError("With `ctps` only Raw and Epochs input is supported")
            limit = 0.3 if threshold == "auto" else float(threshold)
            m.log(f"Using threshold: {limit:.2f} for CTPS ECG detection")
            scores = _core.ctps(epochs, as_jobs(self.n_jobs))[1].max(-1)
            found = [int(k) for k in np.argsort(-scores, kind="stable") if scores[k] >= limit]
            self.labels_["ecg"] = list(found)
            self.labels_[f"ecg/{'ECG-MAG' if ch_name is None else ch_name}"] = list(found)
            return found, scores

    def _heartbeats(self, raw, ch_name, l_freq, h_freq, reject_by_annotation) -> Array:
        """Sources around heartbeats, (n_beats, n_components, n_times)."""
        events, _, _ = find_ecg_events(
            raw, ch_name=ch_name, l_freq=l_freq, h_freq=h_freq, reject_by_annotation=reject_by_annotation,
            n_jobs=self.n_jobs,
        )  # fmt: skip
        if len(events) == 0:
            raise ParameterError("No ECG events could be found.")
        sources = self._transform_raw(raw, None, None)
        spans = []
        if reject_by_annotation:
            spans = [
                (onset - raw.first_time, duration, text)
                for onset, duration, text in zip(
                    raw.annotations.onset, raw.annotations.duration, raw.annotations.description, strict=True
                )
                if text.lower().startswith("bad")
            ]
        return cut_epochs(
            sources, raw.info["sfreq"], events, None, -0.5, 0.5, None, first_samp=raw.first_samp,
            ch_types=["misc"] * len(sources), bad_spans=spans, n_jobs=self.n_jobs,
        ).data  # fmt: skip

    def _mean_of_sensors(self, inst, start, stop, reject_by_annotation) -> Array:
        picks = sensors_of(inst)
        if isinstance(inst, m.BaseRaw):
            first, last = (
                None if at is None else int(at) if isinstance(at, (int, np.integer)) else int(inst.time_as_index(at)[0])
                for at in (start, stop)
            )
            omit = "omit" if reject_by_annotation else None
            return inst.get_data(picks, first or 0, last, omit, verbose="error").mean(0, keepdims=True)
        data = inst.get_data(picks)
        return (np.hstack(data) if data.ndim == 3 else data).mean(0, keepdims=True)

    def find_bads_eog(
        self,
        inst: Any,
        ch_name: Any = None,
        threshold: float | str = 3.0,
        start: int | float | None = None,
        stop: int | float | None = None,
        l_freq: float = 1,
        h_freq: float = 10,
        reject_by_annotation: bool = True,
        measure: str = "zscore",
        verbose: Any = None,
    ) -> tuple[list[int], Array | list[Array]]:
        """Find components that follow the eyes.

        Parameters
        ----------
        inst : mne.io.Raw | mne.Epochs | mne.Evoked
            The samples.
        ch_name : str | list of str | None
            EOG channels; ``None`` is those of that type.
        threshold : float | "auto"
            From where on a component is one: standard deviations, or a correlation.
        start, stop : int | float | None
            First sample, and one past the last one, or times in s.
        l_freq, h_freq : float
            The band of blinks (Hz).
        reject_by_annotation : bool
            Whether to leave out what is annotated as bad.
        measure : "zscore" | "correlation"
            What the threshold is compared with.
        verbose : object
            MNE's log level.

        Returns
        -------
        eog_idx : list of int
            The components, the largest score first.
        scores : ndarray, shape (n_components,) | list of ndarray
            The correlations, for each channel.
        """
        _check(threshold, measure)
        with m.log_level(verbose):
            names = [inst.ch_names[k] for k in eog_channels(inst, ch_name)]
            limit = _AUTO[measure] if threshold == "auto" else threshold
            found, scores = self._find_bads_ch(
                inst, names, limit, start, stop, l_freq, h_freq, reject_by_annotation, "eog", measure
            )
            self.labels_["eog"] = found
            return found, scores

    def _find_bads_ch(
        self, inst, chs, threshold=3.0, start=None, stop=None, l_freq=None, h_freq=None, reject_by_annotation=True,
        prefix="chs", measure="zscore",
    ):  # fmt: skip
        # All channels at once: the sources are made and filtered once.
        _check(threshold, measure)
        if isinstance(inst, m.BaseRaw):
            sources = self._transform_raw(inst, start, stop, reject_by_annotation)
        elif isinstance(inst, m.BaseEpochs):
            sources, l_freq, h_freq = self._transform_epochs(inst, concatenate=True), None, None
        else:
            sources, l_freq, h_freq = self._transform_evoked(inst), None, None
        targets = [np.ravel(self._check_target(ch, inst, start, stop, reject_by_annotation)) for ch in chs]
        if any(len(target) != sources.shape[-1] for target in targets):
            raise ParameterError("Sources and target do not have the same number of time slices.")
        sfreq = float(inst.info["sfreq"])
        scores = correlations(
            as_float(sources), as_float(np.array(targets)), sfreq, l_freq, h_freq, as_jobs(self.n_jobs)
        )
        found, of_channels = _core.find_outlying_scores(scores, float(threshold), measure == "correlation")
        unnamed = "ECG-MAG" if prefix == "ecg" else prefix
        for k, (ch, components) in enumerate(zip(chs, of_channels, strict=True)):
            self.labels_[f"{prefix}/{k}/{ch if isinstance(ch, str) else unnamed}"] = components
        return found, scores[0] if len(scores) == 1 else list(scores)


def _check(threshold: Any, measure: Any) -> None:
    if isinstance(threshold, str) and threshold != "auto":
        raise ParameterError(f'`threshold` must be "auto" or a number, got {threshold!r}')
    if measure not in _AUTO:
        raise ParameterError(f'`measure` must be "zscore" or "correlation", got {measure!r}')
