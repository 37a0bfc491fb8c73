"""Recordings of every format against MNE's readers: files of MNE's test data, and files that others' writers make."""

from __future__ import annotations

import copy
import datetime
import pickle
import re
import subprocess
import sys

import edfio
import mne
import numpy as np
import pybv
import pytest
from mne.utils import object_diff

from bakusoku import io

from .table import check, quiet

# Both sides remark the same odd things.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

READERS = {".vhdr": "read_raw_brainvision", ".edf": "read_raw_edf", ".bdf": "read_raw_bdf"}


def compare(path, case, *, same_date=True, **kwargs):
    """Everything that both readers say of a file."""
    name = READERS[path.suffix]
    theirs = quiet(getattr(mne.io, name), path, preload=True, **kwargs)
    ours = getattr(io, name)(path, **kwargs)
    made = ours.to_mne()
    assert ours.ch_names == theirs.ch_names
    assert ours.get_channel_types() == theirs.get_channel_types()
    mine, other = made.info.copy(), theirs.info.copy()
    if not same_date:
        # MNE forgets the fraction of a second.
        assert 0 <= (mine["meas_date"] - other["meas_date"]).total_seconds() < 1
        mine.set_meas_date(None), other.set_meas_date(None)
    for a, b in zip(mine["dig"] or [], other["dig"] or [], strict=True):
        assert (a["kind"], a["ident"], a["coord_frame"]) == (b["kind"], b["ident"], b["coord_frame"])
        check("io.positions", case, a["r"], b["r"])
    for a, b in zip(mine["chs"], other["chs"], strict=True):
        assert np.array_equal(np.isnan(a["loc"]), np.isnan(b["loc"]))
        check("io.positions", case, np.nan_to_num(a["loc"]), np.nan_to_num(b["loc"]))
        a["loc"] = b["loc"]
    with mine._unlock(), other._unlock():
        mine["dig"] = other["dig"] = None
    assert object_diff(mine, other) == ""
    assert (ours.n_times, ours.first_samp) == (theirs.n_times, theirs.first_samp)
    for key in ("onset", "duration"):
        check("io.annotations", f"{case}, {key}", getattr(made.annotations, key), getattr(theirs.annotations, key))
    assert made.annotations.description.tolist() == theirs.annotations.description.tolist()
    assert list(made.annotations.ch_names) == list(theirs.annotations.ch_names)
    data = theirs.get_data()
    extras = theirs._raw_extras[0]
    mixed = "sel" in extras and len(set(extras["n_samps"][extras["sel"]])) > 1
    check("io.read_raw, unequal rates" if mixed else "io.read_raw", case, ours.get_data(), data)
    # A piece, some channels, in MNE's object too.
    start, stop = theirs.n_times // 3, theirs.n_times // 3 + 50
    picks = list(range(len(ours.ch_names)))[::-2]
    piece = ours.get_data(picks, start, stop)
    assert np.array_equal(piece, ours.get_data()[picks, start:stop])
    assert np.array_equal(made.get_data(picks, start, stop), piece)
    return ours, theirs


def files(folder, *ends):
    return [path for path in sorted(folder.iterdir()) if path.suffix in ends]


def test_brainvision_files(test_data):
    paths = files(test_data / "brainvision", ".vhdr")
    paths += sorted((test_data / "bids").glob("*/sub-*/ses-*/eeg/*.vhdr"))
    assert len(paths) == 8
    for path in paths:
        compare(path, path.name)
    path = test_data / "brainvision" / "test.vhdr"
    compare(path, "options", eog=("HL", -1), misc=["FP1", 3], scale=2.0, ignore_marker_types=True)


def test_edf_and_bdf_files(test_data):
    paths = files(test_data / "edf", ".edf", ".bdf")
    assert len(paths) == 10
    for path in paths:
        compare(path, path.name)
        compare(path, f"{path.name}, inferred", infer_types=True)


def test_options_of_edf(test_data):
    path = test_data / "edf" / "test.edf"
    compare(path, "exclude", exclude=["A1", "B3", "Status"])
    compare(path, "exclude, pattern", exclude="^A.*")
    compare(path, "include", include=["A1", "Status"])
    compare(path, "include, pattern", include="(A|B)[12]")
    compare(path, "eog, misc", eog=["A1", 3], misc=["B2", -2])
    compare(path, "no stimulus channel", stim_channel=None)
    compare(path, "stimulus channels", stim_channel=["status", "A7"])
    compare(path, "stimulus channel by place", stim_channel=138)
    path = test_data / "edf" / "chtypes_edf.edf"
    compare(path, "inferred, unique", infer_types=True, exclude_after_unique=True, exclude=["Fp1-Ref"])
    path = test_data / "edf" / "test_utf8_annotations.edf"
    empty = [name for name, unit in quiet(mne.io.read_raw_edf, path)._orig_units.items() if unit in ("", "n/a")]
    compare(path, "units", units=dict.fromkeys(empty, "uV"))
    for reader in (io.read_raw_edf, io.read_raw_bdf):
        with pytest.raises(ValueError, match="must be a"):
            reader(test_data / "edf" / ("test.bdf" if reader is io.read_raw_edf else "test.edf"))
    with pytest.raises(ValueError, match="annotations are in"):
        io.read_raw_edf(path, stim_channel="EDF Annotations")
    with pytest.raises(ValueError, match="`exclude` must be empty"):
        io.read_raw_edf(path, exclude=["a"], include=["b"])


def recording(n_channels=5, sfreq=250.0, seconds=10, seed=0, types="eeg", date=True):
    rng = np.random.default_rng(seed)
    info = mne.create_info([f"ch {k}" for k in range(n_channels)], sfreq, types)
    raw = mne.io.RawArray(rng.standard_normal((n_channels, int(sfreq * seconds))) * 2e-5, info, verbose="error")
    if date:
        raw.set_meas_date(datetime.datetime(2024, 2, 29, 12, 34, 56, tzinfo=datetime.UTC))
    raw.set_annotations(
        mne.Annotations(
            [0.5, 1.25, 1.25, 3.0, 7.123456],
            [0, 0.5, 0.25, 1, 0.004],
            ["go", "Stimulus/S  1", "naïve 脳波", "bad", "go"],
            ch_names=[(), (), (), ("ch 1", "ch 3"), ()],
        )
    )
    return raw


@pytest.mark.parametrize("fmt", ["binary_int16", "binary_float32"])
@pytest.mark.parametrize("unit", ["V", "mV", "µV", "uV", "nV"])
def test_what_pybv_writes(tmp_path, fmt, unit):
    raw = recording()
    events = [
        {"onset": 10, "duration": 1, "description": 1, "type": "Stimulus", "channels": "all"},
        {"onset": 400, "duration": 25, "description": 255, "type": "Response", "channels": "all"},
        {"onset": 500, "duration": 1, "description": "free text", "type": "Comment", "channels": ["Cz"]},
    ]
    volt = {"V": 1.0, "mV": 1e3, "nV": 1e9}.get(unit, 1e6)
    for resolution in (1e-8 * volt, np.array([1e-8, 2e-8, 5e-8, 1e-7, 1e-8]) * volt):
        pybv.write_brainvision(
            data=raw.get_data(), sfreq=250.0, ch_names=["Fp1", "a,b", "HEOGL", "Cz", "POz"], fname_base="x",
            folder_out=tmp_path, events=events, resolution=resolution, unit=unit, fmt=fmt, overwrite=True,
            meas_date=datetime.datetime(2024, 2, 29, 12, 34, 56, 123456),
        )  # fmt: skip
        compare(tmp_path / "x.vhdr", f"pybv {fmt} {unit}")


def test_what_pybv_writes_of_other_units(tmp_path):
    data = recording().get_data() * 1e6
    pybv.write_brainvision(
        data=data, sfreq=1000.0 / 3, ch_names=list("abcde"), fname_base="x", folder_out=tmp_path,
        unit=["µV", "°C", "µS", "ARU", "n/a"],
    )  # fmt: skip
    ours, _ = compare(tmp_path / "x.vhdr", "pybv, other units")
    assert ours.get_channel_types() == ["eeg", "misc", "misc", "misc", "misc"]


@pytest.mark.parametrize("fmt", ["edf", "brainvision", "bdf"])
@pytest.mark.parametrize("sfreq, seconds", [(250.0, 10), (256.0, 7.3), (100.0, 4)])
def test_what_mne_exports(tmp_path, fmt, sfreq, seconds):
    if fmt == "bdf" and "bdf" not in str(mne.export.export_raw.__doc__).lower():
        pytest.skip("this MNE does not export BDF")
    path = tmp_path / f"x.{ {'brainvision': 'vhdr'}.get(fmt, fmt) }"
    types = ["eeg", "eog", "ecg", "emg", "eeg"]
    for date in (True, False):
        raw = recording(sfreq=sfreq, seconds=seconds, types=types, date=date)
        quiet(mne.export.export_raw, path, raw, overwrite=True)
        compare(path, f"exported {fmt} {sfreq}")
        if fmt != "brainvision":
            compare(path, f"exported {fmt} {sfreq}, inferred", infer_types=True)


def test_what_mne_refuses(tmp_path):
    raw = recording()
    raw.annotations.append(2.0, 0.5, "with, a comma")
    quiet(mne.export.export_raw, tmp_path / "x.vhdr", raw)
    ours = io.read_raw(tmp_path / "x.vhdr")
    found = [(a.onset, a.duration, a.description) for a in ours.annotations if "comma" in a.description]
    assert found == [(2.0, 0.5, "Comment/with, a comma")]
    header = (tmp_path / "x.vhdr").read_text("utf-8").replace("ch 3", "ch 1")
    (tmp_path / "x.vhdr").write_text(header, "utf-8")
    assert io.read_raw(tmp_path / "x.vhdr").ch_names == ["ch 0", "ch 1-0", "ch 2", "ch 1-1", "ch 4"]


def signals(rates, seconds=20, seed=1):
    rng = np.random.default_rng(seed)
    for k, rate in enumerate(rates):
        x = rng.standard_normal(rate * seconds).cumsum()
        yield edfio.EdfSignal(
            x,
            rate,
            label=f"EEG {k}",
            physical_dimension=["uV", "mV", "V", ""][k % 4],
            prefiltering=f"HP:0.{k}Hz LP:7{k}Hz",
        )


@pytest.mark.parametrize("rates", [(100,), (200, 100), (256, 128, 64, 1), (50, 7, 33), (30, 20, 12)])
@pytest.mark.parametrize("start", [0, 250_000, 999_999])
def test_what_edfio_writes(tmp_path, rates, start):
    notes = [edfio.EdfAnnotation(0.5 * k, None if k % 2 else 0.25, f"note {k} ä") for k in range(30)]
    edf = edfio.Edf(
        list(signals(rates)),
        patient=edfio.Patient(code="S1", sex="F", birthdate=datetime.date(1951, 8, 2), name="Ada_Mustermann"),
        recording=edfio.Recording(startdate=datetime.date(2024, 2, 29), hospital_administration_code="H"),
        starttime=datetime.time(12, 34, 56, start),
        annotations=notes,
    )
    edf.write(tmp_path / "x.edf")
    ours, theirs = compare(tmp_path / "x.edf", f"edfio {rates} {start}", same_date=not start)
    assert ours.meas_date.microsecond == start
    assert [a.description for a in ours.annotations] == theirs.annotations.description.tolist()


def test_names_that_come_twice(tmp_path):
    rng = np.random.default_rng(0)
    twice = [edfio.EdfSignal(rng.standard_normal(100), 10, label=label) for label in ("A", "B", "A", "A-1", "A")]
    edfio.Edf(twice).write(tmp_path / "x.edf")
    compare(tmp_path / "x.edf", "names")
    compare(tmp_path / "x.edf", "names, excluded", exclude=["A"])
    compare(tmp_path / "x.edf", "names, excluded after", exclude=["A-0"], exclude_after_unique=True)


def test_a_range_of_nothing(tmp_path):
    flat = edfio.EdfSignal(np.zeros(100), 10, label="A", physical_range=(-1, 1))
    edfio.Edf([flat, edfio.EdfSignal(np.arange(100.0), 10, label="B")]).write(tmp_path / "x.edf")
    data = bytearray((tmp_path / "x.edf").read_bytes())
    at = 256 + 2 * (16 + 80 + 8)
    data[at : at + 8] = data[at + 16 : at + 24] = b"3       "
    (tmp_path / "x.edf").write_bytes(data)
    compare(tmp_path / "x.edf", "physical range 0")
    data[236:244] = b"-1      "
    (tmp_path / "cut.edf").write_bytes(data[:-3])
    compare(tmp_path / "cut.edf", "cut")


def variants(header: str):
    """Headers of the same samples that say it in other ways."""
    yield "code page", header.replace("UTF-8", "ANSI").encode("cp1252")
    yield "Latin-1", re.sub("Codepage.*\n", "", header).encode("latin-1")
    yield "UTF-8 with a mark", "\ufeff".encode() + header.encode()
    yield "line ends", header.replace("\n", "\r\n").encode()
    yield "versions", header.replace("Version 1.0", "Version 2.0").encode()
    yield "core", header.replace("Brain Vision Data Exchange Header", "BrainVision Core Data Exchange Header").encode()
    yield "no resolution", re.sub(r",0\.5,", ",,", header).encode()
    yield "no unit", re.sub(r",0\.5,.*", ",0.5", header).encode()
    yield "rate", header.replace("SamplingInterval=1000", "SamplingInterval=488.28125").encode()
    yield "float", header.replace("INT_16", "IEEE_FLOAT_32").encode()
    yield "int", header.replace("INT_16", "INT_32").encode()
    yield "vectorized", header.replace("DataOrientation=MULTIPLEXED", "DataOrientation=VECTORIZED").encode()
    yield "no markers", re.sub("MarkerFile.*\n", "", header).encode()
    yield "filters in Hz", header.replace("Low Cutoff [s]", "Low Cutoff [Hz]").replace("DC  ", "0.1 ").encode()
    yield "filters off", header.replace("DC  ", "Off ").replace(" 250 ", " Off ").encode()
    coordinates = "".join(f"Ch{k}=1,{k},{3 * k}\n" for k in range(1, 31)) + "Ch31=85,20,-70\nCh32=0,0,0\n"
    yield "coordinates", header.replace("[Comment]", f"[Coordinates]\n{coordinates}[Comment]").encode()


def test_headers_that_say_it_in_other_ways(test_data, tmp_path):
    folder = test_data / "brainvision"
    for end in ("eeg", "vmrk"):
        (tmp_path / f"test.{end}").write_bytes((folder / f"test.{end}").read_bytes())
    n = 0
    for n, (case, header) in enumerate(variants((folder / "test.vhdr").read_text("utf-8")), 1):  # noqa: B007
        (tmp_path / "x.vhdr").write_bytes(header)
        if case == "float":
            # Samples that are no numbers of such a kind are not compared.
            np.arange(32 * 500, dtype="<f4").tofile(tmp_path / "x.eeg")
            (tmp_path / "x.vhdr").write_bytes(header.replace(b"DataFile=test.eeg", b"DataFile=x.eeg"))
        compare(tmp_path / "x.vhdr", case)
    assert n == 16


def test_samples_as_text(test_data, tmp_path):
    header = (test_data / "brainvision" / "test.vhdr").read_text("utf-8")
    header = header.replace("DataFormat=BINARY", "DataFormat=ASCII").replace("test.eeg", "x.dat")
    header = header.replace(
        "[Binary Infos]", "[ASCII Infos]\nDecimalSymbol={}\nSkipLines=1\nSkipColumns=0\n\n[Binary Infos]"
    )
    rows = np.random.default_rng(0).standard_normal((300, 32)) * 30
    for point, between in ((".", " "), (",", " "), (".", ",")):
        (tmp_path / "x.vhdr").write_text(header.replace("{}", point), "utf-8")
        lines = [between.join(f"{x:.4f}".replace(".", point) for x in row) for row in rows]
        (tmp_path / "x.dat").write_text("\n".join(["a heading", *lines, ""]))
        compare(tmp_path / "x.vhdr", f"text {point}{between}")
    # Channel by channel: MNE refuses that.
    (tmp_path / "x.vhdr").write_text(header.replace("{}", ".").replace("=MULTIPLEXED", "=VECTORIZED"), "utf-8")
    (tmp_path / "x.dat").write_text("\n".join(["a heading", *(" ".join(map(str, row)) for row in rows.T)]))
    raw = io.read_raw_brainvision(tmp_path / "x.vhdr")
    scale = np.array([ch["cal"] * ch["range"] for ch in raw.to_mne().info["chs"]])
    assert np.array_equal(raw.get_data(), rows.T * scale[:, np.newaxis])


def test_records_with_gaps_stand_at_their_times(tmp_path):
    x = np.arange(1000.0)
    note = [edfio.EdfAnnotation(6.5, None, "late")]
    edfio.Edf([edfio.EdfSignal(x, 100, label="A")], annotations=note, data_record_duration=1).write(tmp_path / "x.edf")
    data = (tmp_path / "x.edf").read_bytes().replace(b"EDF+C", b"EDF+D")
    for second in reversed(range(5, 10)):
        # Five records begin two seconds later.
        late = f"+{second + 2}\x14\x14".encode().ljust(5, b"\0")
        data = data.replace(f"+{second}\x14\x14\0".encode(), late)
    (tmp_path / "x.edf").write_bytes(data.replace(b"+6.5\x14", b"+8.5\x14"))
    raw = io.read_raw_edf(tmp_path / "x.edf")
    theirs = quiet(mne.io.read_raw_edf, tmp_path / "x.edf")
    assert (raw.gaps, raw.n_times, theirs.n_times) == ([(500, 700)], 1200, 1000)
    samples = raw.get_data()[0]
    assert np.array_equal(np.delete(samples, np.s_[500:700]), theirs.get_data()[0]) and not samples[500:700].any()
    assert [(a.onset, a.description) for a in raw.annotations] == [(5.0, "BAD_ACQ_SKIP"), (8.5, "late")]


def test_fif_and_any_format(test_data, tmp_path):
    path = test_data / "fif" / "test_elekta_3ch_raw.fif"
    theirs = quiet(mne.io.read_raw_fif, path)
    for raw in (io.read_raw_fif(path), io.read_raw(path)):
        assert np.array_equal(raw.get_data(None, 1000, 3000), theirs.get_data(start=1000, stop=3000))
        assert (raw.first_samp, raw.ch_names) == (theirs.first_samp, theirs.ch_names)
        assert object_diff(raw.to_mne().info, theirs.info) == ""
    for name in ("brainvision/test.vhdr", "edf/test.edf", "edf/test.bdf"):
        raw, theirs = io.read_raw(test_data / name), quiet(mne.io.read_raw, test_data / name)
        assert np.array_equal(raw.get_data(), theirs.get_data())


def test_an_object_of_mne_works_as_others_do(test_data, tmp_path):
    path = test_data / "edf" / "test.edf"
    raw, theirs = io.read_raw_edf(path), quiet(mne.io.read_raw_edf, path, preload=True)
    again = pickle.loads(pickle.dumps(raw))
    assert np.array_equal(again.get_data(["A1", "stim"]), theirs.get_data(["A1", "Status"]))
    made = copy.deepcopy(raw.to_mne())
    made.set_eeg_reference(projection=True, verbose="error").apply_proj(verbose="error")
    theirs.set_eeg_reference(projection=True, verbose="error").apply_proj(verbose="error")
    assert np.allclose(made.get_data(), theirs.get_data(), rtol=0, atol=1e-18)
    made = pickle.loads(pickle.dumps(made)).crop(1, 3).load_data(verbose="error").pick(["A3", "A2"])
    theirs.crop(1, 3).pick(["A3", "A2"])
    assert np.allclose(made.get_data(), theirs.get_data(), rtol=0, atol=1e-18)
    made.save(tmp_path / "x_raw.fif", verbose="error")
    # Projections on what is read, of some of the channels.
    made, theirs = raw.to_mne(), quiet(mne.io.read_raw_edf, path)
    for one in (made, theirs):
        one.drop_channels(["A1", "B3"]).set_eeg_reference(projection=True, verbose="error").apply_proj(verbose="error")
    assert np.allclose(made.get_data(start=100, stop=300), theirs.get_data(start=100, stop=300), rtol=0, atol=1e-18)
    assert repr(raw) == "<Raw | test.edf, 139 x 3072 (6.0 s), not loaded>"
    assert len(raw.times) == raw.n_times


def test_reading_imports_no_mne(test_data):
    from unit.test_package import python

    code = f"import sys, bakusoku.io; bakusoku.io.read_raw({str(test_data / 'edf' / 'test.bdf')!r}).get_data()"
    assert python(f"{code}; print('mne' in sys.modules)") == "False"
    assert sys.modules["mne"]


def test_remarks_are_warnings(test_data, tmp_path):
    with pytest.warns(RuntimeWarning, match="channels have different filters; the weakest, 250.00 Hz") as caught:
        io.read_raw_brainvision(test_data / "brainvision" / "test_mixed_lowpass.vhdr")
    assert caught[0].filename == __file__
    data = (test_data / "edf" / "test.edf").read_bytes()
    (tmp_path / "x.edf").write_bytes(data[:-100])
    with pytest.warns(RuntimeWarning, match="there are 5") as caught:
        io.read_raw_edf(tmp_path / "x.edf")
    assert caught[0].filename == __file__


def test_what_is_wrong_is_said(test_data, tmp_path):
    header = (test_data / "brainvision" / "test.vhdr").read_text("utf-8")
    (tmp_path / "x.vhdr").write_text(header, "utf-8")
    with pytest.raises(FileNotFoundError, match="line 6 names `test.eeg`, which is not there.*hint: put the files"):
        io.read_raw(tmp_path / "x.vhdr")
    with pytest.raises(ValueError, match="`picks` must name channels or types"):
        io.read_raw(test_data / "edf" / "test.edf").get_data(["nothing"])
    with pytest.raises(NotImplementedError, match="overrides"):
        io.read_raw_brainvision(tmp_path / "x.vhdr", overrides={"sfreq": 1.0})
    with pytest.raises(TypeError, match="path of a file"):
        io.read_raw(3)


@pytest.mark.parametrize("sfreq, seconds", [(250.0, 10), (256.0, 7.3), (1000.0 / 3, 6)])
def test_what_we_write(tmp_path, bakusoku_command, sfreq, seconds):
    types = ["eeg", "eog", "ecg", "eeg", "misc"]
    raw = recording(sfreq=sfreq, seconds=seconds, types=types)
    raw.annotations.rename({"naïve 脳波": "naïve"})
    raw.save(tmp_path / "x_raw.fif", fmt="double", verbose="error")
    raw = quiet(mne.io.read_raw_fif, tmp_path / "x_raw.fif", preload=True)
    for end, read in (
        ("vhdr", mne.io.read_raw_brainvision),
        ("edf", mne.io.read_raw_edf),
        ("bdf", mne.io.read_raw_bdf),
    ):
        ours, theirs = tmp_path / f"ours.{end}", tmp_path / f"theirs.{end}"
        subprocess.run([bakusoku_command, "convert", tmp_path / "x_raw.fif", ours], check=True, capture_output=True)
        compare(ours, f"our {end}")
        mine = quiet(read, ours, preload=True)
        assert mine.info["sfreq"] == pytest.approx(raw.info["sfreq"], rel=1e-6 if end != "vhdr" else 0)
        if sfreq % 1 and end != "vhdr":
            continue  # MNE writes another rate.
        quiet(mne.export.export_raw, theirs, raw)
        other = quiet(read, theirs, preload=True)
        assert mine.n_times == other.n_times
        # Channels that are no potentials: MNE gives their small range few digits.
        check("io.export", end, mine.get_data()[:4], other.get_data()[:4])
        original = raw.get_data()[4]
        off = [np.abs(one.get_data()[4, : len(original)] - original).max() for one in (mine, other)]
        assert off[0] <= off[1]
        found, wanted = mine.annotations, other.annotations
        assert np.allclose(found.onset, wanted.onset, atol=1 / sfreq) and len(found) == len(wanted)
        if end == "vhdr":
            assert (tmp_path / "ours.eeg").read_bytes() == (tmp_path / "theirs.eeg").read_bytes()
            same = [text.replace("Bad Interval/", "Comment/") for text in found.description]
            assert same == wanted.description.tolist()
        else:
            assert found.description.tolist() == wanted.description.tolist()
            assert list(found.ch_names) == list(wanted.ch_names)
            assert (mine.info["highpass"], mine.info["lowpass"]) == (other.info["highpass"], other.info["lowpass"])
        assert mine.info["meas_date"] == other.info["meas_date"]
