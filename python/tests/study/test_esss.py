"""Extended SSS in a study: directions of the empty room beside the outer moments, against MNE-Python."""

from __future__ import annotations

import mne
import numpy as np
import pytest

from .compare import _cals, only, ulps
from .test_empty_room import MAXWELL, files, filtered, read, refused, run

KEYS = """
ch_types = ["meg"]
l_freq = 1.0
h_freq = 40.0
raw_resample_sfreq = 125.0
mf_esss = 4
mf_esss_reject = { mag = 4e-11, grad = 2e-9 }
"""


def theirs(room_dataset):
    """MNE's directions, and its filtered second run."""
    runs, room = files(room_dataset)
    raws = [read(path) for path in [*runs, room]]
    raws[2] = mne.preprocessing.maxwell_filter_prepare_emptyroom(raws[2], raw=raws[1], bads="union")
    bads = {name for raw in raws for name in raw.info["bads"]}
    for raw in raws:
        raw.info["bads"] = [name for name in raw.ch_names if name in bads]
        noisy, flat = mne.preprocessing.find_bad_channels_maxwell(raw, verbose="error")
        bads = bads | {*noisy, *flat}
    for raw in raws:
        raw.info["bads"] = [name for name in raw.ch_names if name in bads]
    reject = {"mag": 4e-11, "grad": 2e-9}
    projs = mne.compute_proj_raw(raws[2], n_grad=4, n_mag=4, reject=reject, meg="combined", verbose="error")
    return raws[1], projs


@pytest.mark.study
def test_directions_and_filtered_run(cli, room_dataset, tmp_path):
    folder = run(cli, tmp_path, KEYS + MAXWELL, bids_root=room_dataset, deriv_root=tmp_path / "ours")
    raw, expected = theirs(room_dataset)
    path = only(folder, "*_task-noise_esssproj.fif")
    projs = mne.read_proj(path, verbose="error")
    assert [proj["desc"] for proj in projs] == [proj["desc"] for proj in expected]
    for ours, other in zip(projs, expected):
        assert ours["data"]["col_names"] == other["data"]["col_names"]
        # In a file of single precision; the sign is free.
        assert abs(abs(np.dot(ours["data"]["data"][0], other["data"]["data"][0])) - 1) < 1e-6
        assert ours["explained_var"] == pytest.approx(other["explained_var"], rel=1e-6)
    given = raw.copy()
    options = dict(st_duration=5.0, destination=raw.info["dev_head_t"], verbose="error")
    plain = filtered(mne.preprocessing.maxwell_filter(raw, **options))
    done = filtered(mne.preprocessing.maxwell_filter(raw, extended_proj=projs, **options))
    done.save(folder / "theirs_raw.fif", overwrite=True, verbose="error")
    ours, other = read(only(folder, "*_run-02_proc-filt_raw.fif")), read(folder / "theirs_raw.fif")
    meg = mne.pick_types(other.info, meg=True, exclude=[])
    cals = _cals(other.info)[meg]
    peaks = np.abs(given.get_data()[meg]).max(axis=1, keepdims=True) / cals
    assert ulps(ours.get_data()[meg] / cals, other.get_data()[meg] / cals, peaks, 1.0) <= 1.0
    # And that is not what the filter gives without them.
    assert ulps(plain.get_data()[meg] / cals, other.get_data()[meg] / cals, peaks, 1.0) > 100
    page = only(tmp_path / "ours", "*_report.html").read_text()
    assert "directions of the empty room as outer ones" in page
    before = path.read_bytes()
    again = cli.ok("run", tmp_path / "study.toml")
    assert "up to date" in again.stdout + again.stderr
    # One that is lost comes back as it was; what was filtered with it stays.
    path.unlink()
    cli.ok("run", tmp_path / "study.toml")
    assert path.read_bytes() == before


@pytest.mark.study
@pytest.mark.parametrize(
    "keys, code, said",
    [
        ("process_empty_room = false", 2, "`mf_esss` needs the empty room"),
        ("mf_esss_reject = { mag = 1e-20 }", 1, "the empty room gives no directions"),
        ("mf_esss = -1", 2, "mf_esss"),
    ],
)
def test_what_does_not_go(cli, room_dataset, tmp_path, keys, code, said):
    places = {"bids_root": room_dataset, "deriv_root": tmp_path / "ours"}
    refused(cli, tmp_path, KEYS + MAXWELL, keys, code, said, **places)
