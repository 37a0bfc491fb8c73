"""Independent components beside MNE-Python with picard: fit, sources and cleaning.

Real EEG (`eeglab_data.set`), and made-up EEG (64 channels) and MEG (306 channels, 50 components), from the same start.
The sides take turns in one process, one thread each; results are compared in the same run before a time counts: matched
components, Amari distance, loss, cleaned samples.

    .venv/bin/python bench/ica.py --pairs 3 --tol 1e-10 --only eeg
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

import mne  # noqa: E402
import numpy as np  # noqa: E402
from measure import machine, median, save, say, table  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

from bakusoku.preprocessing import ICA  # noqa: E402

mne.set_log_level("error")
warnings.filterwarnings("ignore")
DATA = Path(os.environ.get("BAKUSOKU_TEST_DATA", HERE.parents[1] / "shared" / "data"))
ALGORITHMS = {
    "Picard-O": dict(ortho=True),
    "Picard, extended": dict(ortho=False, extended=True),
    "Picard": dict(ortho=False, extended=False),
}


def real_eeg() -> mne.io.BaseRaw:
    raw = mne.io.read_raw_eeglab(DATA / "eeglab" / "eeglab_data.set", preload=True)
    return raw.filter(1.0, 40.0)


def made_up(types: list[str], n_sources: int, seconds: float, sfreq: float, seed: int = 0) -> mne.io.BaseRaw:
    """Sources whose amplitude comes and goes, on channels with noise of their own."""
    rng = np.random.default_rng(seed)
    n = int(seconds * sfreq)
    sources = mne.filter.filter_data(rng.standard_normal((n_sources, n)), sfreq, 1.0, 40.0)
    slow = np.exp(rng.normal(size=(n_sources, n // 100 + 1)))
    sources *= np.repeat(slow, 100, axis=1)[:, :n] / sources.std(1, keepdims=True)
    units = np.array([dict(grad=1e-12, mag=1e-13, eeg=1e-6)[kind] for kind in types])
    x = rng.standard_normal((len(types), n_sources)) @ sources + 0.3 * rng.standard_normal((len(types), n))
    info = mne.create_info([f"{kind}{k}" for k, kind in enumerate(types)], sfreq, types)
    with info._unlock():
        info["highpass"] = 1.0
    return mne.io.RawArray(units[:, np.newaxis] * x, info)


def recordings() -> dict:
    return {
        "eeg": (real_eeg, None),
        "eeg 64": (lambda: made_up(["eeg"] * 64, 64, 300.0, 250.0), None),
        "meg 306": (lambda: made_up(["grad", "grad", "mag"] * 102, 60, 180.0, 250.0), 50),
    }


def unmixing(ica) -> np.ndarray:
    return ica.unmixing_matrix_ @ ica.pca_components_[: ica.n_components_]


def compare(ours, theirs, raw) -> str:
    """How far the results are from one another; an error when too far."""
    a, b = ours.get_sources(raw).get_data(), theirs.get_sources(raw).get_data()
    found = np.abs(np.corrcoef(a, b)[: len(a), len(a) :]).max(1).min()
    p = unmixing(ours) @ np.linalg.pinv(unmixing(theirs))
    amari = sum(np.sum(np.sum(q**2, 1) / np.max(q**2, 1) - 1) for q in (p, p.T)) / (2 * len(p))
    cleaned = [ica.apply(raw.copy(), exclude=[0, 1]).get_data() for ica in (ours, theirs)]
    peak = np.abs(raw.get_data()).max(1)
    apart = (np.abs(cleaned[0] - cleaned[1]).max(1) / peak).max()
    if amari > 1e-6 or 1 - found > 1e-9 or apart > 1e-8:
        return f"DIFFERENT: 1 - correlation {1 - found:.1e}, Amari {amari:.1e}, cleaned {apart:.1e}"
    return f"1 - r {max(1 - found, 0):.0e}, Amari {amari:.0e}, cleaned {apart:.0e}"


def timed(function) -> tuple[float, object]:
    start = time.process_time()
    out = function()
    return time.process_time() - start, out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--tol", type=float, default=1e-10)
    parser.add_argument("--only")
    arguments = parser.parse_args()
    rows, results = [], {}
    for name, (make, n_components) in recordings().items():
        if arguments.only not in (None, name):
            continue
        raw = make()
        for algorithm, params in ALGORITHMS.items():
            kwargs = dict(
                n_components=n_components,
                method="picard",
                random_state=42,
                fit_params=params | dict(tol=arguments.tol, max_iter=1000),
            )
            times: dict[str, list[float]] = {"ours": [], "mne": [], "apply, ours": [], "apply, mne": []}
            for _ in range(arguments.pairs):
                cost, ours = timed(lambda: ICA(**kwargs, n_jobs=1).fit(raw))
                times["ours"].append(cost)
                with threadpool_limits(1):
                    cost, theirs = timed(lambda: mne.preprocessing.ICA(**kwargs).fit(raw))
                    times["mne"].append(cost)
                    times["apply, mne"].append(timed(lambda: theirs.apply(raw.copy(), exclude=[0, 1]))[0])
                times["apply, ours"].append(timed(lambda: ours.apply(raw.copy(), exclude=[0, 1]))[0])
            agreement = compare(ours, theirs, raw)
            fit = median(times["mne"]) / median(times["ours"])
            apply = median(times["apply, mne"]) / median(times["apply, ours"])
            row = {
                "recording": name,
                "algorithm": algorithm,
                "ours, CPU s": median(times["ours"]),
                "MNE, CPU s": median(times["mne"]),
                "ratio": fit,
                "iterations": f"{ours.n_iter_} / {theirs.n_iter_}",
                "apply, ratio": apply,
                "agreement": agreement,
            }
            rows.append(row)
            results[f"{name}, {algorithm}"] = dict(times=times, agreement=agreement)
            say(f"{name}, {algorithm}: {fit:.1f} times, {agreement}")
    say(table(rows, list(rows[0])))
    save("ica", dict(machine=machine(), tol=arguments.tol, results=results))


if __name__ == "__main__":
    main()
