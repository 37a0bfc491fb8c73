"""`bakusoku run` against the same study in MNE-Python: every file that is written, on simulated and real recordings."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from .compare import worst_differences
from .conftest import recordings, subject_of, tile
from .mne_study import Config, analyse

# Stored float32 numbers within one unit in the last place; spectra and covariance by the parity table's metrics.
LIMITS = {"raw ulp": 1.0, "epo ulp": 1.0, "ave ulp": 1.0, "cov": 1e-9, "psd": 1e-9}


def study(cli, tmp_path: Path, config: Config, **places: str) -> Path:
    toml = tmp_path / "study.toml"
    toml.write_text(config.as_toml(**places))
    cli.ok("run", toml)
    return toml


def check(ours: Path, subject: str, mne_stem: Path, expected, source=None) -> None:
    found = worst_differences(ours, subject, mne_stem, source=source)
    print(f"{subject}: " + ", ".join(f"{k} {v:.3g}" for k, v in found.items()))
    assert set(found) == set(expected), f"compared {sorted(found)}"
    for key, value in found.items():
        assert value <= LIMITS[key], f"{subject} {key}: {value:.3g}, allowed {LIMITS[key]:g}"


ALL = ("raw ulp", "epo ulp", "ave ulp", "cov", "psd")
BASE = Config(psd={"fmax": 60.0, "n_fft": 512, "n_overlap": 256})
CONFIGS = {
    "house": BASE,
    "no-notch-band": replace(BASE, notch_freq=None, l_freq=1.0, h_freq=30.0, raw_resample_sfreq=200.0),
    "original-rate": replace(BASE, raw_resample_sfreq=None, l_freq=None, h_freq=40.0, noise_cov=(None, -0.05)),
    "reject": replace(
        BASE,
        reject={"mag": 3e-12, "grad": 1.5e-10, "eeg": 80e-6},
        baseline=(None, 0.0),
        epochs_tmin=-0.3,
        epochs_tmax=0.5,
    ),
    "no-baseline-no-reference": replace(BASE, baseline=None, eeg_reference=None, raw_resample_sfreq=300.0),
}


@pytest.mark.study
@pytest.mark.parametrize("name", CONFIGS)
def test_simulated(cli, simulated, tmp_path, name):
    config = CONFIGS[name]
    # One subject for most: what differs is the configuration, not the person.
    subjects = recordings(simulated) if name == "house" else recordings(simulated)[:1]
    bids = simulated
    if len(subjects) == 1:
        bids = tmp_path / "bids"
        bids.mkdir()
        for entry in simulated.iterdir():
            if entry.is_file():
                shutil.copy(entry, bids)
        shutil.copytree(simulated / subject_of(subjects[0]), bids / subject_of(subjects[0]), copy_function=_link)
    study(cli, tmp_path, config, bids_root=str(bids), deriv_root=str(tmp_path / "ours"))
    for fname in subjects:
        stem = tmp_path / "mne" / subject_of(fname) / fname.name.removesuffix("_meg.fif")
        analyse(fname, stem, config)
        check(tmp_path / "ours", subject_of(fname), stem, ALL)


def _link(source, target):
    Path(target).hardlink_to(source)


REAL = [
    # file, kwargs of MNE's reader, configuration
    (
        "fif/sample_audvis_trunc_raw_sss.fif",
        {},
        replace(BASE, notch_freq=(60.0,), l_freq=1.0, raw_resample_sfreq=150.0),
    ),
    (
        "fif/neuromag122_test_file-raw.fif",
        {},
        replace(
            BASE,
            notch_freq=None,
            l_freq=1.0,
            h_freq=30.0,
            raw_resample_sfreq=None,
            ch_types=("meg",),
            eeg_reference=None,
        ),
    ),
]


@pytest.mark.study
@pytest.mark.parametrize("source, read, config", REAL, ids=[Path(r[0]).stem for r in REAL])
def test_real(cli, test_data, tmp_path, source, read, config):
    fname = tile(test_data / source, tmp_path / "data" / "01" / "rest_raw.fif", 14.0, **read)
    stem = tmp_path / "mne" / "sub-01" / "rest"
    analyse(fname, stem, config)
    study(cli, tmp_path, config, files="data/{subject}/{run}_raw.fif", deriv_root=str(tmp_path / "ours"))
    check(tmp_path / "ours", "sub-01", stem, ALL, source=fname)


@pytest.mark.study
def test_second_run_does_nothing(cli, simulated, tmp_path):
    toml = study(cli, tmp_path, BASE, bids_root=str(simulated), deriv_root=str(tmp_path / "ours"))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "ours").rglob("*.fif")}
    assert before
    done = cli.ok("run", toml)
    assert "up to date" in done.stdout + done.stderr
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "ours").rglob("*.fif")}


@pytest.mark.study
def test_thread_count_changes_no_byte(cli, simulated, tmp_path):
    from .conftest import data_files

    results = []
    for n in (1, 2):
        toml = tmp_path / f"study{n}.toml"
        toml.write_text(BASE.as_toml(bids_root=str(simulated), deriv_root=str(tmp_path / f"out{n}")))
        cli.ok("run", toml, "--n-jobs", n)
        results.append(data_files(tmp_path / f"out{n}"))
    assert results[0].keys() == results[1].keys()
    assert [k for k in results[0] if results[0][k] != results[1][k]] == []


@pytest.mark.study
def test_sidecars_and_dataset_description(cli, simulated, tmp_path):
    study(cli, tmp_path, BASE, bids_root=str(simulated), deriv_root=str(tmp_path / "ours"))
    about = json.loads((tmp_path / "ours" / "dataset_description.json").read_text())
    assert about["DatasetType"] == "derivative" and about["GeneratedBy"]
    for fif in (tmp_path / "ours").glob("sub-*/**/*.fif"):
        sidecar = json.loads(fif.with_suffix(".json").read_text())
        assert sidecar, fif


ROUND_TRIP = [
    "fif/sample_audvis_trunc_raw_sss.fif",
    "fif/neuromag122_test_file-raw.fif",
    "fif/test_elekta_3ch_raw.fif",
    "fif/somMDYO-18av.ds_raw.fif",
    "sss/test_move_anon_erm_raw.fif",
    "sss/test_move_anon_erm_devOrigin_raw_sss.fif",
]


@pytest.mark.study
@pytest.mark.parametrize("source", ROUND_TRIP)
def test_convert_round_trip(cli, test_data, tmp_path, source):
    import mne
    import numpy as np

    out = tmp_path / "copy_raw.fif"
    cli.ok("convert", test_data / source, out)
    options = dict(preload=True, verbose="error", allow_maxshield="yes")
    ours, theirs = mne.io.read_raw_fif(out, **options), mne.io.read_raw_fif(test_data / source, **options)
    assert ours.first_samp == theirs.first_samp and ours.ch_names == theirs.ch_names
    assert mne.utils.object_diff(_plain(ours.info), _plain(theirs.info)) == ""
    assert np.array_equal(ours.get_data(), theirs.get_data())


def _plain(info):
    """What must survive; ids and file names are new in any new file."""
    skip = ("file_id", "meas_id", "ctf_head_t", "events")
    return {k: v for k, v in info.items() if k not in skip}


@pytest.mark.study
def test_info_and_plan(cli, simulated, tmp_path):
    fname = recordings(simulated)[0]
    text = cli.ok("info", fname).stdout
    assert "1000" in text and "306" in text
    assert json.loads(cli.ok("info", fname, "--json").stdout)
    toml = tmp_path / "study.toml"
    toml.write_text(BASE.as_toml(bids_root=str(simulated), deriv_root=str(tmp_path / "ours")))
    assert subject_of(fname) in cli.ok("plan", toml).stdout


def test_usage_errors(cli, tmp_path):
    toml = tmp_path / "study.toml"
    toml.write_text('bids_root = "."\nl_frek = 1.0\n')
    done = cli.run("run", toml)
    assert done.returncode == 2
    assert "l_freq" in done.stderr and "2" in done.stderr, done.stderr
    assert cli.run("nonsense").returncode == 2
    assert cli.run("run", tmp_path / "absent.toml").returncode == 2
    assert isinstance(done, subprocess.CompletedProcess)
