"""The study of `bakusoku run` as a careful MNE-Python user writes it: the yardstick of tests and benchmarks.

One recording: read, events, notch, band-pass, resample, save, spectra, epochs, evoked, covariance, each written.
The order is MNE-BIDS-Pipeline's: epochs without projection or rejection, then the reference and the
recording's SSP vectors, then rejection, then baseline.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Config:
    """What the study does; one key of `study.toml` per field."""

    #: Bad channels found, then tSSS of `mf_st_duration`; no fine calibration, no cross-talk.
    use_maxwell_filter: bool = False
    mf_st_duration: float | None = 10.0
    notch_freq: tuple[float, ...] | None = (50.0, 100.0, 150.0)
    l_freq: float | None = 0.1
    h_freq: float | None = 40.0
    raw_resample_sfreq: float | None = 250.0
    eeg_reference: str | None = "average"
    ch_types: tuple[str, ...] = ("meg", "eeg")
    conditions: dict[str, int] = field(default_factory=lambda: {"auditory": 1, "visual": 2})
    epochs_tmin: float = -0.2
    epochs_tmax: float = 0.6
    baseline: tuple[float | None, float | None] | None = (-0.2, 0.0)
    reject: dict[str, float] | None = None
    contrasts: tuple[tuple[str, str], ...] = (("auditory", "visual"),)
    noise_cov: tuple[float | None, float | None] | None = (None, 0.0)
    cov_rank: str | None = "info"
    psd: dict[str, float] | None = field(default_factory=lambda: {"fmax": 60.0, "n_fft": 1024, "n_overlap": 512})

    def as_toml(self, **places: str) -> str:
        """The same study as a `study.toml`."""
        lines = [f"{k} = {_toml(v)}" for k, v in places.items()]
        skip = {"cov_rank"} if self.cov_rank == "info" else set()
        if self.use_maxwell_filter:
            lines += ["find_flat_channels_meg = true", "find_noisy_channels_meg = true"]
            lines += ['mf_cal_missing = "ignore"', 'mf_ctc_missing = "ignore"']
        else:
            skip |= {"use_maxwell_filter", "mf_st_duration"}
        for key, value in asdict(self).items():
            if key in skip:
                continue
            if key in ("psd", "notch_freq", "raw_resample_sfreq", "l_freq", "h_freq", "reject") and value is None:
                continue
            lines.append(f"{key} = {_toml(value)}")
        # What the pipeline's defaults ask for and this comparison does not.
        lines += ['noise_cov_method = "empirical"', "interpolate_bads_grand_average = false"]
        # MNE finds them on the stimulus channel here; events.tsv may lie a sample beside.
        lines += ['events = "stim"']
        return "\n".join(lines) + "\n"


def _toml(value) -> str:
    if value is None:
        return '"none"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{k}" = {_toml(v)}' for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return repr(value)


def read(fname, **kwargs):
    import mne

    return mne.io.read_raw_fif(fname, verbose="error", **kwargs)


def analyse(fname: str | os.PathLike, stem: str | os.PathLike, config: Config, stim_channel=None) -> dict:
    """Analyse one recording, write `<stem>_proc-filt_raw.fif`, `_epo.fif`, `_ave.fif`, `_cov.fif`, `_psd.h5`."""
    import mne

    mne.set_log_level("error")
    c = config
    stem = Path(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    raw = read(fname, preload=True)
    events = mne.find_events(raw, stim_channel=stim_channel)
    if c.use_maxwell_filter:
        noisy, flat = mne.preprocessing.find_bad_channels_maxwell(raw)
        bads = {*raw.info["bads"], *noisy, *flat}
        raw.info["bads"] = [name for name in raw.ch_names if name in bads]
        raw = mne.preprocessing.maxwell_filter(raw, st_duration=c.mf_st_duration)
    if c.notch_freq is not None:
        raw.notch_filter(list(c.notch_freq))
    if c.l_freq is not None or c.h_freq is not None:
        raw.filter(c.l_freq, c.h_freq)
    if c.raw_resample_sfreq is not None:
        raw, events = raw.resample(c.raw_resample_sfreq, events=events)
    files = {"raw": f"{stem}_proc-filt_raw.fif"}
    raw.save(files["raw"], overwrite=True)
    if c.psd is not None:
        files["psd"] = f"{stem}_psd.h5"
        psd = dict(c.psd)
        psd["n_fft"], psd["n_overlap"] = int(psd["n_fft"]), int(psd["n_overlap"])
        raw.compute_psd(method="welch", **psd).save(files["psd"], overwrite=True)
    epochs = mne.Epochs(
        raw,
        events,
        c.conditions,
        tmin=c.epochs_tmin,
        tmax=c.epochs_tmax,
        baseline=None,
        proj=False,
        preload=True,
        reject_by_annotation=True,
        picks=None,
    )
    del raw
    if c.eeg_reference == "average" and "eeg" in epochs:
        epochs.set_eeg_reference("average", projection=True)
    epochs.apply_proj()
    if c.reject:
        epochs.drop_bad(reject=dict(c.reject))
    if c.baseline is not None:
        epochs.apply_baseline(c.baseline)
    files["epo"] = f"{stem}_epo.fif"
    epochs.save(files["epo"], overwrite=True)
    evokeds = [epochs[name].average() for name in c.conditions]
    by_name = dict(zip(c.conditions, evokeds, strict=True))
    for a, b in c.contrasts:
        evokeds.append(mne.combine_evoked([by_name[a], by_name[b]], weights=[1, -1]))
        evokeds[-1].comment = f"{a} - {b}"
    files["ave"] = f"{stem}_ave.fif"
    mne.write_evokeds(files["ave"], evokeds, overwrite=True)
    if c.noise_cov is not None:
        tmin, tmax = c.noise_cov
        cov = mne.compute_covariance(epochs, tmin=tmin, tmax=tmax, method="empirical", rank=c.cov_rank)
        files["cov"] = f"{stem}_cov.fif"
        cov.save(files["cov"], overwrite=True)
    return files
