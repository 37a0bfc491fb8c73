"""The parity table: what is compared with MNE-Python, by which metric, and how near it has to be.

The cases (parameters and input shapes) of a row stand in the test file of its area; each appends the number
that it found to `FOUND`, and the worst of each row is printed at the end of the run.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from . import metrics


@dataclass(frozen=True)
class Row:
    """One function of ours and its counterpart."""

    mne: str
    metric: Callable
    tolerance: float


TABLE: dict[str, Row] = {
    "filter.create_filter": Row("mne.filter.create_filter", metrics.taps, 1e-12),
    "filter.filter_data": Row("mne.filter.filter_data", metrics.time_series, 1e-12),
    # Ill-conditioned by nature, see the test.
    "filter.filter_data, minimum phase": Row("mne.filter.filter_data", metrics.time_series, 1e-3),
    "filter.notch_filter": Row("mne.filter.notch_filter", metrics.time_series, 1e-12),
    "filter.resample": Row("mne.filter.resample", metrics.time_series, 1e-12),
    "time_frequency.psd_array_welch": Row("mne.time_frequency.psd_array_welch", metrics.spectrum, 1e-12),
    "event.find_events": Row("mne.find_events", metrics.exact, 0.0),
    "epochs.drop_log": Row("mne.Epochs(...).drop_log", metrics.exact, 0.0),
    "epochs.data": Row("mne.Epochs(...).get_data()", metrics.time_series, 1e-12),
    "epochs.average": Row("mne.Epochs(...).average()", metrics.time_series, 1e-12),
    "cov.compute_covariance": Row("mne.compute_covariance", metrics.covariance, 1e-9),
    "cov.compute_covariance, regularised": Row("mne.compute_covariance(method=...)", metrics.covariance, 1e-10),
    # The splines' matrix has a condition number of 1e7.
    "channels.interpolate_bads": Row("inst.interpolate_bads", metrics.time_series, 1e-9),
    "io.read_raw": Row("mne.io.read_raw_*", metrics.exact, 0.0),
    # Fourier transforms of another library; relative to the channel's peak.
    "io.read_raw, unequal rates": Row("mne.io.read_raw_edf", metrics.time_series, 1e-13),
    "io.positions": Row("mne.io.read_raw_*", metrics.largest, 1e-12),
    # Both round to the same digits of a range.
    "io.export": Row("mne.export.export_raw", metrics.time_series, 1e-12),
    "io.annotations": Row("mne.io.read_raw_*", metrics.exact, 0.0),
    "reference.set_eeg_reference": Row("mne.set_eeg_reference", metrics.time_series, 1e-12),
    "chpi.read_head_pos": Row("mne.chpi.read_head_pos", metrics.exact, 0.0),
    "headshape": Row("mne.bem.fit_sphere_to_headshape", metrics.taps, 1e-13),
    "preprocessing.compute_maxwell_basis": Row("mne.preprocessing.compute_maxwell_basis", metrics.largest, 1e-11),
    # Divided by the RMS of the input, by channel type.
    "preprocessing.maxwell_filter": Row("mne.preprocessing.maxwell_filter", metrics.largest, 1e-10),
    "preprocessing.maxwell_filter, tSSS": Row("mne.preprocessing.maxwell_filter", metrics.largest, 1e-8),
    "preprocessing.read_fine_calibration": Row("mne.preprocessing.read_fine_calibration", metrics.exact, 0.0),
    # From the same start at a tolerance of 1e-10.
    "preprocessing.ICA, whitening": Row("mne.preprocessing.ICA.fit", metrics.matrix, 1e-10),
    "preprocessing.ICA, components": Row("mne.preprocessing.ICA.fit", metrics.largest, 1e-9),
    "preprocessing.ICA, sources": Row("mne.preprocessing.ICA.get_sources", metrics.time_series, 1e-8),
    "preprocessing.ICA, Amari distance": Row("mne.preprocessing.ICA.fit", metrics.largest, 1e-6),
    "preprocessing.ICA.apply": Row("mne.preprocessing.ICA.apply", metrics.time_series, 1e-8),
    "preprocessing.ICA, explained variance": Row(
        "mne.preprocessing.ICA.get_explained_variance_ratio", metrics.largest, 1e-9
    ),
    "preprocessing.ICA, scores": Row("mne.preprocessing.ICA.find_bads_*", metrics.scores, 1e-9),
    "preprocessing.find_ecg_events": Row("mne.preprocessing.find_ecg_events", metrics.exact, 0.0),
    "preprocessing.find_ecg_events, signal": Row("mne.preprocessing.find_ecg_events", metrics.time_series, 1e-12),
    "preprocessing.find_eog_events": Row("mne.preprocessing.find_eog_events", metrics.exact, 0.0),
    "maxwell.maxwell_filter, SSS": Row("mne.preprocessing.maxwell_filter", metrics.by_type, 1e-10),
    "maxwell.maxwell_filter, tSSS": Row("mne.preprocessing.maxwell_filter", metrics.by_type, 1e-8),
    "maxwell.maxwell_filter, movement": Row("mne.preprocessing.maxwell_filter", metrics.by_type, 1e-8),
    # Relative to ten times what one ulp of the input does to MNE's own result, see the test.
    "maxwell.maxwell_filter, ill-conditioned": Row("mne.preprocessing.maxwell_filter", metrics.by_type, 1.0),
    "maxwell.find_bad_channels_maxwell": Row("mne.preprocessing.find_bad_channels_maxwell", metrics.scores, 1e-6),
    "maxwell.compute_maxwell_basis": Row("mne.preprocessing.compute_maxwell_basis", metrics.matrix, 1e-10),
    "proj.apply_proj": Row("mne.io.Raw.apply_proj", metrics.time_series, 1e-12),
}

FOUND: dict[str, list[tuple[float, str]]] = defaultdict(list)


def check(row: str, case: str, ours, theirs, given=None) -> None:
    """Fail when ours is farther from MNE's than the table allows."""
    found = TABLE[row].metric(ours, theirs, given)
    FOUND[row].append((found, case))
    limit = TABLE[row].tolerance
    assert found <= limit, f"{row} [{case}]: {found:.2e} from {TABLE[row].mne}, allowed {limit:.0e}"


def quiet(function, *args, **kwargs):
    """MNE's function without its log and without its warnings (both sides of a case are asked the same odd things)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, verbose="error", **kwargs)


def summary() -> list[str]:
    lines = [f"{'function':34s} {'cases':>5s} {'worst':>9s} {'allowed':>8s}  worst case"]
    for row, found in sorted(FOUND.items()):
        worst, case = max(found)
        lines.append(f"{row:34s} {len(found):5d} {worst:9.1e} {TABLE[row].tolerance:8.0e}  {case}")
    return lines
