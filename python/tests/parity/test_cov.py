"""Covariances, projections and references against MNE."""

from __future__ import annotations

import mne
import numpy as np
import pytest

import bakusoku

from .signals import brain
from .table import check, quiet

TYPES = ["grad"] * 6 + ["mag"] * 3 + ["eeg"] * 5
SCALE = {"grad": 1e-11, "mag": 1e-12, "eeg": 2e-5}


def epochs(n_epochs=30, n_times=200, seed=0):
    mix = np.random.default_rng(seed).standard_normal((len(TYPES), len(TYPES)))
    x = mix @ brain(len(TYPES), n_epochs * n_times, 250.0, seed, scale=1.0)
    x = (
        (x * np.array([SCALE[t] for t in TYPES])[:, None])
        .reshape(len(TYPES), n_epochs, n_times)
        .transpose(1, 0, 2)
        .copy()
    )
    info = mne.create_info([f"{t}{i}" for i, t in enumerate(TYPES)], 250.0, TYPES)
    return x, mne.EpochsArray(x, info, tmin=-0.2, baseline=(None, 0), verbose="error")


@pytest.mark.parametrize("keep_sample_mean", [True, False])
@pytest.mark.parametrize("tmin, tmax", [(None, None), (None, 0.0), (0.05, 0.4), (-0.1, 0.1)])
@pytest.mark.parametrize("rank", [None, "info", "full"])
def test_empirical(keep_sample_mean, tmin, tmax, rank):
    _, e = epochs()
    theirs = quiet(mne.compute_covariance, e, keep_sample_mean=keep_sample_mean, tmin=tmin, tmax=tmax, rank=rank)
    ours, n_free = bakusoku.cov.compute_covariance(
        e.get_data(copy=False),
        ch_types=TYPES,
        times=e.times,
        tmin=tmin,
        tmax=tmax,
        keep_sample_mean=keep_sample_mean,
        rank=rank,
    )
    assert n_free == theirs["nfree"]
    check("cov.compute_covariance", f"keep {keep_sample_mean} {tmin} {tmax} rank {rank}", ours, theirs["data"])


METHODS = ["empirical", "diagonal_fixed", "ledoit_wolf", "oas", "shrinkage", "shrunk"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rank", [None, "info", "full"])
@pytest.mark.parametrize("n_epochs, tmax, seed", [(30, None, 0), (7, 0.0, 3), (5, -0.1, 5)])
def test_methods(method, rank, n_epochs, tmax, seed):
    _, e = epochs(n_epochs, seed=seed)
    theirs = quiet(mne.compute_covariance, e, method=method, tmax=tmax, rank=rank)
    ours, n_free = bakusoku.cov.compute_covariance(
        e.get_data(copy=False), ch_types=TYPES, times=e.times, tmax=tmax, method=method, rank=rank
    )
    assert n_free == theirs["nfree"]
    case = f"{method} rank {rank} {n_epochs} epochs"
    check("cov.compute_covariance, regularised", case, ours, theirs["data"])


@pytest.mark.parametrize("method", [["empirical", "shrunk", "oas"], ["diagonal_fixed", "ledoit_wolf"], "auto"])
@pytest.mark.parametrize("cv", [3, 5])
def test_best_method(method, cv):
    x, e = epochs(9, n_times=101, seed=8)
    theirs = quiet(mne.compute_covariance, e, method=method, cv=cv, return_estimators=True)
    ours, _ = bakusoku.cov.compute_covariance(x, ch_types=TYPES, method=method, cv=cv, return_estimators=True)
    assert [c.method for c in ours] == [c["method"] for c in theirs]
    for a, b in zip(ours, theirs, strict=True):
        assert a.loglik == pytest.approx(b["loglik"], rel=1e-10)
        check("cov.compute_covariance, regularised", f"{method} {cv}: {a.method}", a.cov, b["data"])
    best, _ = bakusoku.cov.compute_covariance(x, ch_types=TYPES, method=method, cv=cv)
    assert np.array_equal(best, ours[0].cov)


def test_scalings_and_given_shrinkage():
    x, e = epochs(12, seed=4)
    scalings, params = dict(mag=1e12, grad=1e11, eeg=1e5), dict(shrinkage=dict(shrinkage=0.3))
    for method in ("shrinkage", "shrunk", "diagonal_fixed"):
        theirs = quiet(mne.compute_covariance, e, method=method, scalings=scalings, method_params=params)
        ours, _ = bakusoku.cov.compute_covariance(
            x, ch_types=TYPES, method=method, scalings=scalings, method_params=params
        )
        check("cov.compute_covariance, regularised", f"{method}, other scalings", ours, theirs["data"])


def _reduced_by_mne(z, method):
    """MNE's estimators in a space in which all dimensions are of one type."""
    from mne.cov import _ShrunkCovariance
    from sklearn.covariance import OAS, LedoitWolf, ShrunkCovariance
    from sklearn.model_selection import GridSearchCV

    kw = dict(store_precision=False, assume_centered=True)
    if method == "shrunk":
        grid = [{"shrinkage": np.logspace(-4, 0, 30)}]
        c = GridSearchCV(ShrunkCovariance(**kw), grid, cv=3).fit(z).best_estimator_.shrinkage
    else:
        c = {"oas": OAS, "ledoit_wolf": LedoitWolf}[method](**kw).fit(z).shrinkage_
    return _ShrunkCovariance(shrinkage=c, **kw).fit(z).covariance_


@pytest.mark.parametrize("method", ["shrunk", "oas", "ledoit_wolf"])
def test_methods_in_the_space_of_the_rank(method):
    # MNE's own choice of a basis of this space is decided by rounding errors, and it counts one of its dimensions
    # more than once: its estimators are asked for the answer in the space itself.
    rng = np.random.default_rng(11)
    x = rng.standard_normal((20, 8, 8))[0] @ rng.standard_normal((25, 8, 90)) * 1e-5
    x -= x.mean(axis=1, keepdims=True)
    ours, _ = bakusoku.cov.compute_covariance(x, ch_types=["eeg"] * 8, method=method)
    flat = np.hstack(x).T * 1e6
    _, vectors = np.linalg.eigh(flat.T @ flat)
    basis = vectors[:, 1:]
    theirs = basis @ _reduced_by_mne(flat @ basis, method) @ basis.T * len(flat) / (len(flat) - 1) / 1e12
    check("cov.compute_covariance, regularised", f"{method}, average reference", ours, theirs)
    info = mne.create_info(8, 100.0, "eeg")
    mnes = quiet(mne.compute_covariance, mne.EpochsArray(x, info, verbose="error"), method=method)
    # As near as MNE's own answers for two bases are to one another.
    assert np.linalg.norm(mnes["data"] - ours) < 0.02 * np.linalg.norm(ours)


def test_unknown_methods_are_said_to_be_mne_s():
    x, _ = epochs(4)
    with pytest.raises(ValueError, match="MNE-Python has factor_analysis"):
        bakusoku.cov.compute_covariance(x, ch_types=TYPES, method="factor_analysis")
    with pytest.raises(ValueError, match="keep_sample_mean"):
        bakusoku.cov.compute_covariance(x, ch_types=TYPES, method="oas", keep_sample_mean=False)
    with pytest.raises(ValueError, match="rank"):
        bakusoku.cov.compute_covariance(x, ch_types=TYPES, rank=7)
    with pytest.raises(ValueError, match="rank"):
        bakusoku.cov.compute_covariance(x, ch_types=TYPES, rank=dict(eeg=-1))
    x[2, 7, 30] = np.nan
    with pytest.raises(ValueError, match=r"channel `7` is NaN at 0.120 s"):
        bakusoku.cov.compute_covariance(x, ch_types=TYPES, times=np.arange(200) / 250.0, tmin=0.0)


def test_deficient_rank():
    x, e = epochs(seed=2)
    e.set_eeg_reference("average", projection=False, verbose="error")
    theirs = quiet(mne.compute_covariance, e)
    ours, n_free = bakusoku.cov.compute_covariance(e.get_data(copy=False), ch_types=TYPES, rank=None)
    assert n_free == theirs["nfree"]
    check("cov.compute_covariance", "average reference, estimated rank", ours, theirs["data"])


def test_threads_change_no_bit():
    x, _ = epochs(60)
    for method in METHODS:
        one = bakusoku.cov.compute_covariance(x, ch_types=TYPES, method=method, n_jobs=1)[0]
        assert np.array_equal(one, bakusoku.cov.compute_covariance(x, ch_types=TYPES, method=method, n_jobs=2)[0])


def test_average_reference():
    x, e = epochs(4)
    flat = x.transpose(1, 0, 2).reshape(len(TYPES), -1)
    raw = mne.io.RawArray(flat, e.info, verbose="error")
    raw.set_eeg_reference("average", projection=False, verbose="error")
    eeg = [i for i, t in enumerate(TYPES) if t == "eeg"]
    ours = bakusoku.reference.set_eeg_reference(flat, picks=eeg)
    check("reference.set_eeg_reference", "average", ours, raw.get_data(), flat)
    raw = mne.io.RawArray(flat, e.info, verbose="error")
    raw.set_eeg_reference([e.ch_names[eeg[0]], e.ch_names[eeg[2]]], verbose="error")
    ours = bakusoku.reference.set_eeg_reference(flat, [eeg[0], eeg[2]], picks=eeg)
    check("reference.set_eeg_reference", "two channels", ours, raw.get_data(), flat)


@pytest.mark.parametrize("n_vectors", [1, 2, 4])
def test_projector(n_vectors):
    x, e = epochs(3, seed=4)
    flat = x.transpose(1, 0, 2).reshape(len(TYPES), -1)
    raw = mne.io.RawArray(flat, e.info, verbose="error")
    rng = np.random.default_rng(1)
    meg = [n for n, t in zip(e.ch_names, TYPES, strict=True) if t in ("grad", "mag")]
    projs, vectors = [], np.zeros((n_vectors, len(TYPES)))
    for k in range(n_vectors):
        v = rng.standard_normal((1, len(meg)))
        v /= np.linalg.norm(v)
        vectors[k, : len(meg)] = v
        projs.append(
            mne.Projection(
                data=dict(nrow=1, ncol=len(meg), row_names=None, col_names=meg, data=v),
                active=False,
                kind=1,
                desc=f"v{k}",
                explained_var=None,
            )
        )
    raw.add_proj(projs).apply_proj(verbose="error")
    ours = bakusoku.proj.apply_proj(flat, bakusoku.proj.make_projector(vectors))
    check("proj.apply_proj", f"{n_vectors} vectors", ours, raw.get_data(), flat)
