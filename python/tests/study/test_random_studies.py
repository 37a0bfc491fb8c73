"""A hundred random small studies against MNE-Python: epochs, averages, contrasts, group averages.

Rates, filters, references, limits, the source of events, runs and sessions are drawn; conditions are missing in some
runs. Sensors are few and recordings short, so that a study takes a fraction of a second.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from .mne_study import _toml

KINDS = ("auditory/left", "auditory/right", "button", "visual")
CODES = {"auditory": 1, "button": 5, "visual": 32}


@dataclass
class RandomStudy:
    """What is drawn."""

    seed: int
    sfreq: float = 200.0
    subjects: tuple[str, ...] = ("01", "02")
    sessions: tuple[str | None, ...] = (None,)
    n_runs: int = 1
    with_eeg: bool = False
    from_table: bool = True
    keys: dict = field(default_factory=dict)
    #: Kinds of events of each (subject, session, run).
    kinds: dict = field(default_factory=dict)

    @classmethod
    def draw(cls, seed: int) -> RandomStudy:
        rng = np.random.default_rng(seed)
        some = lambda *values: values[rng.integers(len(values))]  # noqa: E731
        out = cls(seed=seed, sfreq=float(some(200, 250, 300, 512)), n_runs=int(some(1, 2, 2, 3)))
        out.sessions = some((None,), (None,), ("a", "b"))
        out.with_eeg = bool(rng.random() < 0.5)
        out.from_table = bool(rng.random() < 0.6)
        names = ("auditory", "visual", "button") if out.from_table else tuple(CODES)
        conditions = tuple(sorted(rng.choice(names, size=int(some(1, 2, 3)), replace=False)))
        out.keys = {
            "ch_types": ["meg", "eeg"] if out.with_eeg else ["meg"],
            "l_freq": some(None, 1.0, 2.0),
            "h_freq": some(None, 30.0, 40.0),
            "notch_freq": some(None, [50.0]),
            "raw_resample_sfreq": some(None, 100.0, 150.0),
            "conditions": list(conditions) if out.from_table else {name: CODES[name] for name in conditions},
            "events": "bids" if out.from_table else "stim",
            "on_missing": "warn",
            "epochs_tmin": some(-0.2, -0.1),
            "epochs_tmax": some(0.2, 0.3),
            "baseline": some(None, [None, 0], [-0.1, 0.0]),
            "reject": some(None, {"mag": 9e-12}, {"mag": 8e-12, "eeg": 1e-4} if out.with_eeg else {"mag": 8e-12}),
            "eeg_reference": some("average", "none", ["EEG 002"]) if out.with_eeg else "average",
            "contrasts": [list(conditions[:2])] if len(conditions) > 1 else [],
            "epochs_decim": some(1, 1, 2) if out.sfreq < 300 else 1,
            "noise_cov": "none",
            "psd": None,
            "interpolate_bads_grand_average": False,
        }
        every = KINDS if out.from_table else tuple(CODES)
        for subject in out.subjects:
            for session in out.sessions:
                for run in range(out.n_runs):
                    n = int(rng.integers(1, len(every) + 1))
                    out.kinds[subject, session, run] = tuple(rng.choice(every, size=n, replace=False))
                # Each condition is somewhere, mostly: a contrast needs both of its sides.
                out.kinds[subject, session, int(rng.integers(out.n_runs))] = every
        return out

    def toml(self, bids: Path, results: Path) -> str:
        lines = [f"bids_root = {_toml(str(bids))}", f"deriv_root = {_toml(str(results))}", 'task = "x"']
        return "\n".join(lines + [f"{key} = {_toml(value)}" for key, value in self.keys.items()]) + "\n"


def stem(subject: str, session: str | None, run: int | None) -> str:
    session = f"_ses-{session}" if session else ""
    run = "" if run is None else f"_run-{run + 1:02}"
    return f"sub-{subject}{session}_task-x{run}"


def write(study: RandomStudy, root: Path) -> None:
    """Recordings and their tables."""
    import mne

    for k, ((subject, session, run), kinds) in enumerate(study.kinds.items()):
        rng = np.random.default_rng([study.seed, k])
        n = int(12 * study.sfreq)
        names = [f"MEG {i}11" for i in range(4)] + (["EEG 001", "EEG 002", "EEG 003"] if study.with_eeg else [])
        types = ["mag"] * 4 + ["eeg"] * (len(names) - 4)
        data = np.cumsum(rng.standard_normal((len(names), n)), axis=1)
        data -= data.mean(axis=1, keepdims=True)
        scale = np.array([2e-13 if kind == "mag" else 2e-6 for kind in types])
        data = data * scale[:, None] + 3 * scale[:, None] * rng.standard_normal((len(names), n))
        onsets = np.arange(0.6, 11.3, 0.35)
        onsets += rng.uniform(0, 0.05, len(onsets))
        events = [(t, kinds[rng.integers(len(kinds))]) for t in onsets]
        stim = np.zeros(n)
        if not study.from_table:
            for t, kind in events:
                at = int(round(t * study.sfreq))
                stim[at : at + 8] = CODES[kind]
        info = mne.create_info([*names, "STI 014"], study.sfreq, [*types, "stim"])
        info["line_freq"] = 50.0
        raw = mne.io.RawArray(np.vstack([data, stim]), info, first_samp=int(rng.integers(0, 5000)), verbose="error")
        raw.set_meas_date(1_700_000_000)
        folder = root / f"sub-{subject}" / (f"ses-{session}" if session else "") / "meg"
        folder.mkdir(parents=True, exist_ok=True)
        name = stem(subject, session, run if study.n_runs > 1 else None)
        raw.save(folder / f"{name}_meg.fif", fmt="double", verbose="error")
        if study.from_table:
            rows = ["onset\tduration\ttrial_type", *(f"{t:.6f}\t0\t{kind}" for t, kind in events)]
            (folder / f"{name}_events.tsv").write_text("\n".join(rows) + "\n")


def in_mne(study: RandomStudy, root: Path, subject: str, session: str | None):
    """Epochs and averages of one subject and session."""
    import mne

    keys = study.keys
    mapping = {kind: k + 1 for k, kind in enumerate(KINDS)} if study.from_table else CODES
    parts = []
    for run in range(study.n_runs):
        name = stem(subject, session, run if study.n_runs > 1 else None)
        folder = root / f"sub-{subject}" / (f"ses-{session}" if session else "") / "meg"
        raw = mne.io.read_raw_fif(folder / f"{name}_meg.fif", preload=True, verbose="error")
        events = None
        if study.from_table:
            rows = [row.split("\t") for row in (folder / f"{name}_events.tsv").read_text().splitlines()[1:]]
            onsets, kinds = [float(row[0]) for row in rows], [row[2] for row in rows]
            onsets = np.array(onsets) + raw.first_time
            raw.set_annotations(mne.Annotations(onsets, 0.0, kinds, orig_time=raw.info["meas_date"]), verbose="error")
        else:
            events = mne.find_events(raw, stim_channel="STI 014", verbose="error")
        if keys["notch_freq"]:
            raw.notch_filter(keys["notch_freq"], verbose="error")
        if keys["l_freq"] or keys["h_freq"]:
            raw.filter(keys["l_freq"], keys["h_freq"], verbose="error")
        if keys["raw_resample_sfreq"]:
            out = raw.resample(keys["raw_resample_sfreq"], events=events, verbose="error")
            raw, events = out if events is not None else (out, None)
        if events is None:
            events, _ = mne.events_from_annotations(raw, mapping, verbose="error")
        conditions = keys["conditions"]
        wanted = {
            name: code
            for name, code in mapping.items()
            if any(name == c or name.startswith(f"{c}/") for c in conditions)
        }
        wanted = {name: code for name, code in wanted.items() if code in events[:, 2]}
        if not wanted:
            continue
        options = dict(tmin=keys["epochs_tmin"], tmax=keys["epochs_tmax"], baseline=None, proj=False, preload=True)
        parts.append(mne.Epochs(raw, events, wanted, **options, decim=keys["epochs_decim"], verbose="error"))
    for part in parts[1:]:
        part.info["dev_head_t"] = parts[0].info["dev_head_t"]
    epochs = mne.concatenate_epochs(parts, verbose="error") if len(parts) > 1 else parts[0]
    if study.with_eeg:
        reference = keys["eeg_reference"]
        if reference == "average":
            epochs.set_eeg_reference("average", projection=True, verbose="error")
            epochs.apply_proj(verbose="error")
        elif reference != "none":
            epochs.set_eeg_reference(reference, verbose="error")
    if keys["reject"]:
        epochs.drop_bad(reject=keys["reject"], verbose="error")
    if keys["baseline"]:
        epochs.apply_baseline(tuple(keys["baseline"]), verbose="error")
    evokeds = {}
    for name in keys["conditions"]:
        try:
            chosen = epochs[name]
        except KeyError:
            continue
        if len(chosen):
            evokeds[name] = chosen.average()
    for a, b in keys["contrasts"]:
        if a in evokeds and b in evokeds:
            evokeds[f"{a} - {b}"] = mne.combine_evoked([evokeds[a], evokeds[b]], weights=[1, -1])
    return epochs, evokeds


def same(ours, theirs, what: str) -> None:
    assert ours.shape == theirs.shape, f"{what}: shape {ours.shape}, MNE has {theirs.shape}"
    peak = np.abs(theirs).max(axis=-1, keepdims=True, initial=0.0)
    # A channel that is its own reference is rounding in both.
    peak = np.maximum(peak, 1e-6 * np.abs(theirs).max(initial=1e-30))
    worst = float((np.abs(ours - theirs) / peak).max(initial=0.0))
    # Files hold single precision.
    assert worst < 1e-6, f"{what}: {worst:.2g} of the peak"


@pytest.mark.study
@pytest.mark.parametrize("seed", range(100))
def test_random_study(cli, tmp_path, seed):
    import mne

    study = RandomStudy.draw(seed)
    root, results = tmp_path / "bids", tmp_path / "out"
    write(study, root)
    toml = tmp_path / "study.toml"
    toml.write_text(study.toml(root, results))
    done = cli.ok("run", toml)
    groups = {}
    for session in study.sessions:
        members = []
        for subject in study.subjects:
            epochs, evokeds = in_mne(study, root, subject, session)
            folder = results / f"sub-{subject}" / (f"ses-{session}" if session else "") / "meg"
            name, what = stem(subject, session, None), f"{done.stdout}\n{study}\n{subject} {session}"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                our_epochs = mne.read_epochs(folder / f"{name}_epo.fif", proj=False, verbose="error")
                ours = {e.comment: e for e in mne.read_evokeds(folder / f"{name}_ave.fif", verbose="error")}
            by_code = {code: name for name, code in our_epochs.event_id.items()}
            theirs_by_code = {code: name for name, code in epochs.event_id.items()}
            assert [by_code[c] for c in our_epochs.events[:, 2]] == [theirs_by_code[c] for c in epochs.events[:, 2]], (
                what
            )
            same(our_epochs.get_data(copy=False), epochs.get_data(copy=False, picks=our_epochs.ch_names), what)
            assert set(ours) == set(evokeds), what
            for comment, theirs in evokeds.items():
                assert ours[comment].nave == round(theirs.nave), f"{what}: {comment}"
                same(ours[comment].data, theirs.copy().pick(ours[comment].ch_names).data, f"{what}: {comment}")
            members.append(evokeds)
        in_all = [comment for comment in members[0] if all(comment in evokeds for evokeds in members)]
        groups[session] = {
            comment: mne.grand_average([evokeds[comment] for evokeds in members], interpolate_bads=False)
            for comment in in_all
        }
    for session, group in groups.items():
        pattern = f"*ses-{session}*_ave.fif" if session else "*_ave.fif"
        (fname,) = (results / "sub-average").rglob(pattern)
        ours = {e.comment.split(" (")[0]: e for e in mne.read_evokeds(fname, verbose="error")}
        for comment, theirs in group.items():
            assert ours[comment].nave == len(study.subjects)
            same(ours[comment].data, theirs.copy().pick(ours[comment].ch_names).data, f"{study}: group {comment}")
