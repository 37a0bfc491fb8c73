"""The empty room of a study, made like the reference run and filtered like it, against MNE-Python."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import mne
import numpy as np
import pytest

from .compare import _cals, _covariance, only, ulps
from .conftest import recordings

KEYS = """
ch_types = ["meg"]
eeg_reference = "none"
conditions = { auditory = 1 }
events = "stim"
l_freq = 1.0
h_freq = 40.0
raw_resample_sfreq = 125.0
noise_cov = "emptyroom"
noise_cov_method = "empirical"
interpolate_bads_grand_average = false
"""
MAXWELL = """
use_maxwell_filter = true
mf_st_duration = 5.0
mf_cal_missing = "ignore"
mf_ctc_missing = "ignore"
find_flat_channels_meg = true
find_noisy_channels_meg = true
mf_reference_run = "02"
"""


def read(path):
    return mne.io.read_raw_fif(path, preload=True, verbose="error")


def files(room_dataset):
    runs = [path for path in recordings(room_dataset) if "emptyroom" not in path.name]
    return runs, only(room_dataset / "sub-emptyroom", "*_meg.fif")


def run(cli, tmp_path, keys, **places) -> Path:
    toml = tmp_path / "study.toml"
    toml.write_text(keys + "".join(f'{name} = "{place}"\n' for name, place in places.items()))
    cli.ok("run", toml)
    return tmp_path / "ours" / "sub-01"


def refused(cli, tmp_path, base, keys, code, said, **places) -> None:
    """The study with a line more, or another one in its place, ends with this code and says this."""
    name = keys.split(" ")[0]
    kept = [line for line in base.splitlines() if not line.startswith(f"{name} ")]
    places = [f'{name} = "{place}"' for name, place in places.items()]
    toml = tmp_path / "study.toml"
    toml.write_text("\n".join([*kept, keys, *places, ""]))
    done = cli.run("run", toml)
    text = done.stdout + done.stderr
    assert done.returncode == code and said in text, text


def filtered(raw):
    raw.filter(1.0, 40.0, verbose="error")
    return raw.resample(125.0, verbose="error")


def check(folder: Path, theirs, cov_limit: float, given=None) -> None:
    """Our file of the filtered room and our covariance against MNE's; `given`: in units of this recording's peaks."""
    expected = mne.compute_raw_covariance(theirs, method="empirical", rank="info", verbose="error")
    theirs.save(folder / "theirs_raw.fif", overwrite=True, verbose="error")
    theirs = read(folder / "theirs_raw.fif")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = read(only(folder, "*_task-noise_proc-filt_raw.fif"))
        cov = mne.read_cov(only(folder, "*_task-noise_cov.fif"), verbose="error")
    assert ours.ch_names == theirs.ch_names and ours.first_samp == theirs.first_samp
    assert ours.info["bads"] == theirs.info["bads"]
    assert (ours.info["dev_head_t"] is None) == (theirs.info["dev_head_t"] is None)
    if theirs.info["dev_head_t"] is not None:
        assert np.allclose(ours.info["dev_head_t"]["trans"], theirs.info["dev_head_t"]["trans"], atol=1e-7)
    meg = mne.pick_types(theirs.info, meg=True, exclude=[])
    cals = _cals(theirs.info)[meg]
    peaks = 0.0 if given is None else np.abs(given.get_data()[meg]).max(axis=1, keepdims=True) / cals
    floor = 1e-6 if given is None else 1.0
    worst = ulps(ours.get_data()[meg] / cals, theirs.get_data()[meg] / cals, peaks, floor)
    assert worst <= 1.0, f"{worst:.3g} ulp"
    assert cov.ch_names == expected.ch_names and cov["nfree"] == expected["nfree"] and cov["bads"] == expected["bads"]
    assert _covariance(cov.data, expected.data) <= cov_limit


def united(raws) -> list[str]:
    return [name for name in raws[0].ch_names if any(name in raw.info["bads"] for raw in raws)]


@pytest.mark.study
def test_filtered_like_the_runs(cli, room_dataset, tmp_path):
    folder = run(cli, tmp_path, KEYS, bids_root=room_dataset, deriv_root=tmp_path / "ours")
    runs, room = files(room_dataset)
    raws = [read(path) for path in [*runs, room]]
    theirs = raws[-1]
    theirs.info["bads"] = united(raws)
    assert theirs.info["bads"]
    check(folder, filtered(theirs), 1e-9)
    # Up to date, then made anew when the room changes, and only what comes from it.
    again = cli.ok("run", tmp_path / "study.toml")
    assert "up to date" in again.stdout + again.stderr


@pytest.mark.study
def test_maxwell_filtered_like_the_reference_run(cli, room_dataset, tmp_path):
    folder = run(cli, tmp_path, KEYS + MAXWELL, bids_root=room_dataset, deriv_root=tmp_path / "ours")
    runs, room = files(room_dataset)
    raws = [read(path) for path in [*runs, room]]
    for index, raw in enumerate(raws):
        if index == 2:
            raw = raws[2] = mne.preprocessing.maxwell_filter_prepare_emptyroom(raw, raw=raws[1], bads="union")
        raw.info["bads"] = united(raws)
    # MNE hands a montage over, without the points of electrodes that the recording has no channels for; ours has all,
    # and so the same origin as the run.
    with raws[2].info._unlock():
        raws[2].info["dig"] = raws[1].info["dig"]
    bads = united(raws)
    for raw in raws:
        raw.info["bads"] = bads
    found = [mne.preprocessing.find_bad_channels_maxwell(raw, verbose="error") for raw in raws]
    bads = {*bads, *(name for noisy, flat in found for name in (*noisy, *flat))}
    table = only(folder, "*_task-noise_bads.tsv").read_text().splitlines()[1:]
    assert {line.split("\t")[0] for line in table} >= {*found[2][0], *found[2][1]}
    theirs = raws[2]
    theirs.info["bads"] = [name for name in theirs.ch_names if name in bads]
    theirs = mne.preprocessing.maxwell_filter(
        theirs, st_duration=5.0, destination=raws[1].info["dev_head_t"], verbose="error"
    )
    check(folder, filtered(theirs), 1e-8, given=read(room))
    ranks = [
        mne.compute_rank(read(only(folder, pattern)), rank="info", verbose="error")["meg"]
        for pattern in ("*_run-02_proc-filt_raw.fif", "*_task-noise_proc-filt_raw.fif")
    ]
    assert ranks[0] == ranks[1]


@pytest.mark.study
def test_named_without_bids(cli, room_dataset, tmp_path):
    runs, room = files(room_dataset)
    for target, source in (("data/01/a_raw.fif", runs[0]), ("data/01/b_raw.fif", runs[1]), ("rooms/01.fif", room)):
        (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, tmp_path / target)
    folder = run(
        cli,
        tmp_path,
        KEYS,
        files="data/{subject}/{run}_raw.fif",
        emptyroom_fname="rooms/{subject}.fif",
        deriv_root=tmp_path / "ours",
    )
    raws = [read(path) for path in (*runs, room)]
    raws[2].info["bads"] = united(raws)
    check(folder, filtered(raws[2]), 1e-9)


@pytest.mark.study
@pytest.mark.parametrize(
    "keys, code, said",
    [
        ('emptyroom_fname = "rooms/{subject}.fif"', 1, "there is no empty room at"),
        ('emptyroom_fname = "rooms/{run}.fif"', 2, "is the same for all runs"),
        ("process_empty_room = false", 2, "needs the empty room"),
        ('ch_types = ["meg", "eeg"]', 2, "says nothing about EEG"),
    ],
)
def test_what_does_not_go(cli, room_dataset, tmp_path, keys, code, said):
    refused(cli, tmp_path, KEYS, keys, code, said, bids_root=room_dataset, deriv_root=tmp_path / "ours")


@pytest.mark.study
def test_there_is_none(cli, room_dataset, tmp_path):
    bids = tmp_path / "bids"
    shutil.copytree(room_dataset, bids, ignore=shutil.ignore_patterns("sub-emptyroom", "derivatives"))
    toml = tmp_path / "study.toml"
    toml.write_text(KEYS + f'bids_root = "{bids}"\n')
    done = cli.run("run", toml)
    assert done.returncode == 1 and "no empty room belongs to sub-01" in done.stdout + done.stderr
    # Nobody asks for it: then it is not missed.
    toml.write_text(KEYS.replace('noise_cov = "emptyroom"', 'noise_cov = "none"') + f'bids_root = "{bids}"\n')
    cli.ok("run", toml)


@pytest.mark.study
def test_a_task_of_that_name_is_no_empty_room(cli, room_dataset, tmp_path):
    bids = tmp_path / "bids"
    for path in sorted(path for path in (room_dataset / "sub-01").rglob("*") if path.is_file()):
        target = bids / path.relative_to(room_dataset).parent / path.name.replace("task-audiovisual", "task-noise")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copytree(room_dataset / "sub-emptyroom", bids / "sub-emptyroom")
    shutil.copy(room_dataset / "dataset_description.json", bids)
    keys = KEYS.replace('noise_cov = "emptyroom"', 'noise_cov = "none"')
    folder = run(cli, tmp_path, keys, bids_root=bids, deriv_root=tmp_path / "ours")
    assert len(list(folder.rglob("*_task-noise_run-*_proc-filt_raw.fif"))) == 2
    assert not list(folder.rglob("*_task-noise_proc-filt_raw.fif"))
    assert len(mne.read_epochs(only(folder, "*_task-noise_epo.fif"), verbose="error"))
