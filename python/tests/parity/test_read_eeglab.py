"""EEGLAB sets: real ones, and many variants of them, against `mne.io.read_raw_eeglab` and `mne.read_epochs_eeglab`."""

from __future__ import annotations

import itertools
import shutil
import subprocess

import eeglabio
import h5py
import mne
import numpy as np
import pytest
from scipy.io import savemat

from bakusoku import io

from . import converted
from .converted import quietly, same_annotations, same_info, same_raw, same_samples

CONTINUOUS = [
    "eeglab_data",
    "test_raw",
    "test_raw_2021",
    "test_raw_chanloc",
    "test_raw_event_duration",
    "test_raw_hdf5",
]


@pytest.mark.parametrize("name", CONTINUOUS)
def test_real_sets(name, test_data, bakusoku_command, tmp_path):
    compare(bakusoku_command, test_data / "eeglab" / f"{name}.set", tmp_path)


@pytest.mark.parametrize(
    "options", [dict(eog=["EOG1", 5]), dict(eog="auto"), dict(montage_units="m"), dict(montage_units="dm")]
)
def test_options(options, test_data, bakusoku_command, tmp_path):
    compare(bakusoku_command, test_data / "eeglab" / "eeglab_data.set", tmp_path, **options)


@pytest.mark.parametrize("name", ["test_epochs", "test_epochs_onefile"])
def test_real_epochs(name, test_data, bakusoku_command, tmp_path):
    same_epochs(bakusoku_command, test_data / "eeglab" / f"{name}.set", tmp_path)


def same_epochs(command, path, folder):
    output = folder / "ours-epo.fif"
    error = converted.convert(command, path, output)
    assert error is None, error
    ours, theirs = quietly(mne.read_epochs, output), quietly(mne.read_epochs_eeglab, path)
    same_info(ours, theirs)
    assert ours.event_id == theirs.event_id
    np.testing.assert_array_equal(ours.events, theirs.events)
    np.testing.assert_allclose(ours.times, theirs.times, rtol=0, atol=1e-9)
    assert ours.baseline is theirs.baseline is None
    a, b = ours.get_data(copy=False), theirs.get_data(copy=False)
    same_samples(a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]))


def recarray(**columns):
    """An array of structs, with a field for each column."""
    n = len(next(iter(columns.values())))
    out = np.empty(n, dtype=[(name, object) for name in columns])
    for name, values in columns.items():
        for index, value in enumerate(values):
            out[name][index] = value
    return out


def a_set(n_channels=4, n_times=1000, trials=1, dtype=np.float32, **changes):
    rng = np.random.default_rng(n_channels)
    shape = (n_channels, n_times) if trials == 1 else (n_channels, n_times, trials)
    data = rng.standard_normal(shape) * 30
    data = (data if np.issubdtype(dtype, np.floating) else np.round(data)).astype(dtype)
    r = rng.standard_normal((n_channels, 3))
    r = 85 * r / np.linalg.norm(r, axis=1, keepdims=True)
    labels = [f"E{index:02}" for index in range(n_channels)]
    fields = dict(
        setname="x",
        nbchan=float(n_channels),
        trials=float(trials),
        pnts=float(n_times),
        srate=250.0,
        xmin=-0.2 if trials > 1 else 0.0,
        xmax=(n_times - 1) / 250 - (0.2 if trials > 1 else 0.0),
        times=np.arange(n_times, dtype=float),
        data=data,
        icawinv=np.zeros((0, 0)),
        chanlocs=recarray(labels=labels, X=r[:, 0], Y=r[:, 1], Z=r[:, 2], type=["EEG"] * n_channels),
        event=recarray(type=["square", "rt", "square"], latency=[10.0, 20.5, float(n_times)], duration=[0.0, 2.0, 5.0]),
    )
    fields.update(changes)
    return fields


def save(path, fields, *, struct=True, compressed=False):
    savemat(
        path,
        {"EEG": fields} if struct else fields,
        appendmat=False,
        do_compression=compressed,
        long_field_names=True,
        oned_as="row",
    )
    return path


def compare(command, path, folder, **options):
    theirs = quietly(mne.io.read_raw_eeglab, path, **options)
    same_raw(io.read_raw_eeglab(path, **options).to_mne(), theirs)
    if not options:
        same_raw(converted.ours(command, path, folder), theirs)


DTYPES = [np.float32, np.float64, np.int16, np.int32, np.uint8, np.int8, np.uint16, np.int64]


@pytest.mark.parametrize("struct, compressed", list(itertools.product([True, False], repeat=2)))
@pytest.mark.parametrize("dtype", DTYPES)
def test_samples_inside(struct, compressed, dtype, bakusoku_command, tmp_path):
    fields = a_set(dtype=dtype)
    if dtype in (np.uint8, np.uint16):
        fields["data"] = np.abs(np.round(a_set()["data"])).astype(dtype)
    compare(bakusoku_command, save(tmp_path / "x.set", fields, struct=struct, compressed=compressed), tmp_path)


@pytest.mark.parametrize("n_channels", [1, 2, 33])
@pytest.mark.parametrize("struct", [True, False])
def test_samples_beside(n_channels, struct, bakusoku_command, tmp_path):
    fields = a_set(n_channels)
    fields["data"].T.tofile(tmp_path / "x.fdt")
    fields["data"] = "x.fdt"
    path = save(tmp_path / "x.set", fields, struct=struct)
    compare(bakusoku_command, path, tmp_path)
    # Renamed together.
    (tmp_path / "y").mkdir()
    shutil.move(path, tmp_path / "y" / "y.set")
    shutil.move(tmp_path / "x.fdt", tmp_path / "y" / "y.fdt")
    compare(bakusoku_command, tmp_path / "y" / "y.set", tmp_path)


def test_old_samples_beside_are_channel_by_channel(bakusoku_command, tmp_path):
    inside = save(tmp_path / "inside.set", a_set())
    fields = a_set()
    fields["data"].tofile(tmp_path / "x.dat")
    fields["data"] = "x.dat"
    path = save(tmp_path / "x.set", fields)
    with pytest.raises(NotImplementedError):
        quietly(mne.io.read_raw_eeglab, path)
    same_raw(converted.ours(bakusoku_command, path, tmp_path), quietly(mne.io.read_raw_eeglab, inside))


LOCATIONS = {
    "none": dict(chanlocs=np.zeros((0, 0))),
    "names only": dict(chanlocs=recarray(labels=["A", "B", "C", "D"])),
    "one without": dict(
        chanlocs=recarray(
            labels=["A", "B", "C", "D"], X=[0.0, 1, 0.5, []], Y=[1.0, 0, 0.5, []], Z=[0.0, 0, 0.7, []], type=[""] * 4
        )
    ),
    "all without": dict(
        chanlocs=recarray(labels=["A", "B", "C", "D"], X=[[]] * 4, Y=[[]] * 4, Z=[[]] * 4, type=[[]] * 4)
    ),
    "types": dict(
        chanlocs=recarray(
            labels=["A", "HEOG", "C", "D"],
            X=[8.0, 1, 5, 3],
            Y=[1.0, 8, 5, 3],
            Z=[0.0, 0, 5, 7],
            type=["EEG", " eog ", "MISC", "nonsense"],
        )
    ),
    "numbers at the end": dict(
        chanlocs=recarray(labels=["7", "3", "12", "5"], X=[80.0, 1, 50, 30], Y=[1.0, 80, 50, 3], Z=[0.0, 0, 50, 70])
    ),
    "metres": dict(
        chanlocs=recarray(labels=list("ABCD"), X=[0.08, 0, 0.05, 0], Y=[0.01, 0.08, 0.05, 0], Z=[0.0, 0, 0.05, 0.09])
    ),
    "centimetres": dict(chanlocs=recarray(labels=list("ABCD"), X=[8.0, 0, 5, 0], Y=[1.0, 8, 5, 0], Z=[0.0, 0, 5, 9])),
}


@pytest.mark.parametrize("name", LOCATIONS)
@pytest.mark.parametrize("struct", [True, False])
def test_locations(name, struct, bakusoku_command, tmp_path):
    fields = a_set(**LOCATIONS[name])
    compare(bakusoku_command, save(tmp_path / "x.set", fields, struct=struct), tmp_path)


EVENTS = {
    "none": np.zeros((0, 0)),
    "one": recarray(type=["a"], latency=[3.0]),
    "no durations": recarray(type=["a", "b"], latency=[3.0, 9.0]),
    "numbers": recarray(type=[1.0, 2.5], latency=[3.0, 9.0], duration=[1.0, 0.0]),
    "integers": recarray(type=[1, 255], latency=[3, 9], duration=[1, 0]),
    "mixed": recarray(type=["a b", 7, 7.0], latency=[3.0, 9.0, 12.0], duration=[1.0, 0.0, 3.0]),
    "boundary": recarray(type=["boundary", "a", "boundary"], latency=[0.5, 9.0, 100.5], duration=[0.0, 0.0, 800.0]),
    "NaN": recarray(type=["a", "b", "c"], latency=[np.nan, 9.0, 10.0], duration=[0.0, 1.0, 2.0]),
    "beyond the end": recarray(type=["a", "b", "c"], latency=[990.0, 1001.0, 1500.0], duration=[100.0, 0.0, 0.0]),
    "not sorted": recarray(type=["z", "b", "a"], latency=[90.0, 30.0, 30.0], duration=[0.0, 2.0, 2.0]),
    "blanks": recarray(type=["S  1", " x ", "S 10"], latency=[9.0, 30.0, 60.0]),
}


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("struct", [True, False])
def test_events(name, struct, bakusoku_command, tmp_path):
    path = save(tmp_path / "x.set", a_set(event=EVENTS[name]), struct=struct)
    compare(bakusoku_command, path, tmp_path)


@pytest.mark.parametrize("compressed, struct", list(itertools.product([True, False], repeat=2)))
@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("n_channels", [2, 5])
def test_epochs(compressed, struct, beside, n_channels, bakusoku_command, tmp_path):
    kinds = ["a", "b", ["a", "b"], "c", "a"]
    events = [kind for kinds_ in kinds for kind in np.atleast_1d(kinds_)]
    latencies = [51.0, 151.0, 251.0, 252.0, 351.0, 451.0]
    fields = a_set(
        n_channels,
        100,
        5,
        epoch=recarray(eventtype=[np.array(kind, dtype=object) if isinstance(kind, list) else kind for kind in kinds]),
        event=recarray(type=events, latency=latencies),
    )
    if beside:
        fields["data"].T.tofile(tmp_path / "x.fdt")
        fields["data"] = "x.fdt"
    same_epochs(bakusoku_command, save(tmp_path / "x.set", fields, struct=struct, compressed=compressed), tmp_path)


def test_epochs_without_events(bakusoku_command, tmp_path):
    fields = a_set(3, 50, 4, event=np.zeros((0, 0)), epoch=np.zeros((0, 0)))
    same_epochs(bakusoku_command, save(tmp_path / "x.set", fields), tmp_path)


@pytest.mark.parametrize("fmt", ["v5", "v7.3"])
@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_eeglabio(fmt, precision, n_channels, bakusoku_command, tmp_path):
    rng = np.random.default_rng(0)
    data = rng.standard_normal((n_channels, 700)) * 1e-5
    locations = rng.standard_normal((n_channels, 3)) * 0.09
    annotations = [["a", "boundary", "b"], np.array([0.1, 1.0, 2.5]), np.array([0.0, 0.3, 0.1])]
    path = tmp_path / "x.set"
    eeglabio.raw.export_set(
        path,
        data,
        200.0,
        [f"ch{index}" for index in range(n_channels)],
        ch_locs=locations,
        annotations=annotations,
        ch_types=["EEG"] * n_channels,
        precision=precision,
        fmt=fmt,
    )
    compare(bakusoku_command, path, tmp_path)


def test_eeglabio_epochs(bakusoku_command, tmp_path):
    rng = np.random.default_rng(0)
    events = np.column_stack([np.arange(4) * 100, np.zeros(4, int), [1, 2, 1, 3]])
    path = tmp_path / "x.set"
    eeglabio.epochs.export_set(
        path,
        rng.standard_normal((4, 3, 90)) * 1e-5,
        100.0,
        events,
        -0.2,
        0.69,
        list("ABC"),
        event_id=dict(a=1, b=2, c=3),
    )
    same_epochs(bakusoku_command, path, tmp_path)


def test_what_mne_exports(test_data, bakusoku_command, tmp_path):
    raw = quietly(mne.io.read_raw_eeglab, test_data / "eeglab" / "test_raw_chanloc.set", preload=True)
    path = tmp_path / "x.set"
    quietly(mne.export.export_raw, path, raw)
    compare(bakusoku_command, path, tmp_path)


def save73(path, fields, *, struct=True, **options):
    """A set as MATLAB writes it with `-v7.3`."""

    def put(group, name, value):
        if isinstance(value, dict):
            inner = group.create_group(name)
            inner.attrs["MATLAB_class"] = np.bytes_("struct")
            for key, item in value.items():
                put(inner, key, item)
            return inner
        if isinstance(value, np.ndarray) and value.dtype.names:
            inner = group.create_group(name)
            inner.attrs["MATLAB_class"] = np.bytes_("struct")
            for field in value.dtype.names:
                column = [put(refs, f"{name}{field}{index}", item).ref for index, item in enumerate(value[field])]
                inner.create_dataset(field, data=np.array(column, dtype=h5py.ref_dtype)[:, np.newaxis])
            return inner
        if isinstance(value, list):
            column = [put(refs, f"{name}{index}", item).ref for index, item in enumerate(value)]
            data = group.create_dataset(name, data=np.array(column, dtype=h5py.ref_dtype)[:, np.newaxis])
            data.attrs["MATLAB_class"] = np.bytes_("cell")
            return data
        if isinstance(value, str):
            units = np.frombuffer(value.encode("utf-16-le"), np.uint16)[:, np.newaxis]
            data = group.create_dataset(name, data=units if len(units) else np.zeros(2, np.uint64))
            data.attrs["MATLAB_class"] = np.bytes_("char")
            data.attrs["MATLAB_int_decode"] = np.int32(2)
        else:
            array = np.atleast_2d(np.asarray(value, dtype=getattr(value, "dtype", float)))
            more = options if name == "data" else {}
            data = group.create_dataset(name, data=array.T if array.size else np.zeros(2, np.uint64), **more)
            data.attrs["MATLAB_class"] = np.bytes_({"f4": "single"}.get(array.dtype.str[1:], "double"))
            units = array.ravel()
        if not len(units):
            data.attrs["MATLAB_empty"] = np.uint8(1)
        return data

    with h5py.File(path, "w", userblock_size=512) as file:
        refs = file.create_group("#refs#")
        group = file
        if struct:
            group = file.create_group("EEG")
            group.attrs["MATLAB_class"] = np.bytes_("struct")
        for name, value in fields.items():
            put(group, name, value)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64 HDF5 schema 1.00 .".ljust(124) + b"\x00\x02IM")
    return path


@pytest.mark.parametrize("struct", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, dict(chunks=(100, 2)), dict(chunks=True, compression="gzip", shuffle=True)])
def test_version_7_3(struct, dtype, options, bakusoku_command, tmp_path):
    fields = a_set(dtype=dtype)
    compare(bakusoku_command, save73(tmp_path / "x.set", fields, struct=struct, **options), tmp_path)


@pytest.mark.parametrize("name", ["no durations", "numbers", "mixed", "boundary", "beyond the end"])
def test_events_of_version_7_3(name, bakusoku_command, tmp_path):
    compare(bakusoku_command, save73(tmp_path / "x.set", a_set(event=EVENTS[name])), tmp_path)


@pytest.mark.parametrize("name", ["one without", "types", "metres"])
def test_locations_of_version_7_3(name, bakusoku_command, tmp_path):
    compare(bakusoku_command, save73(tmp_path / "x.set", a_set(**LOCATIONS[name])), tmp_path)


def test_samples_beside_version_7_3(bakusoku_command, tmp_path):
    fields = a_set()
    fields["data"].T.tofile(tmp_path / "x.fdt")
    compare(bakusoku_command, save73(tmp_path / "x.set", fields | dict(data="x.fdt")), tmp_path)


def test_epochs_of_version_7_3(bakusoku_command, tmp_path):
    fields = a_set(
        3,
        100,
        4,
        epoch=recarray(eventtype=["a", ["a", "b"], "b", ["c"]]),
        event=recarray(type=["a", "a", "b", "b", "c"], latency=[51.0, 151.0, 152.0, 251.0, 351.0]),
    )
    same_epochs(bakusoku_command, save73(tmp_path / "x.set", fields), tmp_path)


def big_endian(fields):
    """A MAT 5 file as a computer of the other byte order writes it: numbers and texts, without structs."""

    def element(kind, payload):
        return np.array([kind, len(payload)], ">u4").tobytes() + payload + b"\0" * (-len(payload) % 8)

    out = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    for name, value in fields.items():
        text = isinstance(value, str)
        array = np.frombuffer(value.encode("utf-16-be"), ">u2")[np.newaxis] if text else np.atleast_2d(value)
        array_class, kind, dtype = (4, 4, ">u2") if text else {4: (7, 7, ">f4"), 8: (6, 9, ">f8")}[array.itemsize]
        parts = element(6, np.array([array_class, 0], ">u4").tobytes())
        parts += element(5, np.array(array.shape, ">i4").tobytes()) + element(1, name.encode())
        out += element(14, parts + element(kind, array.astype(dtype).tobytes("F")))
    return out


def test_the_other_byte_order(bakusoku_command, tmp_path):
    fields = a_set()
    for field in ("chanlocs", "event", "icawinv"):
        del fields[field]
    fields["chanlocs"] = np.zeros((0, 0))
    path = tmp_path / "x.set"
    path.write_bytes(big_endian(fields))
    compare(bakusoku_command, path, tmp_path)


def test_fiducials_are_turned_and_scaled_as_electrodes(bakusoku_command, tmp_path):
    places = recarray(
        labels=["nz", "lpa", "rpa"],
        type=["FID"] * 3,
        description=["Nasion", "Left periauricular point", "Right periauricular point"],
        X=[90.0, 1.0, 2.0],
        Y=[0.0, 80.0, -81.0],
        Z=[-3.0, -4.0, -5.0],
    )
    path = save(tmp_path / "x.set", a_set(chaninfo=dict(nodatchans=places)))
    ours, theirs = converted.ours(bakusoku_command, path, tmp_path), quietly(mne.io.read_raw_eeglab, path)
    same_info(ours, theirs, fiducials=False)
    points = {int(p["ident"]): p["r"] for p in ours.info["dig"] if p["kind"] == 1}
    np.testing.assert_allclose(points[1], [-0.080, 0.001, -0.004], atol=1e-6)
    np.testing.assert_allclose(points[2], [0, 0.090, -0.003], atol=1e-6)
    np.testing.assert_allclose(points[3], [0.081, 0.002, -0.005], atol=1e-6)


def test_what_mne_refuses(bakusoku_command, tmp_path):
    # An event before the first sample is left out.
    path = save(tmp_path / "x.set", a_set(event=recarray(type=["a", "b"], latency=[-5.0, 9.0])))
    with pytest.raises(ValueError, match="negative"):
        quietly(mne.io.read_raw_eeglab, path)
    assert list(converted.ours(bakusoku_command, path, tmp_path).annotations.description) == ["b"]
    # No duration is none.
    path = save(tmp_path / "x.set", a_set(event=recarray(type=["a"], latency=[9.0], duration=[[]])))
    same_annotations(
        converted.ours(bakusoku_command, path, tmp_path).annotations, mne.Annotations([8 / 250], [0.0], ["a"])
    )


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(srate=0.0), "`EEG.srate` is `0`"),
        (dict(srate="fast"), "`EEG.srate` is the text `fast`"),
        (dict(nbchan=5.0), "`EEG.data` is an array of [4, 1000] samples, expected samples of 5 channels"),
        (dict(chanlocs=recarray(labels=["A", "B"])), "`EEG.chanlocs` is a list of 2 channels"),
        (dict(data="nowhere.fdt"), "nowhere.fdt`, which is not there; neither is"),
        (dict(data=np.zeros((0, 0))), "expected samples of 4 channels"),
    ],
)
def test_sets_that_contradict_themselves(changes, message, bakusoku_command, tmp_path):
    path = save(tmp_path / "x.set", a_set(**changes))
    error = converted.convert(bakusoku_command, path, tmp_path / "ours_raw.fif")
    assert error is not None and message in " ".join(error.split()), error


def test_a_short_file_of_samples(bakusoku_command, tmp_path):
    fields = a_set()
    fields["data"][:, :-1].T.tofile(tmp_path / "x.fdt")
    path = save(tmp_path / "x.set", fields | dict(data="x.fdt"))
    error = converted.convert(bakusoku_command, path, tmp_path / "ours_raw.fif")
    assert "expected 16000 bytes" in " ".join(error.split()), error


def test_info_of_a_set(test_data, bakusoku_command):
    run = subprocess.run(
        [bakusoku_command, "info", str(test_data / "eeglab" / "eeglab_data.set")], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "32" in run.stdout and "128" in run.stdout
