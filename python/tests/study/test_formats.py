"""Studies of sets of EEGLAB and of CTF folders against MNE-Python."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import mne
import numpy as np
import pytest

from .compare import only, ulps

KEYS = """
l_freq = "none"
h_freq = 40.0
eeg_reference = "none"
noise_cov = "none"
interpolate_bads_grand_average = false
"""


def quietly(function, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, verbose="error", **options)


def table(path, *rows):
    Path(path).write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))


def unprotected(path):
    for file in [path, *path.iterdir()] if path.is_dir() else [path]:
        file.chmod(0o755)


def study(folder, keys):
    path = folder / "study.toml"
    path.write_text(KEYS + keys + f'bids_root = "{folder}"\nderiv_root = "{folder / "ours"}"\n')
    return path


@pytest.fixture
def sets(test_data, tmp_path):
    """A dataset with one real EEG recording in two files, which were renamed, and what BIDS puts beside it."""
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    stem = folder / "sub-01_task-square"
    for end in ("set", "fdt"):
        shutil.copy(test_data / "eeglab" / f"eeglab_data.{end}", f"{stem}_eeg.{end}")
        unprotected(folder / f"sub-01_task-square_eeg.{end}")
    raw = quietly(mne.io.read_raw_eeglab, f"{stem}_eeg.set", preload=True)
    marks = zip(raw.annotations.onset, raw.annotations.description, strict=True)
    table(folder / "sub-01_task-square_events.tsv", ("onset", "duration", "trial_type"), *((t, 0, d) for t, d in marks))
    types = [
        (name, "EOG" if name.startswith("EOG") else "EEG", "bad" if name == "T7" else "good") for name in raw.ch_names
    ]
    table(folder / "sub-01_task-square_channels.tsv", ("name", "type", "status"), *types)
    raw.set_channel_types({name: "eog" for name in raw.ch_names if name.startswith("EOG")}, verbose="error")
    raw.info["bads"] = ["T7"]
    return tmp_path, raw


@pytest.mark.study
def test_a_set_in_a_study(cli, sets, tmp_path):
    folder, raw = sets
    keys = 'ch_types = ["eeg"]\nconditions = ["square", "rt"]\nepochs_tmin = -0.2\nepochs_tmax = 0.5\n'
    toml = study(folder, keys)
    done = cli.ok("run", toml)
    # Samples were found under the name of the set.
    raw.filter(None, 40.0, verbose="error")
    events, event_id = mne.events_from_annotations(raw, verbose="error")
    epochs = mne.Epochs(raw, events, event_id, -0.2, 0.5, baseline=(None, 0), preload=True, verbose="error")
    ours = mne.read_evokeds(only(folder / "ours" / "sub-01", "*_ave.fif"), verbose="error")
    assert {evoked.comment for evoked in ours} == {"square", "rt"}
    for evoked in ours:
        theirs = epochs[evoked.comment].average()
        assert evoked.nave == theirs.nave and evoked.info["bads"] == ["T7"]
        picked = theirs.copy().pick(evoked.ch_names)
        assert np.abs(evoked.data - picked.data).max() <= 1e-6 * np.abs(picked.data).max()
        for a, b in zip(evoked.info["chs"], picked.info["chs"], strict=True):
            np.testing.assert_allclose(a["loc"][:3], b["loc"][:3], atol=1e-6)
    # Up to date, and made anew when the samples beside the set change.
    again = cli.ok("run", toml)
    assert "up to date" in again.stdout + again.stderr
    samples = folder / "sub-01" / "eeg" / "sub-01_task-square_eeg.fdt"
    data = np.fromfile(samples, "<f4")
    (data * 2).tofile(samples)
    changed = cli.ok("run", toml)
    assert "up to date" not in changed.stdout + changed.stderr, done.stdout
    doubled = mne.read_evokeds(only(folder / "ours" / "sub-01", "*_ave.fif"), verbose="error")
    np.testing.assert_allclose(doubled[0].data, 2 * ours[0].data, rtol=1e-5, atol=1e-12)


@pytest.mark.study
@pytest.mark.parametrize(
    "space, unit, landmarks", [("CapTrak", "mm", False), ("EEGLAB", "cm", False), ("ACPC", "m", True)]
)
def test_electrodes_of_a_table(space, unit, landmarks, cli, sets):
    folder, raw = sets
    scale = {"m": 1.0, "cm": 100.0, "mm": 1000.0}[unit]
    rng = np.random.default_rng(3)
    r = rng.standard_normal((len(raw.ch_names), 3))
    r = 0.09 * r / np.linalg.norm(r, axis=1, keepdims=True)
    stem = folder / "sub-01" / "eeg" / "sub-01"
    rows = [(name, *(f"{x:.9f}" for x in row * scale)) for name, row in zip(raw.ch_names, r, strict=True)]
    rows[4] = (raw.ch_names[4], "n/a", "n/a", "n/a")
    table(f"{stem}_space-{space}_electrodes.tsv", ("name", "x", "y", "z"), *rows)
    system = dict(EEGCoordinateSystem=space, EEGCoordinateUnits=unit)
    points = dict(NAS=[0.01, 0.1, -0.02], LPA=[-0.08, 0.01, -0.01], RPA=[0.07, 0.0, -0.03])
    if landmarks:
        system["AnatomicalLandmarkCoordinates"] = {name: list(np.array(x) * scale) for name, x in points.items()}
    (stem.parent / f"sub-01_space-{space}_coordsystem.json").write_text(json.dumps(system))
    cli.ok("run", study(folder, 'ch_types = ["eeg"]\nconditions = ["square"]\nepochs_tmax = 0.4\n'))
    ours = mne.read_evokeds(only(folder / "ours" / "sub-01", "*_ave.fif"), verbose="error")[0]
    # As mne-bids places them; with landmarks as the head frame is defined.
    places = dict(zip(raw.ch_names, r, strict=True))
    places[raw.ch_names[4]] = np.full(3, np.nan)
    if landmarks:
        fiducials = dict(nasion=points["NAS"], lpa=points["LPA"], rpa=points["RPA"])
        montage = mne.channels.make_dig_montage(places, **fiducials, coord_frame="unknown")
    elif space == "EEGLAB":
        placed = np.array([x for x in places.values() if not np.isnan(x).any()])
        radius = np.median(np.linalg.norm(placed - placed.mean(axis=0), axis=1))
        fiducials = dict(nasion=[radius, 0, 0], lpa=[0, radius, 0], rpa=[0, -radius, 0])
        montage = mne.channels.make_dig_montage(places, **fiducials, coord_frame="ctf_head")
    else:
        montage = mne.channels.make_dig_montage(places, coord_frame="head")
    theirs = quietly(raw.set_montage, montage, on_missing="ignore").info
    for a in ours.info["chs"]:
        b = theirs["chs"][theirs["ch_names"].index(a["ch_name"])]
        np.testing.assert_allclose(a["loc"][:6], b["loc"][:6], atol=1e-6, err_msg=a["ch_name"])
    fiducials = [[p["r"] for p in info["dig"] if p["kind"] == 1] for info in (ours.info, theirs)]
    np.testing.assert_allclose(*fiducials, atol=1e-6)


@pytest.mark.study
def test_a_first_study_file_of_sets(cli, sets):
    folder, _ = sets
    cli.ok("init", folder, cwd=folder)
    text = (folder / "study.toml").read_text()
    assert 'ch_types = ["eeg"]' in text and '"square"' in text


@pytest.fixture
def ctf(test_data, tmp_path):
    """A dataset with one CTF folder."""
    name = "testdata_ctf_short_discontinuous"
    folder = tmp_path / "sub-01" / "meg"
    path = folder / "sub-01_task-rest_meg.ds"
    shutil.copytree(test_data / "ctf" / f"{name}.ds", path)
    unprotected(path)
    for file in path.glob(f"{name}.*"):
        file.rename(path / file.name.replace(name, "sub-01_task-rest_meg"))
    table(folder / "sub-01_task-rest_channels.tsv", ("name", "type", "status"), ("MLC11", "MEGGRADAXIAL", "bad"))
    return tmp_path, path


@pytest.mark.study
def test_a_ctf_folder_in_a_study(cli, ctf):
    folder, path = ctf
    toml = study(folder, 'ch_types = ["meg"]\n')
    cli.ok("run", toml)
    raw = quietly(mne.io.read_raw_ctf, path, preload=True)
    raw.info["bads"] = ["MLC11-4304"]
    raw.filter(None, 40.0, verbose="error")
    ours = quietly(mne.io.read_raw_fif, only(folder / "ours" / "sub-01", "*_proc-filt_raw.fif"))
    assert ours.ch_names == raw.ch_names and ours.info["bads"] == ["MLC11-4304"]
    meg = mne.pick_types(raw.info, meg=True)
    scale = np.array([raw.info["chs"][k]["cal"] for k in meg])[:, np.newaxis]
    a, b = ours.get_data()[meg] / scale, raw.get_data()[meg] / scale
    given = quietly(mne.io.read_raw_ctf, path).get_data()[meg] / scale
    # A file has the calibration in single precision.
    assert ulps(a, b, np.abs(given).max(axis=1, keepdims=True), 1.0) <= 2.0
    # Up to date, and made anew when a file of the folder changes.
    again = cli.ok("run", toml)
    assert "up to date" in again.stdout + again.stderr
    (path / "BadChannels").write_text("MLC12\n")
    changed = cli.ok("run", toml)
    assert "up to date" not in changed.stdout + changed.stderr


@pytest.mark.study
def test_a_ctf_folder_without_bids(cli, ctf):
    folder, path = ctf
    (folder / "raw").mkdir()
    path.rename(folder / "raw" / "01.ds")
    shutil.rmtree(folder / "sub-01")
    toml = folder / "study.toml"
    toml.write_text(KEYS + 'ch_types = ["meg"]\nfiles = "raw/{subject}.ds"\n')
    cli.ok("run", toml)
    only(folder / "derivatives" / "bakusoku" / "sub-01", "*_proc-filt_raw.fif")
