"""Independent components against MNE and picard."""

from __future__ import annotations

import copy

import mne
import numpy as np
import pytest

from bakusoku import _core
from bakusoku.preprocessing import ICA, read_ica

from .table import check, quiet

pytest.importorskip("picard")
ALGORITHMS = [
    dict(ortho=True),
    dict(ortho=True, extended=False),
    dict(ortho=False),
    dict(ortho=False, extended=True),
    dict(ortho=True, fastica_it=5),
]


def recording(n_times=15_000, seed=0, meg=True, sfreq=200.0, light_tails=True):
    """Heavy- and light-tailed sources on gradiometers, magnetometers and EEG."""
    rng = np.random.default_rng(seed)
    types = (["grad"] * 8 + ["mag"] * 4 if meg else []) + ["eeg"] * 7 + ["eog"]
    n = len(types) - 1
    # A spectrum, so that neighbours resemble one another; amplitudes that come and go, or that are limited.
    s = mne.filter.filter_data(rng.standard_normal((n, n_times)), sfreq, 1.0, 40.0, verbose="error")
    s /= s.std(1, keepdims=True)
    s *= np.exp(np.repeat(rng.normal(size=(n, n_times // 100)), 100, axis=1))
    if light_tails:
        s[n // 2 : n // 2 + 3] = np.tanh(3 * s[n // 2 : n // 2 + 3])
    mixing = rng.standard_normal((n, n)) + 2 * np.eye(n)
    units = np.array([dict(grad=1e-11, mag=1e-12, eeg=2e-5)[t] for t in types[:-1]])
    x = np.vstack([units[:, None] * (mixing @ s), 1e-4 * s[:1]])
    info = mne.create_info([f"{t}{k}" for k, t in enumerate(types)], sfreq, types)
    with info._unlock():
        info["highpass"] = 1.0
    return mne.io.RawArray(x, info, verbose="error")


def pair(inst, fit=None, **params):
    """Both, fitted to the same samples from the same start."""
    params = dict(method="picard", random_state=42, max_iter=1000) | params
    ours = quiet(ICA(**params, verbose="error").fit, inst, **(fit or {}))
    theirs = quiet(mne.preprocessing.ICA(**params, verbose="error").fit, inst, **(fit or {}))
    return ours, theirs


def unmixing(ica):
    return ica.unmixing_matrix_ @ ica.pca_components_[: ica.n_components_]


def amari(ours, theirs):
    p = unmixing(ours) @ np.linalg.pinv(unmixing(theirs))
    rows = [np.sum(np.sum(q**2, 1) / np.max(q**2, 1) - 1) for q in (p, p.T)]
    return sum(rows) / (2 * len(p))


def compare(case, ours, theirs, inst):
    assert ours.n_components_ == theirs.n_components_
    assert ours.n_samples_ == theirs.n_samples_
    assert ours.ch_names == theirs.ch_names
    check("preprocessing.ICA, whitening", case, ours.pre_whitener_, theirs.pre_whitener_)
    stable = theirs.pca_explained_variance_ > 1e-6 * theirs.pca_explained_variance_[0]
    check("preprocessing.ICA, whitening", case, ours.pca_components_[stable].T, theirs.pca_components_[stable].T)
    a, b = ours.get_sources(inst).get_data(), theirs.get_sources(inst).get_data()
    if a.ndim == 3:
        a, b = np.hstack(a), np.hstack(b)
    both = np.abs(np.corrcoef(a, b)[: len(a), len(a) :])
    # The same order, the same signs.
    check("preprocessing.ICA, components", case, np.diag(both), np.ones(len(a)))
    check("preprocessing.ICA, sources", case, a, b)
    check("preprocessing.ICA, Amari distance", case, amari(ours, theirs), 0.0)
    for select in (dict(exclude=[0, 2]), dict(include=[1])):
        cleaned = [quiet(ica.apply, inst.copy(), **select).get_data() for ica in (ours, theirs)]
        check("preprocessing.ICA.apply", f"{case} {select}", *cleaned, inst.get_data())


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=str)
@pytest.mark.parametrize("meg", [True, False])
def test_picard(algorithm, meg):
    # Without signs of the sources, those of light tails are no maximum: MNE's search wanders.
    light_tails = algorithm.get("extended", algorithm["ortho"])
    raw = recording(meg=meg, light_tails=light_tails)
    compare(f"{algorithm} meg {meg}", *pair(raw, fit_params=algorithm | dict(tol=1e-10)), raw)


@pytest.mark.parametrize(
    "params, fit",
    [
        (dict(n_components=5), {}),
        (dict(n_components=0.95), dict(decim=3)),
        (dict(n_components=0.99), dict(picks="eeg", start=2.0, stop=9000)),
        ({}, dict(picks=["eog", "mag"])),
        ({}, dict(reject=dict(grad=8e-10, eeg=3e-3), tstep=0.5)),
        ({}, dict(reject=dict(mag=8e-11), flat=dict(eeg=1e-8), tstep=1.0, decim=2)),
    ],
)
def test_what_is_decomposed(params, fit):
    raw = recording(seed=3)
    raw.set_annotations(mne.Annotations([10.0, 40.2], [3.0, 1.0], ["bad_movement", "good"]))
    raw.info["bads"] = ["eeg13"]
    fit_params = dict(ortho=False, extended=True, tol=1e-10)
    ours, theirs = pair(raw, fit, fit_params=fit_params, **params)
    compare(f"{params} {fit}", ours, theirs, raw)
    assert getattr(ours, "drop_inds_", None) == getattr(theirs, "drop_inds_", None)


def test_epochs_and_averages():
    raw = recording(seed=1)
    events = mne.make_fixed_length_events(raw, duration=1.0)
    epochs = mne.Epochs(raw, events, tmin=0, tmax=0.8, baseline=None, preload=True, verbose="error")
    ours, theirs = pair(epochs, dict(decim=2), fit_params=dict(tol=1e-10))
    compare("epochs", ours, theirs, epochs)
    evoked = epochs.average(picks="all")
    cleaned = [quiet(ica.apply, evoked.copy(), exclude=[1]).data for ica in (ours, theirs)]
    check("preprocessing.ICA.apply", "evoked", *cleaned, evoked.data)


def test_projectors_that_were_applied():
    raw = recording(seed=2)
    raw.set_eeg_reference(projection=True, verbose="error").apply_proj(verbose="error")
    compare("projector", *pair(raw, fit_params=dict(tol=1e-10)), raw)


def test_average_reference_leaves_a_direction_out():
    raw = recording(seed=2, meg=False)
    raw.set_eeg_reference(projection=False, verbose="error")
    ours, theirs = pair(raw, fit_params=dict(tol=1e-10))
    assert ours.n_components_ == 6
    compare("average reference", ours, theirs, raw)
    with pytest.raises(ValueError, match="rank 6"):
        ICA(7, method="picard", random_state=0).fit(raw)


@pytest.mark.parametrize("n_pca_components", [None, 8, 0.9999])
def test_principal_components_that_stand_for_the_data(n_pca_components):
    raw = recording(seed=5)
    ours, theirs = pair(raw, n_components=6, fit_params=dict(tol=1e-10))
    cleaned = [
        quiet(ica.apply, raw.copy(), exclude=[3], n_pca_components=n_pca_components, start=100, stop=40.0).get_data()
        for ica in (ours, theirs)
    ]
    check("preprocessing.ICA.apply", f"n_pca_components {n_pca_components}", *cleaned, raw.get_data())
    for components, ch_type in [(None, None), (0, "eeg"), ([1, 4], "mag")]:
        found = [
            ica.get_explained_variance_ratio(raw, components=components, ch_type=ch_type) for ica in (ours, theirs)
        ]
        assert found[0].keys() == found[1].keys()
        check("preprocessing.ICA, explained variance", f"{components} {ch_type}", *map(list, map(dict.values, found)))


def test_fastica_and_infomax_end_where_mne_s_do():
    raw = recording(seed=4, meg=False)
    for method, fit_params in [("fastica", dict(tol=1e-16)), ("infomax", dict(extended=True, w_change=1e-16))]:
        theirs = quiet(
            mne.preprocessing.ICA(
                method=method, random_state=1, fit_params=fit_params, max_iter=3000, verbose="error"
            ).fit,
            raw,
        )
        ours = quiet(ICA(method=method, random_state=1, fit_params=fit_params, verbose="error").fit, raw)
        a, b = ours.get_sources(raw).get_data(), theirs.get_sources(raw).get_data()
        found = np.abs(np.corrcoef(a, b)[: len(a), len(a) :])
        # Infomax takes steps at random and never quite stops.
        assert found.max(1).min() > 1 - (1e-9 if method == "fastica" else 1e-2)


def test_random_numbers_are_numpy_s():
    raw = recording(seed=6, meg=False)
    for start in (np.random.RandomState(5), np.random.default_rng(3)):
        key = "random_state" if isinstance(start, np.random.RandomState) else "rng"
        ours = ICA(method="picard", fit_params=dict(tol=1e-10), **{key: copy.deepcopy(start)}, verbose="error").fit(raw)
        theirs = mne.preprocessing.ICA(
            method="picard", fit_params=dict(tol=1e-10), **{key: start}, verbose="error"
        ).fit(raw)
        compare(f"start {type(start).__name__}", ours, theirs, raw)


def test_files_and_objects_go_both_ways(tmp_path):
    raw = recording(seed=7)
    ours, theirs = pair(raw, n_components=7, fit_params=dict(tol=1e-10))
    ours.exclude, theirs.exclude = [1, 4], [1, 4]
    ours.save(tmp_path / "ours_ica.fif", verbose="error")
    theirs.save(tmp_path / "theirs_ica.fif", verbose="error")
    for ica, of in (
        (mne.preprocessing.read_ica(tmp_path / "ours_ica.fif", verbose="error"), ours),
        (read_ica(tmp_path / "ours_ica.fif"), ours),
        (read_ica(tmp_path / "theirs_ica.fif"), theirs),
        (ours.to_mne(), ours),
        (ICA.from_mne(ours.to_mne()).copy(), ours),
        (ICA.from_mne(theirs), theirs),
    ):
        expected = of.apply(raw.copy()).get_data()
        check(
            "preprocessing.ICA.apply", "files and objects", ica.apply(raw.copy()).get_data(), expected, raw.get_data()
        )
    assert type(ours.to_mne()) is mne.preprocessing.ICA


@pytest.mark.parametrize("noise_cov", [False, True])
def test_files_pass_through_our_reader_and_writer(tmp_path, noise_cov):
    raw = recording(seed=7, meg=not noise_cov)
    cov = mne.make_ad_hoc_cov(raw.info, verbose="error") if noise_cov else None
    params = dict(method="picard", random_state=0, noise_cov=cov, n_components=0.95, fit_params=dict(ortho=False))
    theirs = quiet(mne.preprocessing.ICA(**params, verbose="error").fit, raw, reject=dict(eeg=1.0))
    theirs.labels_ = {"ecg": [1], "eog/0/EOG 1": [2, 0]}
    theirs.exclude = [0]
    theirs.save(tmp_path / "theirs_ica.fif", verbose="error")
    _core.ica_exclude_in_file(tmp_path / "theirs_ica.fif", tmp_path / "ours_ica.fif", [2, 1])
    again = mne.preprocessing.read_ica(tmp_path / "ours_ica.fif", verbose="error")
    assert again.exclude == [2, 1]
    before = mne.preprocessing.read_ica(tmp_path / "theirs_ica.fif", verbose="error")
    for name in ("unmixing_matrix_", "mixing_matrix_", "pca_mean_", "pca_components_", "pca_explained_variance_"):
        assert np.array_equal(getattr(again, name), getattr(before, name)), name
    assert np.array_equal(again.pre_whitener_, before.pre_whitener_)
    for name in (
        "ch_names",
        "n_components",
        "n_components_",
        "n_iter_",
        "n_samples_",
        "method",
        "labels_",
        "current_fit",
    ):
        assert getattr(again, name) == getattr(before, name), name
    assert again.fit_params == before.fit_params and again.reject_ == before.reject_
    theirs.exclude = [2, 1]
    cleaned = [quiet(ica.apply, raw.copy()).get_data() for ica in (again, theirs)]
    check("preprocessing.ICA.apply", "file through our reader and writer", *cleaned, raw.get_data())


def test_whitener_of_a_noise_covariance_is_applied():
    raw = recording(seed=8, meg=False)
    cov = mne.make_ad_hoc_cov(raw.info, verbose="error")
    theirs = mne.preprocessing.ICA(method="picard", noise_cov=cov, random_state=0, verbose="error").fit(raw)
    cleaned = [ica.apply(raw.copy(), exclude=[0]).get_data() for ica in (ICA.from_mne(theirs), theirs)]
    check("preprocessing.ICA.apply", "noise covariance", *cleaned, raw.get_data())


def test_arrays_are_as_objects():
    raw = recording(seed=9, meg=False)
    x = raw.get_data("eeg")
    kwargs = dict(method="picard", random_state=3, verbose="error")
    of_array = ICA(**kwargs).fit(x, ch_types=["eeg"] * len(x), sfreq=200.0)
    of_raw = ICA(**kwargs).fit(raw, picks="eeg")
    assert np.array_equal(of_array.unmixing_matrix_, of_raw.unmixing_matrix_)
    kept = x.copy()
    cleaned = of_array.apply(x, exclude=[0])
    assert np.array_equal(x, kept)
    assert np.array_equal(cleaned, of_raw.apply(raw.copy(), exclude=[0]).get_data("eeg"))
    stack = np.array([x[:, :500], x[:, 500:1000]])
    assert of_array.get_sources(stack).shape == (2, of_array.n_components_, 500)
    with pytest.raises(ValueError, match="shape"):
        of_array.apply(x[:3])


def test_threads_change_no_bit():
    raw = recording(seed=10)
    one, two = (ICA(method="picard", random_state=0, n_jobs=n, verbose="error").fit(raw) for n in (1, 2))
    assert np.array_equal(one.unmixing_matrix_, two.unmixing_matrix_)
    assert np.array_equal(one.apply(raw.copy(), exclude=[2]).get_data(), two.apply(raw.copy(), exclude=[2]).get_data())


def test_what_cannot_be_is_refused():
    raw = recording(n_times=2000, seed=11)
    with pytest.raises(ValueError, match="jamica"):
        ICA(method="jamica")
    with pytest.raises(NotImplementedError, match="noise_cov"):
        ICA(noise_cov=mne.make_ad_hoc_cov(raw.info, verbose="error"))
    with pytest.raises(ValueError, match="orthogonal"):
        ICA(method="picard", fit_params=dict(orthogonal=True)).fit(raw)
    with pytest.raises(NotImplementedError, match="cube"):
        ICA(method="picard", fit_params=dict(fun="cube")).fit(raw)
    with pytest.raises(ValueError, match="cannot be greater"):
        ICA(40, method="picard").fit(raw)
    with pytest.raises(RuntimeError, match="No fit"):
        ICA(method="picard").get_sources(raw)
    with pytest.raises(RuntimeError, match="no piece"):
        ICA(method="picard").fit(raw, reject=dict(eeg=1e-12))
    with pytest.raises(ValueError, match="below"):
        ICA(method="picard", random_state=0).fit(raw).apply(raw, exclude=[99])
    with pytest.warns(RuntimeWarning, match="did not converge"):
        ICA(method="picard", random_state=0, max_iter=2).fit(raw)
    bad = raw.copy()
    bad._data[3, 17] = np.nan
    with pytest.raises(ValueError, match="grad3.*NaN"):
        ICA(method="picard", random_state=0).fit(bad)
