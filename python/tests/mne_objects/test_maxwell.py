"""The Maxwell filter on MNE's objects: numbers, info, log lines, warnings and errors beside MNE's own."""

from __future__ import annotations

import inspect
import re
import warnings

import mne
import numpy as np
import pytest
from mne.utils import catch_logging, object_diff
from parity.table import check

import bakusoku
from bakusoku import preprocessing

from .recordings import CALIBRATION, CROSS_TALK, emptyroom, positions, recording


@pytest.fixture(scope="module")
def raw(test_data):
    raw = recording(test_data)
    raw.info["bads"] = ["MEG0111", "MEG2313", "EEG001"]
    return raw


@pytest.fixture(scope="module")
def files(test_data):
    return dict(calibration=test_data / "sss" / CALIBRATION, cross_talk=test_data / "sss" / CROSS_TALK)


@pytest.mark.parametrize(
    "name",
    ["maxwell_filter", "find_bad_channels_maxwell", "compute_maxwell_basis", "maxwell_filter_prepare_emptyroom"],
)
def test_names_order_and_defaults_are_those_of_mne(name):
    sides = (preprocessing, mne.preprocessing)
    ours, theirs = (list(inspect.signature(getattr(side, name)).parameters.values()) for side in sides)
    for mine, wanted in zip(ours, theirs, strict=False):
        assert (mine.name, mine.default, mine.kind) == (wanted.name, wanted.default, wanted.kind)
    assert len(ours) >= len(theirs)
    assert all(more.kind is inspect.Parameter.KEYWORD_ONLY for more in ours[len(theirs) :])


def both(raw, **options):
    """Results, log lines and warnings of both sides."""
    sides = []
    for function in (preprocessing.maxwell_filter, mne.preprocessing.maxwell_filter):
        with warnings.catch_warnings(record=True) as caught, catch_logging() as log:
            warnings.simplefilter("always")
            result = function(raw, verbose=True, **options)
        sides.append((result, log.getvalue(), [str(w.message) for w in caught if w.category is RuntimeWarning]))
    return sides


def cases(raw, files):
    pos = positions(raw)
    annotated = raw.copy()
    annotated.set_annotations(
        mne.Annotations(
            [raw.first_time + 2.0, raw.first_time + 3.0], [0.25, 0.0], ["BAD_ACQ_SKIP", "edge"], raw.info["meas_date"]
        )
    )
    return {
        "defaults": (raw, {}),
        "files": (raw, files),
        "tsss": (raw, files | dict(st_duration=1.0)),
        "tsss, no overlap": (raw, dict(st_duration=1.0, st_overlap=False, st_correlation=0.9)),
        "st_only": (raw, dict(st_duration=1.0, st_only=True)),
        "movement": (raw, files | dict(head_pos=pos)),
        "movement, zero": (raw, dict(head_pos=pos, mc_interp="zero")),
        "movement, tsss": (raw, dict(head_pos=pos, st_duration=2.0, mc_interp="linear")),
        "movement, st_only": (raw, dict(head_pos=pos, st_duration=2.0, st_only=True)),
        "skips": (annotated, dict(st_duration=1.0)),
        "destination": (raw, dict(destination=(0.0, 0.0, 0.06), origin=(0.0, 0.0, 0.04))),
        "far destination": (raw, dict(destination=(0.02, 0.0, 0.03), origin=(0.0, 0.0, 0.04))),
        "meg frame": (raw, dict(coord_frame="meg", regularize="in_argmax", mag_scale="auto")),
        "no regularization": (raw, dict(regularize=None, int_order=6, ext_order=2, bad_condition="ignore")),
        "from disk": (None, dict(coord_frame="meg", origin=(0.0, 0.013, -0.006))),
    }


NAMES = [
    "defaults",
    "files",
    "tsss",
    "tsss, no overlap",
    "st_only",
    "movement",
    "movement, zero",
    "movement, tsss",
    "movement, st_only",
    "skips",
    "destination",
    "far destination",
    "meg frame",
    "no regularization",
    "from disk",
]


@pytest.mark.parametrize("name", NAMES)
def test_filter(raw, files, test_data, name):
    given, options = cases(raw, files)[name]
    given = emptyroom(test_data) if given is None else given
    before = given.get_data().copy()
    info = given.info.copy()
    (ours, log, warned), (theirs, their_log, their_warned) = both(given, **options)
    assert ours.ch_names == theirs.ch_names
    meg = mne.pick_types(given.info, meg=True, exclude=[])
    for kind in ("mag", "grad"):
        picks = mne.pick_types(given.info, meg=kind, exclude=[])
        rms = np.sqrt((before[picks] ** 2).mean())
        row = "preprocessing.maxwell_filter, tSSS" if "st_duration" in options else "preprocessing.maxwell_filter"
        check(row, f"{name}, {kind}", ours._data[picks] / rms, theirs._data[picks] / rms)
    rest = np.setdiff1d(np.arange(len(given.ch_names)), meg)
    assert np.array_equal(ours._data[rest], theirs._data[rest])
    assert np.allclose(ours._data[len(given.ch_names) :], theirs._data[len(given.ch_names) :], atol=1e-15)
    # The input is as it was.
    assert np.array_equal(given.get_data(), before) and object_diff(given.info, info) == ""
    # Warnings are the same, word for word but for how numbers are rounded.
    assert [re.sub(r"[\d.]+", "#", w) for w in warned] == [re.sub(r"[\d.]+", "#", w) for w in their_warned]
    # So are the lines that say what was done.
    for line in their_log.splitlines():
        if re.match(r"\s+(Using (origin|\d)|Projecting|Processing|Bad MEG|No bad|Automatic|Adjusted|The final)", line):
            if "boxcar" in line and "st_duration" not in options:
                continue  # MNE's word for the pieces in which it goes
            if "harmonic components" in line and options.get("st_only"):
                continue  # bases for a movement that is not compensated
            assert line in log, line
    compare_info(ours.info, theirs.info)


def compare_info(ours, theirs):
    """The same, but for what says who did it, and for rounding."""
    ours, theirs = ours.copy(), theirs.copy()
    with ours._unlock(), theirs._unlock():
        for info in (ours, theirs):
            record = info["proc_history"][0]
            del record["block_id"], record["creator"]
            for key in ("nfree", "nchan"):
                if record["max_info"]["sss_info"]:
                    record["max_info"]["sss_info"][key] = int(record["max_info"]["sss_info"][key])
            calibration = record["max_info"]["sss_cal"]
            if calibration:
                calibration["cal_corrs"] = np.round(calibration["cal_corrs"], 12)
            ctc = record["max_info"]["sss_ctc"]
            if ctc:
                ctc["decoupler"] = ctc["decoupler"].toarray()
                ctc["date"] = np.array(ctc["date"], int)
            if info["dev_head_t"] is not None:
                info["dev_head_t"]["trans"] = np.round(info["dev_head_t"]["trans"], 15)
            for ch in info["chs"]:
                ch["loc"] = np.round(ch["loc"], 12)
    assert object_diff(ours, theirs) == ""


def test_the_result_can_be_saved_picked_and_read(raw, tmp_path):
    ours = preprocessing.maxwell_filter(raw, head_pos=positions(raw), verbose="error")
    names = [*ours.ch_names[:2], "CHPI002"]
    assert np.array_equal(ours.copy().pick(names).get_data(), ours.get_data(names))
    ours.copy().drop_channels(["CHPI000"])
    ours.save(tmp_path / "x_sss.fif", fmt="double", verbose="error")
    again = mne.io.read_raw_fif(tmp_path / "x_sss.fif", preload=True, verbose="error")
    # Files keep the factors of channels in single precision.
    assert np.allclose(again._data, ours._data, rtol=1e-7, atol=0)
    assert mne.compute_rank(again, rank="info", verbose="error") == mne.compute_rank(ours, rank="info", verbose="error")
    with pytest.raises(RuntimeError, match="cannot reapply"):
        preprocessing.maxwell_filter(again)


def test_threads_change_no_bit(raw, files):
    options = files | dict(st_duration=1.0, head_pos=positions(raw), verbose="error")
    one = preprocessing.maxwell_filter(raw, n_jobs=1, **options)
    two = preprocessing.maxwell_filter(raw, n_jobs=2, **options)
    assert np.array_equal(one._data, two._data)


def bad_inputs(raw, files, tmp_path):
    """Name, function of raw that returns (raw, options): what MNE refuses."""
    pos = positions(raw)
    (tmp_path / "x_cal.dat").write_text("113 1 2\n")
    missing = tmp_path / "y_cal.dat"
    missing.write_text("113 " + "0.5 " * 13)
    proj = mne.Projection(
        data=dict(nrow=1, ncol=1, row_names=None, col_names=["MEG0113"], data=np.ones((1, 1))), active=False, desc=""
    )
    early, reverse = pos.copy(), pos[::-1].copy()
    early[0, 0] = raw.first_time - 1.0
    filtered = preprocessing.maxwell_filter(raw, verbose="error")
    projected = raw.copy().add_proj(raw.info["projs"]).apply_proj(verbose="error")
    no_head, no_dig = raw.copy(), raw.copy()
    with no_head.info._unlock(), no_dig.info._unlock():
        no_head.info["dev_head_t"] = None
        no_dig.info["dig"] = None
    few = raw.copy().pick(raw.ch_names[:60])
    return {
        "not a Raw": (1.0, {}),
        "projected": (projected, {}),
        "regularize of another type": (raw, dict(regularize=1)),
        "regularize": (raw, dict(regularize="both")),
        "st_correlation": (raw, dict(st_duration=1.0, st_correlation=0.0)),
        "st_correlation above 1": (raw, dict(st_duration=1.0, st_correlation=1.1)),
        "coord_frame": (raw, dict(coord_frame="foo")),
        "bad_condition": (raw, dict(bad_condition="foo")),
        "destination in the meg frame": (raw, dict(coord_frame="meg", destination=(0, 0, 0.04))),
        "destination of four": (raw, dict(destination=[0.0] * 4)),
        "destination the wrong way": (raw, dict(destination=mne.transforms.Transform("head", "meg"))),
        "no head": (no_head, {}),
        "st_only": (raw, dict(st_only=True)),
        "head_pos of another type": (raw, dict(head_pos="foo")),
        "head_pos of nine": (raw, dict(head_pos=pos[:, :9])),
        "head_pos descending": (raw, dict(head_pos=reverse)),
        "head_pos too early": (raw, dict(head_pos=early)),
        "head_pos in the meg frame": (raw, dict(head_pos=pos, coord_frame="meg")),
        "mc_interp": (raw, dict(head_pos=pos, mc_interp="foo")),
        "calibration of another type": (raw, dict(calibration=1.0)),
        "cross_talk of another type": (raw, dict(cross_talk=raw)),
        "calibration that must be carried": (raw, dict(calibration=True)),
        "cross_talk that must be carried": (raw, dict(cross_talk=True)),
        "calibration that is none": (raw, dict(calibration=tmp_path / "x_cal.dat")),
        "calibration of one channel": (raw, dict(calibration=missing)),
        "calibration that is not there": (raw, dict(calibration=tmp_path / "z_cal.dat")),
        "cross_talk that is none": (raw, dict(cross_talk=files["cross_talk"].parent / "test_move_anon_erm_raw.fif")),
        "twice": (filtered, {}),
        "too many moments": (raw, dict(int_order=20)),
        "few channels": (few, {}),
        "mag_scale": (raw, dict(mag_scale="foo")),
        "extended_proj of another type": (raw, dict(extended_proj=1.0)),
        "extended_proj with another type": (raw, dict(extended_proj=[1.0])),
        "extended_proj that lacks channels": (raw, dict(extended_proj=[proj])),
        "origin": (raw, dict(origin="foo")),
        "origin of four": (raw, dict(origin=[0] * 4)),
        "no head shape": (no_dig, {}),
        "st_duration": (raw, dict(st_duration=1000.0)),
        "badly conditioned": (raw, dict(regularize=None, int_order=12, origin=(0.0, 0.0, 0.08))),
    }


BAD = [
    "not a Raw", "projected", "regularize of another type", "regularize", "st_correlation", "st_correlation above 1",
    "coord_frame", "bad_condition", "destination in the meg frame", "destination of four", "destination the wrong way",
    "no head", "st_only", "head_pos of another type", "head_pos of nine", "head_pos descending", "head_pos too early",
    "head_pos in the meg frame", "mc_interp", "calibration of another type", "cross_talk of another type",
    "calibration that must be carried", "cross_talk that must be carried", "calibration that is none",
    "calibration of one channel", "calibration that is not there", "cross_talk that is none", "twice",
    "too many moments", "few channels", "mag_scale", "extended_proj of another type",
    "extended_proj with another type", "extended_proj that lacks channels", "origin", "origin of four",
    "no head shape", "st_duration", "badly conditioned",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_mne_refuses_is_refused_before_a_sample_is_read(raw, files, tmp_path, monkeypatch, name):
    given, options = bad_inputs(raw, files, tmp_path)[name]
    with pytest.raises(Exception) as theirs:
        mne.preprocessing.maxwell_filter(given, verbose="error", **options)
    if isinstance(given, mne.io.BaseRaw):
        # Back on disk, where reading tells.
        given.save(tmp_path / "x_raw.fif", verbose="error")
        on_disk = mne.io.read_raw_fif(tmp_path / "x_raw.fif", verbose="error")
        with on_disk.info._unlock():
            for key in ("dig", "dev_head_t", "projs"):
                on_disk.info[key] = given.info[key]

        def reading(*args, **kwargs):
            raise AssertionError("a sample was read")

        monkeypatch.setattr(on_disk, "_read_segment", reading)
        monkeypatch.setattr(on_disk, "load_data", reading)
        monkeypatch.setattr(on_disk, "get_data", reading)
        given = on_disk
    with pytest.raises(theirs.type) as ours:
        preprocessing.maxwell_filter(given, verbose="error", **options)
    assert ours.type is theirs.type or issubclass(ours.type, bakusoku.BakusokuError) or ours.type is TypeError
    # As MNE's own tests look for it.
    for words in ("cannot be", "instance of", "Invalid value", "Need 0 <", "3-element", "ascending", "greater than"):
        if words in str(theirs.value) and name not in ("twice",):
            assert words in str(ours.value), (str(ours.value), str(theirs.value))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_named(raw, value):
    broken = raw.copy()
    broken._data[broken.ch_names.index("MEG1332"), 1234] = value
    with pytest.raises(ValueError, match=r"MEG1332.*3\.085"):
        preprocessing.maxwell_filter(broken, verbose="error")


def test_windows_of_an_odd_number_of_samples_work(raw):
    with pytest.raises(ValueError, match="constant output"):
        mne.preprocessing.maxwell_filter(raw, st_duration=401 / 400.0, verbose="error")
    ours = preprocessing.maxwell_filter(raw, st_duration=401 / 400.0, verbose="error")
    near = preprocessing.maxwell_filter(raw, st_duration=1.0, verbose="error")
    meg = mne.pick_types(raw.info, meg="mag")
    assert np.abs(ours._data[meg] - near._data[meg]).max() < 0.5 * np.abs(near._data[meg]).max()


@pytest.mark.parametrize("options", [{}, dict(regularize=None), dict(int_order=6, ext_order=2), dict(ignore_ref=False)])
def test_basis(raw, files, options):
    info = raw.info
    options = (
        dict(origin=(0.0, 0.0, 0.04), calibration=files["calibration"], bad_condition="ignore", verbose="error")
        | options
    )
    ours = preprocessing.compute_maxwell_basis(info, **options)
    theirs = mne.preprocessing.compute_maxwell_basis(info, **options)
    for k, name in enumerate(("S", "pS")):
        size = np.abs(theirs[k]).max()
        check("preprocessing.compute_maxwell_basis", f"{name} {sorted(options)}", ours[k] / size, theirs[k] / size)
    assert np.array_equal(ours[2], theirs[2]) and ours[3] == theirs[3]


@pytest.mark.parametrize("bads", ["from_raw", "union", "keep"])
@pytest.mark.parametrize("annotations", ["from_raw", "keep"])
@pytest.mark.parametrize("meas_date", ["keep", "from_raw"])
def test_emptyroom(raw, test_data, bads, annotations, meas_date):
    room = emptyroom(test_data).load_data(verbose="error")
    room.info["bads"] = ["MEG0912"]
    marked = raw.copy()
    date = marked.info["meas_date"]
    marked.set_annotations(mne.Annotations(marked.first_time + 0.2, 0.1, "BAD_x", date))
    # MNE looks at `annotations` where it means `meas_date`.
    options = dict(raw=marked, bads=bads, annotations=annotations, meas_date=meas_date)
    ours = preprocessing.maxwell_filter_prepare_emptyroom(room, **options)
    theirs = mne.preprocessing.maxwell_filter_prepare_emptyroom(room, **options)
    assert object_diff(ours.info, theirs.info) == "" and ours.first_samp == theirs.first_samp
    assert ours.annotations == theirs.annotations
    assert room.info["bads"] == ["MEG0912"]


def test_emptyroom_where_mne_fails(raw, test_data):
    room = emptyroom(test_data).load_data(verbose="error")
    room.set_annotations(mne.Annotations(room.first_time + 0.5, 0.1, "BAD_room", room.info["meas_date"]))
    marked = raw.copy()
    marked.set_annotations(mne.Annotations(marked.first_time + 0.2, 0.1, "BAD_raw", marked.info["meas_date"]))
    both = preprocessing.maxwell_filter_prepare_emptyroom(room, raw=marked, annotations="union")
    assert list(both.annotations.description) == ["BAD_raw", "BAD_room"]
    assert np.allclose(both.annotations.onset - both.first_time, [0.2, 0.5])
    with pytest.raises(ValueError, match="Invalid value for the 'meas_date'"):
        preprocessing.maxwell_filter_prepare_emptyroom(room, raw=marked, meas_date="foo")


def test_coil_definitions_are_those_of_the_surrounding_with(raw):
    from pathlib import Path

    table = Path(mne.__file__).parent / "data" / "coil_def_Elekta.dat"
    with mne.use_coil_def(table):
        inside = preprocessing.maxwell_filter(raw, verbose="error")
        theirs = mne.preprocessing.maxwell_filter(raw, verbose="error")
    said = preprocessing.maxwell_filter(raw, coil_definitions="megin", verbose="error")
    assert np.array_equal(inside._data, said._data)
    picks = mne.pick_types(raw.info, meg="mag")
    check("preprocessing.maxwell_filter", "MEGIN's coils", inside._data[picks] * 1e12, theirs._data[picks] * 1e12)
    with mne.use_coil_def("mine.dat"), pytest.raises(ValueError, match="mine.dat"):
        preprocessing.maxwell_filter(raw, verbose="error")
