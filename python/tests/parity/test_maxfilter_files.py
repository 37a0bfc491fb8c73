"""Fine calibration, cross-talk, head positions and the head's sphere against MNE's readers, writers and fit."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from mne._fiff.proc_history import _read_ctc

import bakusoku
from bakusoku import _core, chpi, preprocessing

from .table import check, quiet


@pytest.mark.parametrize("name", ["sss_cal_3053.dat", "sss_cal_3053_3d.dat"])
def test_fine_calibration(test_data, tmp_path, name):
    ours = preprocessing.read_fine_calibration(test_data / "sss" / name)
    theirs = mne.preprocessing.read_fine_calibration(test_data / "sss" / name)
    assert ours["ch_names"] == theirs["ch_names"]
    check("preprocessing.read_fine_calibration", f"{name}, locs", ours["locs"], theirs["locs"])
    check(
        "preprocessing.read_fine_calibration",
        f"{name}, imb_cals",
        np.concatenate(ours["imb_cals"]),
        np.concatenate(theirs["imb_cals"]),
    )
    ours["locs"] = ours["locs"] + 1e-7  # what six decimals leave of it
    preprocessing.write_fine_calibration(tmp_path / "ours.dat", ours)
    mne.preprocessing.write_fine_calibration(tmp_path / "theirs_cal.dat", ours)
    assert (tmp_path / "ours.dat").read_bytes() == (tmp_path / "theirs_cal.dat").read_bytes()


def test_names_that_are_no_numbers_are_kept(tmp_path):
    row = " ".join(["0.5"] * 13)
    (tmp_path / "x_cal.dat").write_text(f"# comment\n\nMEG001 {row}\n113 {row}\n2642 {row}\nabc {row}\n")
    ours = preprocessing.read_fine_calibration(tmp_path / "x_cal.dat")
    assert ours["ch_names"] == mne.preprocessing.read_fine_calibration(tmp_path / "x_cal.dat")["ch_names"]


def test_head_positions(test_data, tmp_path):
    file = test_data / "sss" / "test_move_anon_raw.pos"
    ours, theirs = chpi.read_head_pos(file), mne.chpi.read_head_pos(file)
    check("chpi.read_head_pos", "real file", ours, theirs)
    turned = np.vstack([ours, -ours * 1.2345678])
    chpi.write_head_pos(tmp_path / "ours.pos", turned)
    mne.chpi.write_head_pos(tmp_path / "theirs.pos", turned)
    assert (tmp_path / "ours.pos").read_bytes() == (tmp_path / "theirs.pos").read_bytes()
    (tmp_path / "none.pos").write_text("Time\n")
    assert chpi.read_head_pos(tmp_path / "none.pos").shape == (0, 10)


def test_cross_talk(test_data):
    names, matrix, creator, date = _core.read_cross_talk(str(test_data / "sss" / "ct_sparse.fif"))
    theirs = _read_ctc(test_data / "sss" / "ct_sparse.fif")
    assert (names, creator, list(date)) == (theirs["ch_names"], theirs["creator"], theirs["date"].tolist())
    assert np.array_equal(matrix, theirs["decoupler"].toarray())


@pytest.mark.parametrize(
    "content, error, match",
    [
        ("113 1 2 3\n", RuntimeError, "line 1 .* 14 or 16 entries"),
        ("113 " + "x " * 13, ValueError, "line 1 .* a number"),
        ("", RuntimeError, "not a byte"),
    ],
)
def test_what_is_no_calibration(tmp_path, content, error, match):
    (tmp_path / "x_cal.dat").write_text(content)
    with pytest.raises(error, match=match):
        preprocessing.read_fine_calibration(tmp_path / "x_cal.dat")


def test_what_is_not_there(tmp_path):
    for read in (preprocessing.read_fine_calibration, chpi.read_head_pos, lambda f: _core.read_cross_talk(str(f))):
        with pytest.raises(FileNotFoundError, match="nothing"):
            read(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        chpi.read_head_pos(tmp_path)
    with pytest.raises(ValueError, match=r"shape \(N, 10\)"):
        chpi.write_head_pos(tmp_path / "x.pos", np.zeros((3, 9)))
    (tmp_path / "x.fif").write_bytes(b"abc")
    with pytest.raises(bakusoku.DataError, match="not a FIFF file"):
        _core.read_cross_talk(str(tmp_path / "x.fif"))


def head(n, seed, kinds=("extra",)):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((n, 3))
    points *= (0.09 + 0.004 * rng.standard_normal((n, 1))) / np.linalg.norm(points, axis=1, keepdims=True)
    points += [0.001, 0.005, 0.045]
    numbers = {"extra": 4, "eeg": 3}
    return [dict(kind=numbers[kinds[i % len(kinds)]], ident=i + 1, r=r, coord_frame=4) for i, r in enumerate(points)]


@pytest.mark.parametrize("dtype", ["f8", "f4"])  # set by hand; read from a file
@pytest.mark.parametrize(
    "n, kinds", [(200, ("extra",)), (60, ("extra", "eeg")), (30, ("eeg",)), (12, ("extra",)), (9, ("extra",))]
)
def test_sphere(n, kinds, dtype):
    dig = [{**point, "r": point["r"].astype(dtype)} for point in head(n, n, kinds)]
    info = mne.create_info(1, 100.0, "mag")
    with info._unlock():
        info["dig"] = [mne._fiff._digitization.DigPoint(point) for point in dig]
        trans = mne.transforms.Transform("meg", "head", mne.transforms.rotation(0.1, -0.2, 0.3))
        trans["trans"][:3, 3] = [0.001, -0.01, 0.04]
        info["dev_head_t"] = trans
    theirs = quiet(mne.bem.fit_sphere_to_headshape, info)
    plain = [(p["kind"], p["ident"], p["r"].tolist(), p["coord_frame"]) for p in dig]
    radius, origin, device, warnings = _core.fit_sphere_to_headshape(plain, trans["trans"].tolist(), None)
    ours = np.concatenate([[radius], origin, device])
    check("headshape", f"{n} points of {kinds}, {dtype}", ours, np.concatenate([[theirs[0]], theirs[1], theirs[2]]))
    with pytest.warns(RuntimeWarning) as record:
        mne.bem.fit_sphere_to_headshape(info, verbose="warning")
        mne.utils.warn("none")
    assert warnings == [str(w.message) for w in record][:-1]
