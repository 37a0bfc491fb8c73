"""The Maxwell filter against MNE, over all options, on a real and on made-up recordings."""

from __future__ import annotations

import io
import logging

import mne
import numpy as np
import pytest

from bakusoku import maxwell

from .metrics import by_type
from .recordings import empty_room, head_positions, segments, sensors, simulated
from .table import check, quiet

ORIGIN = (0.0, 0.0, 0.04)
BADS = ["MEG0113", "MEG1421", "MEG2443", "MEG0111"]
CALIBRATIONS = {"1D": "sss_cal_3053.dat", "3D": "sss_cal_3053_3d.dat"}


@pytest.fixture(scope="module")
def room(test_data):
    return empty_room(test_data)


@pytest.fixture(scope="module")
def recording(room):
    return simulated(room, 8.0, 100.0)


def log_of(function, *args, **kwargs):
    """A result of MNE's, and what it said."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    mne.utils.logger.addHandler(handler)
    level = mne.set_log_level("debug", return_old_level=True)
    try:
        with pytest.MonkeyPatch.context() as patch:
            # Nothing of it on the screen.
            others = [h for h in mne.utils.logger.handlers if h is not handler]
            [patch.setattr(h, "level", logging.CRITICAL) for h in others]
            return function(*args, **kwargs), text.getvalue()
    finally:
        mne.set_log_level(level)
        mne.utils.logger.removeHandler(handler)


def options(folder, kwargs):
    """Options of MNE's as our arrays want them."""
    kwargs = dict(kwargs)
    if kwargs.get("calibration") is not None:
        cal = mne.preprocessing.read_fine_calibration(folder / "sss" / CALIBRATIONS[kwargs["calibration"]])
        kwargs["calibration"] = list(zip(cal["ch_names"], cal["locs"], cal["imb_cals"], strict=True))
    if kwargs.get("cross_talk"):
        ctc = mne._fiff.proc_history._read_ctc(folder / "sss" / "ct_sparse.fif")
        kwargs["cross_talk"] = (ctc["ch_names"], ctc["decoupler"].toarray())
    if kwargs.get("destination") is not None:
        trans = np.eye(4)
        trans[:3, 3] = kwargs["destination"]
        kwargs["destination"] = trans
    if "extended_proj" in kwargs:
        kwargs["extended_proj"] = [(p["data"]["col_names"], p["data"]["data"]) for p in kwargs["extended_proj"]]
    kwargs.pop("skip_by_annotation", None)
    return kwargs


def mnes(folder, kwargs):
    kwargs = dict(kwargs)
    if kwargs.get("calibration") is not None:
        kwargs["calibration"] = folder / "sss" / CALIBRATIONS[kwargs["calibration"]]
    if kwargs.get("cross_talk"):
        kwargs["cross_talk"] = folder / "sss" / "ct_sparse.fif"
    return kwargs


def both(folder, raw, **kwargs):
    """Ours, MNE's, our report, and MNE's log."""
    skip = kwargs.get("skip_by_annotation", ("edge", "bad_acq_skip"))
    theirs, log = log_of(mne.preprocessing.maxwell_filter, raw, **mnes(folder, kwargs))
    ours, report = maxwell.maxwell_filter(
        raw.get_data(), sensors(raw), segments=segments(raw, skip), **options(folder, kwargs)
    )
    return ours, theirs.get_data(), report, log


def compare(row, folder, raw, bads=(), **kwargs):
    raw = raw.copy()
    raw.info["bads"] = list(bads)
    kwargs.setdefault("origin", ORIGIN)
    ours, theirs, report, log = both(folder, raw, **kwargs)
    windows = [int(line.split("Projecting")[1].split()[0]) for line in log.splitlines() if "Projecting" in line]
    assert [window["n_components"] for window in report["windows"]] == windows
    first = next(line for line in log.splitlines() if "in," in line) if "in," in log else None
    if first is not None:
        n_in = int(first.split("(")[1].split("/")[0])
        assert report["n_use_in"] == n_in
    case = " ".join(f"{k}={v}" for k, v in kwargs.items() if np.size(v) < 5 and k != "origin") + " bads" * bool(bads)
    check(row, case, ours, theirs, (raw.get_data(), raw.get_channel_types()))
    return report


@pytest.mark.parametrize("bads", [(), BADS], ids=["", "bads"])
@pytest.mark.parametrize(
    "kwargs",
    [
        dict(),
        dict(regularize=None),
        dict(regularize="in_argmax"),
        dict(int_order=5, ext_order=2),
        dict(ext_order=0),
        dict(int_order=9, ext_order=4, bad_condition="ignore"),
        dict(mag_scale="auto"),
        dict(mag_scale=1.0, bad_condition="ignore"),
        dict(calibration="1D"),
        dict(calibration="3D"),
        dict(cross_talk=True),
        dict(calibration="3D", cross_talk=True, regularize="in_argmax"),
        dict(destination=(0.0, 0.0, 0.06)),
        dict(coord_frame="meg", origin=(0.0, 0.013, -0.006)),
        dict(coord_frame="meg", origin="auto", calibration="1D"),
        dict(origin=(0.01, -0.02, 0.03), ignore_ref=True),
    ],
    ids=str,
)
def test_sss(test_data, room, kwargs, bads):
    compare("maxwell.maxwell_filter, SSS", test_data, room, bads, **kwargs)


def test_sss_without_a_head(test_data, room):
    raw = room.copy()
    with raw.info._unlock():
        raw.info["dev_head_t"] = None
    compare("maxwell.maxwell_filter, SSS", test_data, raw, coord_frame="meg", origin=(0.0, 0.013, -0.006))


@pytest.mark.parametrize("seed", range(4))
def test_regularization_keeps_the_same_moments(test_data, room, seed):
    rng = np.random.default_rng(seed)
    for how in ("in", "in_argmax"):
        raw = room.copy()
        raw.info["bads"] = list(rng.choice(raw.ch_names[:306], 5, replace=False))
        kwargs = dict(
            origin=tuple(rng.uniform([-0.02, -0.02, 0.02], [0.02, 0.02, 0.06])),
            regularize=how,
            calibration=rng.choice(["1D", "3D", None]),
        )
        theirs = quiet(mne.preprocessing.compute_maxwell_basis, raw.info, **mnes(test_data, kwargs), ignore_ref=False)
        ours = maxwell.compute_maxwell_basis(sensors(raw), **options(test_data, kwargs), ignore_ref=False)
        assert np.array_equal(ours[2], theirs[2]) and ours[3] == theirs[3]
        check("maxwell.compute_maxwell_basis", f"S {how} {seed}", ours[0], theirs[0])
        check("maxwell.compute_maxwell_basis", f"pS {how} {seed}", ours[1].T, theirs[1].T)


@pytest.mark.parametrize(
    "kwargs",
    [
        dict(st_duration=4.0),
        dict(st_duration=4.0, st_correlation=0.9),
        dict(st_duration=3.7, calibration="1D", cross_talk=True, bads=BADS),
        dict(st_duration=2.6, st_overlap=False),
        dict(st_duration=4.0, st_only=True),
        dict(st_duration=4.0, st_only=True, cross_talk=True, bads=BADS),
        dict(st_duration=4.0, st_fixed=False),
        dict(st_duration=4.0, destination=(0.0, 0.0, 0.06), regularize=None),
        dict(st_duration=0.5),
        dict(st_duration=8.0),
    ],
    ids=str,
)
def test_tsss(test_data, recording, kwargs):
    compare("maxwell.maxwell_filter, tSSS", test_data, recording, **kwargs)


@pytest.mark.parametrize("interference", [0.3, 100.0])
def test_tsss_with_little_and_much_interference(test_data, room, interference):
    raw = simulated(room, 8.0, 100.0, seed=3, interference=interference)
    report = compare("maxwell.maxwell_filter, tSSS", test_data, raw, st_duration=4.0)
    assert interference < 1 or min(window["n_components"] for window in report["windows"]) >= 3


def test_tsss_of_dependent_and_silent_channels(test_data, recording):
    raw = recording.copy()
    raw._data[5], raw._data[77] = raw._data[4], 0.0
    compare("maxwell.maxwell_filter, tSSS", test_data, raw, st_duration=4.0)
    raw._data[:306] = 0.0
    compare("maxwell.maxwell_filter, tSSS", test_data, raw, st_duration=4.0)


@pytest.mark.parametrize("duration", [3.03, 5.01])
def test_tsss_windows_of_an_odd_number_of_samples(recording, duration):
    # MNE refuses them with overlap; what we do lies between what we do with one sample less and one more.
    x, s = recording.get_data(), sensors(recording)
    kwargs = dict(origin=ORIGIN, st_correlation=0.95)
    odd, less, more = (maxwell.maxwell_filter(x, s, st_duration=duration + d, **kwargs)[0] for d in (0.0, -0.01, 0.01))
    size = np.abs(less - more).max()
    assert np.abs(odd - less).max() < 2 * size and np.abs(odd - more).max() < 2 * size
    with pytest.raises(ValueError, match="does not provide a constant output"):
        quiet(mne.preprocessing.maxwell_filter, recording, st_duration=duration, **kwargs)


@pytest.mark.parametrize(
    "kwargs",
    [
        dict(),
        dict(mc_interp="linear"),
        dict(mc_interp="zero"),
        dict(mc_interp="cos2", calibration="3D", cross_talk=True, bads=BADS),
        dict(destination=(0.0, 0.0, 0.05)),
        dict(st_duration=4.0),
        dict(st_duration=4.0, st_only=True),
        dict(st_duration=2.0, calibration="1D", bads=BADS, mc_interp="linear"),
        dict(st_duration=8.0, st_overlap=False, regularize="in_argmax"),
    ],
    ids=str,
)
def test_movement(test_data, recording, kwargs):
    positions = head_positions(recording)
    compare("maxwell.maxwell_filter, movement", test_data, recording, head_pos=positions, **kwargs)


@pytest.mark.parametrize("start, every", [(0.0, 0.21), (0.004, 3.0), (30.0, 1.0), (-0.0005, 1.0)])
def test_movement_begins_anywhere(test_data, recording, start, every):
    positions = head_positions(recording, every=every, start=start)
    if start == 30.0:
        positions = positions[:1] if len(positions) else head_positions(recording)[:1]
    compare("maxwell.maxwell_filter, movement", test_data, recording, head_pos=positions, st_duration=2.0)


@pytest.mark.parametrize("head", [False, True])
def test_skipped_stretches_stay_and_stand_alone(test_data, recording, head):
    raw = recording.copy()
    names = ["BAD_ACQ_SKIP", "EDGE boundary", "bad_acq_skip"]
    raw.set_annotations(mne.Annotations([1.0, 3.5, 4.2], [0.31, 0.0, 0.1], names))
    assert len(segments(raw)) == 6
    kwargs = dict(head_pos=head_positions(raw)) if head else {}
    # Stretches of 1.0, 2.2, 0.7 and 3.7 s: one of them is too short for a window.
    compare("maxwell.maxwell_filter, movement", test_data, raw, st_duration=1.0, **kwargs)
    # Plain SSS in MNE wants a stretch of ten seconds, or the recording's length.
    ours, _ = maxwell.maxwell_filter(raw.get_data(), sensors(raw), origin=ORIGIN, segments=segments(raw), **kwargs)
    assert np.array_equal(ours[: len(raw.ch_names), 100:131], raw.get_data()[:, 100:131])


def nudged(raw):
    """The same recording, every sample one ulp up."""
    raw = raw.copy()
    raw._data[:] = np.nextafter(raw._data, np.inf)
    return raw


def compare_with_wobble(row, folder, raw, kwargs, other, **other_kwargs):
    """Where MNE's own result changes with the last bit of its input: relative to ten times that change."""
    ours, theirs, _, _ = both(folder, raw, **kwargs)
    wobbled = quiet(mne.preprocessing.maxwell_filter, other, **{**kwargs, **other_kwargs}).get_data()
    given = (raw.get_data(), raw.get_channel_types())
    wobble = max(10 * by_type(wobbled, theirs, given), 1e-8)
    check(row, f"{by_type(ours, theirs, given):.1e} of {wobble:.1e}", ours / wobble, theirs / wobble, given)


@pytest.mark.parametrize("kwargs", [dict(), dict(mc_interp="zero", bads=BADS)], ids=str)
def test_tsss_after_movement(test_data, recording, kwargs):
    # Parts that change with the head have no sharp rank.
    positions = head_positions(recording)
    kwargs = dict(kwargs, origin=ORIGIN, head_pos=positions, st_duration=4.0, st_fixed=False)
    raw = recording.copy()
    raw.info["bads"] = list(kwargs.pop("bads", []))
    other = positions.copy()
    other[:, 1:7] = np.nextafter(other[:, 1:7], np.inf)
    compare_with_wobble("maxwell.maxwell_filter, ill-conditioned", test_data, raw, kwargs, nudged(raw), head_pos=other)


def test_tsss_of_what_was_filtered_before(test_data, recording):
    # What is left beside the inner part is rounding.
    raw = quiet(mne.preprocessing.maxwell_filter, recording, origin=ORIGIN)
    raw.info["proc_history"].clear()
    kwargs = dict(origin=ORIGIN, st_duration=4.0)
    compare_with_wobble("maxwell.maxwell_filter, ill-conditioned", test_data, raw, kwargs, nudged(raw))


def patterns(raw, n, seed=5):
    rng = np.random.default_rng(seed)
    names = [name for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True) if kind in ("mag", "grad")]
    vectors = np.linalg.qr(rng.standard_normal((len(names), n)))[0].T
    data = dict(col_names=names, row_names=None, data=vectors, ncol=len(names), nrow=n)
    return mne.Projection(active=False, data=data, kind=1, desc="interference", explained_var=None)


@pytest.mark.parametrize(
    "kwargs", [dict(), dict(ext_order=0), dict(regularize=None, bads=BADS), dict(st_duration=4.0)], ids=str
)
def test_extended_basis(test_data, recording, kwargs):
    # The second one holds nothing that the outer moments do not.
    basis = quiet(mne.preprocessing.compute_maxwell_basis, recording.info, origin=ORIGIN, regularize=None)[0]
    homogeneous = patterns(recording, 1)
    homogeneous["data"]["data"][:] = basis[:, 80:81].T / np.linalg.norm(basis[:, 80])
    extended = [patterns(recording, 3), homogeneous, patterns(recording, 1, seed=6)]
    row = "tSSS" if "st_duration" in kwargs else "SSS"
    report = compare(f"maxwell.maxwell_filter, {row}", test_data, recording, extended_proj=extended, **kwargs)
    assert report["n_extended"] == 5


@pytest.fixture(scope="module")
def faulty(room):
    raw = simulated(room, 12.0, 200.0, seed=8, interference=1.0)
    rng = np.random.default_rng(0)
    name = raw.ch_names.index
    for bad, size in (("MEG0642", 60.0), ("MEG1711", 30.0), ("MEG2122", 8.0), ("MEG0333", 100.0)):
        raw._data[name(bad)] += size * raw._data[name(bad)].std() * rng.standard_normal(len(raw.times))
    raw._data[name("MEG1013"), 500:520] = 0.0
    raw._data[name("MEG2042"), 100:1900] = 1e-13
    return raw


@pytest.mark.parametrize(
    "kwargs",
    [
        dict(),
        dict(limit=4.0, duration=1.3, min_count=3),
        dict(calibration="1D", cross_talk=True, min_count=1, bads=["MEG0333"]),
        dict(regularize="in_argmax", coord_frame="meg", origin=(0.0, 0.013, -0.006)),
        dict(head_pos=True, duration=2.5),
    ],
    ids=str,
)
def test_find_bad_channels(test_data, faulty, kwargs):
    kwargs = dict(kwargs)
    raw = faulty.copy()
    raw.info["bads"] = kwargs.pop("bads", [])
    kwargs.setdefault("origin", ORIGIN)
    if kwargs.pop("head_pos", False):
        kwargs["head_pos"] = head_positions(raw)
    noisy, flat, scores = quiet(
        mne.preprocessing.find_bad_channels_maxwell, raw, **mnes(test_data, kwargs), h_freq=None, return_scores=True
    )
    found = maxwell.find_bad_channels_maxwell(
        raw.get_data(), sensors(raw), segments=segments(raw), **options(test_data, kwargs)
    )
    assert (found["noisy"], found["flat"]) == (noisy, flat)
    assert noisy and flat
    assert found["ch_names"] == list(scores["ch_names"])
    case = " ".join(f"{k}={v}" for k, v in kwargs.items() if np.size(v) < 5 and k != "origin")
    check("maxwell.find_bad_channels_maxwell", f"{case} noisy", found["scores_noisy"], scores["scores_noisy"])
    size = scores["scores_flat"].max(initial=0.0, where=np.isfinite(scores["scores_flat"]))
    check(
        "maxwell.find_bad_channels_maxwell", f"{case} flat", found["scores_flat"] / size, scores["scores_flat"] / size
    )
    assert np.allclose(found["bins"], scores["bins"], atol=1e-12)
    for ours, theirs in ((found["limits_noisy"], "limits_noisy"), (found["limits_flat"], "limits_flat")):
        assert np.array_equal(ours, scores[theirs][:, 0], equal_nan=True)


def test_find_bad_channels_ends_where_all_are_flat(test_data, faulty):
    raw = faulty.copy()
    raw._data[:306, 1100:1500] = 0.0
    kwargs = dict(origin=ORIGIN, min_count=1, duration=2.0)
    noisy, flat = quiet(mne.preprocessing.find_bad_channels_maxwell, raw, h_freq=None, **kwargs)
    found = maxwell.find_bad_channels_maxwell(raw.get_data(), sensors(raw), **kwargs)
    assert (found["noisy"], found["flat"]) == (noisy, flat)
    assert found["all_flat"] and len(found["intervals"]) < found["n_intervals"]


def test_find_bad_channels_with_an_extended_basis(faulty):
    # MNE fails as soon as a channel is left out.
    proj = patterns(faulty, 2)
    extended = [(proj["data"]["col_names"], proj["data"]["data"])]
    found = maxwell.find_bad_channels_maxwell(faulty.get_data(), sensors(faulty), origin=ORIGIN, extended_proj=extended)
    assert found["noisy"] and found["report"]["n_extended"] == 2


def test_threads_change_no_bit(recording):
    x, s = recording.get_data(), sensors(recording)
    kwargs = dict(origin=ORIGIN, st_duration=2.0, head_pos=head_positions(recording))
    one, two = (maxwell.maxwell_filter(x, s, n_jobs=n, **kwargs)[0] for n in (1, 2))
    assert np.array_equal(one, two)
    one, two = (maxwell.find_bad_channels_maxwell(x, s, origin=ORIGIN, duration=1.0, n_jobs=n) for n in (1, 2))
    assert np.array_equal(one["scores_noisy"], two["scores_noisy"], equal_nan=True)


@pytest.mark.parametrize(
    "reference, kwargs, least_gain",
    [("devOrigin", dict(), 1.5), ("crossTalk", dict(cross_talk=True), 1.5), ("fineCal", dict(calibration="1D"), 0.999)],
)
def test_close_to_maxfilter(test_data, reference, kwargs, least_gain):
    """With MNE's coils as close to MaxFilter 2.2 as MNE is; with MEGIN's own table closer."""
    raw = empty_room(test_data)
    with raw.info._unlock():
        raw.info["dev_head_t"] = None
    name = f"test_move_anon_erm_{reference}_raw_sss.fif"
    maxfilters = mne.io.read_raw_fif(test_data / "sss" / name, allow_maxshield="yes", verbose="error").get_data()[:306]
    how = dict(origin=(0.0, 0.013, -0.006), coord_frame="meg", regularize=None, bad_condition="ignore")

    def snr(result):
        """Of the worst channel, and of the one in the middle."""
        ratio = np.sqrt((maxfilters**2).mean(1) / ((result[:306] - maxfilters) ** 2).mean(1))
        return np.array([ratio.min(), np.median(ratio)])

    def ours(coil_definitions):
        given = options(test_data, {**how, **kwargs})
        return snr(maxwell.maxwell_filter(raw.get_data(), sensors(raw), coil_definitions=coil_definitions, **given)[0])

    mne_s = snr(quiet(mne.preprocessing.maxwell_filter, raw, **how, **mnes(test_data, kwargs)).get_data())
    assert (ours("mne") >= 0.999 * mne_s).all(), (ours("mne"), mne_s)
    assert (ours("megin") >= least_gain * mne_s).all(), (ours("megin"), mne_s)


@pytest.mark.parametrize(
    "kwargs, word",
    [
        (dict(origin="auto"), "origin"),
        (dict(origin=(0.0, 0.0)), "origin"),
        (dict(int_order=20), "requested bases"),
        (dict(st_duration=9.0), "must be between 0"),
        (dict(st_correlation=1.1), "st_correlation"),
        (dict(st_only=True), "st_only"),
        (dict(coord_frame="mri"), "coord_frame"),
        (dict(regularize="out"), "regularize"),
        (dict(bad_condition="shrug"), "bad_condition"),
        (dict(mc_interp="cubic"), "mc_interp"),
        (dict(mag_scale="huge"), "mag_scale"),
        (dict(head_pos=np.zeros((3, 9))), "head_pos"),
        (dict(head_pos=np.zeros((3, 10))), "ascending"),
        (dict(head_pos=np.array([[1.0] + [0.0] * 9])), "first sample"),
        (dict(calibration=[("MEG0113", np.zeros(12), [1.0])]), "Not all MEG channels"),
        (dict(cross_talk=(["MEG0113"], np.eye(1))), "Missing MEG channels"),
        (dict(extended_proj=[(["MEG0113"], np.ones((1, 1)))]), "missing some"),
        (dict(destination=np.eye(3)), "destination"),
        (dict(coord_frame="meg", destination=np.eye(4)), "destination"),
        (dict(segments=[(0, 100, 1)]), "segments"),
        (dict(coil_definitions="ctf"), "coil_definitions"),
    ],
    ids=str,
)
def test_errors_say_what_was_expected(recording, kwargs, word):
    kwargs.setdefault("origin", ORIGIN)
    with pytest.raises(ValueError, match=word):
        maxwell.maxwell_filter(recording.get_data(), sensors(recording), **kwargs)


def test_what_is_no_number_is_named(recording):
    x = recording.get_data()
    x[recording.ch_names.index("MEG0432"), 250] = np.nan
    for kwargs in (dict(), dict(st_duration=2.0), dict(head_pos=head_positions(recording))):
        with pytest.raises(ValueError, match=r"`MEG0432` is NaN at 2\.500 s"):
            maxwell.maxwell_filter(x, sensors(recording), origin=ORIGIN, **kwargs)
