"""CTF folders: the real one, and many variants of it, against `mne.io.read_raw_ctf`."""

from __future__ import annotations

import shutil
import struct

import mne
import numpy as np
import pytest

from bakusoku import io

from . import converted
from .converted import quietly, same_raw, same_samples

NAME = "testdata_ctf_short_discontinuous"
CLOCK = "SCLK01-177"
# Where the header has things.
TIME, DATE, N_SAMPLES, PRE_TRIGGER, SUBJECT, OPERATOR = 778, 1033, 1288, 1316, 1712, 1744
SENSOR_TYPE, GRADE, COIL = 0, 42, 48
RECORD = 1328


@pytest.fixture
def folder(test_data, tmp_path):
    """A copy of the real folder, to be changed."""
    path = tmp_path / f"{NAME}.ds"
    shutil.copytree(test_data / "ctf" / f"{NAME}.ds", path)
    for file in [path, *path.iterdir()]:
        file.chmod(0o755)
    return path


class Header:
    """The header, to be changed in place."""

    def __init__(self, folder):
        self.path = folder / f"{folder.stem}.res4"
        self.bytes = bytearray(self.path.read_bytes())
        (self.n_channels,) = struct.unpack_from(">h", self.bytes, 1292)
        self.names = 1844 + struct.unpack_from(">i", self.bytes, 1836)[0] + 2
        self.records = self.names + 32 * self.n_channels

    def name(self, index):
        return self.bytes[self.names + 32 * index :][:32].split(b"\0")[0].decode()

    def put(self, at, fmt, *values):
        struct.pack_into(fmt, self.bytes, at, *values)

    def text(self, at, text):
        self.put(at, f"{len(text) + 1}s", text.encode())

    def save(self):
        self.path.write_bytes(self.bytes)


def read(folder, **options):
    return quietly(mne.io.read_raw_ctf, folder, **options)


def compare(command, folder, tmp_path):
    ours, theirs = converted.ours(command, folder, tmp_path), read(folder)
    same_raw(ours, theirs)
    same_hpi(ours, theirs)
    same_raw(io.read_raw_ctf(folder).to_mne(), theirs)
    return theirs


@pytest.mark.parametrize("options", [dict(clean_names=True), dict(system_clock="ignore")])
def test_options(options, folder):
    clock(folder, 1500)
    same_raw(io.read_raw_ctf(folder, **options).to_mne(), read(folder, **options))


def test_trials_are_marked_where_samples_are_missing(folder):
    marked = io.read_raw_ctf(folder, mark_trials=True).annotations
    assert [(item.description, item.duration) for item in marked] == [("EDGE boundary", 0.0)]
    assert marked[0].onset == 1201 / 1200


def same_hpi(ours, theirs):
    a, b = ours.info["hpi_results"], theirs.info["hpi_results"]
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert [(p["kind"], p["ident"]) for p in x["dig_points"]] == [(p["kind"], p["ident"]) for p in y["dig_points"]]
        for p, q in zip(x["dig_points"], y["dig_points"], strict=True):
            np.testing.assert_allclose(p["r"], q["r"], rtol=0, atol=1e-6)
        np.testing.assert_allclose(x["coord_trans"]["trans"], y["coord_trans"]["trans"], rtol=0, atol=1e-6)
    assert ours.info["subject_info"]["his_id"] == theirs.info["subject_info"]["his_id"]
    assert ours.info["experimenter"] == theirs.info["experimenter"]


def test_the_real_recording(test_data, bakusoku_command, tmp_path):
    path = test_data / "ctf" / f"{NAME}.ds"
    compare(bakusoku_command, path, tmp_path)
    # What MNE made of it then.
    ours = converted.ours(bakusoku_command, path, tmp_path)
    theirs = quietly(mne.io.read_raw_fif, test_data / "ctf" / f"{NAME}.ds_raw.fif")
    same_samples(ours.get_data(), theirs.get_data())
    for a, b in zip(ours.info["chs"], theirs.info["chs"], strict=True):
        assert (a["ch_name"], a["kind"]) == (b["ch_name"], b["kind"])


@pytest.mark.parametrize("grade", [1, 2, 3])
def test_compensation_to_any_grade(grade, test_data, bakusoku_command, tmp_path):
    path = test_data / "ctf" / f"{NAME}.ds"
    theirs = read(path, preload=True).apply_gradient_compensation(grade)
    for ours in (converted.ours(bakusoku_command, path, tmp_path), io.read_raw_ctf(path).to_mne()):
        ours.load_data().apply_gradient_compensation(grade)
        a, b = ours.get_data("mag"), theirs.get_data("mag")
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6 * np.abs(b).max())


@pytest.mark.parametrize("header_or_samples", ["res4", "meg4"])
def test_a_file_of_the_folder(header_or_samples, test_data, bakusoku_command, tmp_path):
    path = test_data / "ctf" / f"{NAME}.ds"
    same_raw(converted.ours(bakusoku_command, path / f"{NAME}.{header_or_samples}", tmp_path), read(path))


def test_a_renamed_folder(folder, bakusoku_command, tmp_path):
    expected = read(folder, preload=True)
    renamed = folder.rename(folder.with_name("sub-01_meg.ds"))
    with pytest.raises(OSError, match="not found"):
        read(renamed)
    same_raw(converted.ours(bakusoku_command, renamed, tmp_path), expected)


def test_samples_in_parts(folder, bakusoku_command, tmp_path):
    whole = read(folder, preload=True)
    samples = folder / f"{NAME}.meg4"
    content = samples.read_bytes()
    half = 8 + (len(content) - 8) // 2
    samples.write_bytes(content[:half])
    (folder / f"{NAME}.1_meg4").write_bytes(content[:8] + content[half:])
    theirs = compare(bakusoku_command, folder, tmp_path)
    np.testing.assert_array_equal(theirs.get_data(), whole.get_data())


def clock(folder, stop):
    """Stops the system clock at a sample."""
    header = Header(folder)
    at = [header.name(k) for k in range(header.n_channels)].index(CLOCK)
    (n,) = struct.unpack_from(">i", header.bytes, N_SAMPLES)
    samples = folder / f"{NAME}.meg4"
    content = bytearray(samples.read_bytes())
    data = np.frombuffer(content, ">i4", offset=8).reshape(-1, header.n_channels, n)
    data[:, at].reshape(-1)[:] = data[:, at].reshape(-1)
    ticks = data[:, at].reshape(-1).copy()
    ticks[stop:] = 0
    data[:, at] = ticks.reshape(-1, n)
    samples.write_bytes(content)


@pytest.mark.parametrize("stop", [1, 700, 1201, 1500, 2401])
def test_a_clock_that_stops(stop, folder, bakusoku_command, tmp_path):
    clock(folder, stop)
    assert compare(bakusoku_command, folder, tmp_path).n_times == stop


def test_a_clock_that_never_runs(folder, bakusoku_command, tmp_path):
    clock(folder, 0)
    error = converted.convert(bakusoku_command, folder, tmp_path / "ours_raw.fif")
    assert "without a sample (the system clock never ran)" in " ".join(error.split()), error


def test_markers_and_bad_segments(folder, bakusoku_command, tmp_path):
    header = Header(folder)
    header.put(PRE_TRIGGER, ">i", 120)
    header.save()
    (folder / "MarkerFile.mrk").write_text(
        "PATH OF DATASET:\n/x.ds\n\n\nNUMBER OF MARKERS:\n3\n\n\n"
        "CLASSGROUPID:\n3\nNAME:\nstim left\nCOMMENT:\n\nCOLOR:\nblue\nEDITABLE:\nYes\nCLASSID:\n1\n"
        "NUMBER OF SAMPLES:\n3\nLIST OF SAMPLES:\nTRIAL NUMBER\t\tTIME FROM SYNC POINT (in seconds)\n"
        "                  +0\t\t\t\t     +0.12\n                  +1\t\t\t\t     -0.05\n"
        "                  +0\t\t\t\t     +0.9\n\n\n"
        "NAME:\nempty\nNUMBER OF SAMPLES:\n0\nLIST OF SAMPLES:\nTRIAL NUMBER\t\tTIME\n\n\n"
        "NAME:\nresponse\nNUMBER OF SAMPLES:\n1\nLIST OF SAMPLES:\nTRIAL NUMBER\t\tTIME\n"
        "                  +1\t\t\t\t     +5.5\n"
    )
    (folder / "bad.segments").write_text("blink\t0.05\t0.25\nmuscle\t0.9\t9.0\n")
    theirs = compare(bakusoku_command, folder, tmp_path)
    assert "stim left" in theirs.annotations.description and "bad_blink" in theirs.annotations.description


@pytest.mark.parametrize("broken", ["", "NUMBER OF MARKERS:\nmany\n", "NUMBER OF MARKERS:\n2\nNAME:\na\n"])
def test_markers_that_break_off(broken, folder, bakusoku_command, tmp_path):
    (folder / "MarkerFile.mrk").write_text(broken)
    error = converted.convert(bakusoku_command, folder, tmp_path / "ours_raw.fif")
    assert error is not None and "MarkerFile.mrk` line" in " ".join(error.split()), error


def test_bad_channels(folder, bakusoku_command, tmp_path):
    (folder / "BadChannels").write_text("MLC11\nBG1\n")
    assert compare(bakusoku_command, folder, tmp_path).info["bads"] == ["MLC11-4304", "BG1-4304"]
    # MNE fails at one that is not there.
    (folder / "BadChannels").write_text("MLC11\nMXX99\n\nMLC12-4304\n")
    with pytest.raises(KeyError):
        read(folder)
    assert converted.ours(bakusoku_command, folder, tmp_path).info["bads"] == ["MLC11-4304", "MLC12-4304"]


def test_electrodes_and_points_of_the_head(folder, bakusoku_command, tmp_path):
    names = [name for name in read(folder).ch_names if name.startswith("EEG")][:3]
    lines = [f"{k + 1}\t{name.lower()}\t{5 + k}.5\t{k - 3}.25\t{9 - k}" for k, name in enumerate(names)]
    lines += [
        "",
        "7 nasion 11.7 0.1 0.2",
        "8\tleft\t0.1\t7.9\t0",
        "9 RPA 0 -7.9 0.1",
        "10 other 1 2 13",
        "11 Cz 0 0 0.5",
    ]
    (folder / f"{NAME}.eeg").write_text("\n".join(lines))
    (folder / "head.pos").write_text("4\n1 8.0 1.0 2.0\n2 Pz 3.0 1.0 12.0\nnas 11.0 0 0\n4 0 0 0.5\nleft 1.0 7.0 0\n")
    compare(bakusoku_command, folder, tmp_path)
    (folder / "more.pos").write_text("1\n1 8.0 1.0 2.0\n")
    compare(bakusoku_command, folder, tmp_path)


@pytest.mark.parametrize("line", ["1 Cz 1 2", "one Cz 1 2 3", "1 Cz 1 two 3", "1 Cz 1 2 nan"])
def test_electrodes_that_are_none(line, folder, bakusoku_command, tmp_path):
    (folder / f"{NAME}.eeg").write_text(line)
    error = converted.convert(bakusoku_command, folder, tmp_path / "ours_raw.fif")
    assert error is not None and ".eeg` line 1 has" in " ".join(error.split()), error


def test_without_coils(folder, bakusoku_command, tmp_path):
    (folder / f"{NAME}.hc").unlink()
    # MNE refuses: electrodes of the header can't be placed. Here they have no position.
    with pytest.raises(RuntimeError, match="EEG position"):
        read(folder)
    ours = converted.ours(bakusoku_command, folder, tmp_path)
    assert ours.info["dev_head_t"] is None and not ours.info["dig"]
    header = Header(folder)
    for k in range(header.n_channels):
        at = header.records + k * RECORD
        if struct.unpack_from(">h", header.bytes, at + SENSOR_TYPE) == (9,):
            header.put(at + COIL, ">3d", 0, 0, 0)
    header.save()
    compare(bakusoku_command, folder, tmp_path)


def coils(folder, change):
    path = folder / f"{NAME}.hc"
    path.write_text(change(path.read_text()))


def test_coils_in_other_words(folder, bakusoku_command, tmp_path):
    coils(folder, lambda text: text.replace("left ear", "LPA").replace("right ear", "RPA").replace("nasion", "Nasion"))
    compare(bakusoku_command, folder, tmp_path)
    spare = "\n".join(
        f"measured spare coil position relative to {frame} (cm):\n\tx = {x}\n\ty = {y}\n\tz = {z}"
        for frame, x, y, z in [("head", 3, 1, 11)]
    )
    coils(folder, lambda text: "# a remark\n" + text.rstrip() + "\n" + spare + "\n")
    compare(bakusoku_command, folder, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("measured left ear coil position relative to head", "measured ? relative to head"),
        lambda text: text.replace("measured nasion coil position relative to dewar", "measured ? relative to dewar"),
        lambda text: text.replace("x = 6.72107", "x = 9.72107"),
        lambda text: "Unable to find coils\n",
    ],
)
def test_coils_that_contradict_each_other(change, folder, bakusoku_command, tmp_path):
    coils(folder, change)
    with pytest.raises(RuntimeError):
        read(folder)
    ours = converted.ours(bakusoku_command, folder, tmp_path)
    assert ours.info["dev_head_t"] is None
    assert len(ours.ch_names) == 356


@pytest.mark.parametrize(
    "date, time",
    [
        ("29-Apr-2013", "09:36:07"),
        ("29/04/2013", "9:36"),
        ("Mon, Apr 29, 2013", "23:59:59"),
        ("2013/04/29", "00:00"),
        ("09:36", "29/04/2013"),
        ("", ""),
    ],
)
def test_dates(date, time, folder, bakusoku_command, tmp_path):
    header = Header(folder)
    header.text(DATE, date)
    header.text(TIME, time)
    header.save()
    compare(bakusoku_command, folder, tmp_path)


def test_operator_subject_and_filters(folder, bakusoku_command, tmp_path):
    header = Header(folder)
    header.text(OPERATOR, "Jane Doe")
    header.text(SUBJECT, "S01")
    # Two filters: the rest of the header moves on.
    filters = struct.pack(">hdiih", 2, 300.0, 1, 1, 0) + struct.pack(">diihd", 0.5, 1, 2, 1, 7.0)
    header.bytes[header.names - 2 : header.names] = filters
    header.save()
    theirs = compare(bakusoku_command, folder, tmp_path)
    assert (theirs.info["lowpass"], theirs.info["highpass"]) == (300.0, 0.5)


def test_sensors_without_position_and_other_types(folder, bakusoku_command, tmp_path):
    header = Header(folder)
    sensors = [header.name(k) for k in range(header.n_channels)]
    for name, at, fmt, values in [
        ("MLC11-4304", COIL, ">3d", (0.0, 0.0, 0.0)),
        ("MLC12-4304", COIL + 32, ">3d", (0.0, 0.0, 0.0)),
        ("MLC13-4304", COIL + 32, ">3d", (0.0, 0.0, 1.0)),
        ("MLC14-4304", COIL + 32, ">3d", (1.0, 0.0, 0.0)),
        ("MLC15-4304", COIL + 32, ">3d", (0.0, -1.0, 0.0)),
        ("MLC16-4304", SENSOR_TYPE, ">h", (11,)),
    ]:
        header.put(header.records + RECORD * sensors.index(name) + at, fmt, *values)
    header.save()
    ours, theirs = converted.ours(bakusoku_command, folder, tmp_path), read(folder)
    same_raw(ours, theirs)


def test_grades_of_compensation(folder, bakusoku_command, tmp_path):
    header = Header(folder)
    for k in range(header.n_channels):
        at = header.records + k * RECORD
        if struct.unpack_from(">h", header.bytes, at + SENSOR_TYPE)[0] in (5, 1):
            header.put(at + GRADE, ">h", 3)
    header.save()
    compare(bakusoku_command, folder, tmp_path)
    header.put(header.records + RECORD * 100 + GRADE, ">h", 1)
    header.save()
    with pytest.raises(RuntimeError, match="inconsistent"):
        read(folder)
    error = converted.convert(bakusoku_command, folder, tmp_path / "ours_raw.fif")
    assert "grade of compensation of" in error, error


def test_what_is_cut(folder, bakusoku_command, tmp_path):
    samples = folder / f"{NAME}.meg4"
    samples.write_bytes(samples.read_bytes()[:-100])
    error = converted.convert(bakusoku_command, folder, tmp_path / "ours_raw.fif")
    assert "the end of the file inside trial 2" in " ".join(error.split()), error
    header = folder / f"{NAME}.res4"
    header.write_bytes(header.read_bytes()[:100_000])
    error = converted.convert(bakusoku_command, folder, tmp_path / "ours_raw.fif")
    assert "has the end of the file, which has 100000 bytes, expected a channel's record" in " ".join(error.split()), (
        error
    )
