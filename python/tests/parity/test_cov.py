"""Empirical covariance, projections and references against MNE."""

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


def test_deficient_rank():
    x, e = epochs(seed=2)
    e.set_eeg_reference("average", projection=False, verbose="error")
    theirs = quiet(mne.compute_covariance, e)
    ours, n_free = bakusoku.cov.compute_covariance(e.get_data(copy=False), ch_types=TYPES, rank=None)
    assert n_free == theirs["nfree"]
    check("cov.compute_covariance", "average reference, estimated rank", ours, theirs["data"])


def test_threads_change_no_bit():
    x, _ = epochs(60)
    one = bakusoku.cov.compute_covariance(x, ch_types=TYPES, n_jobs=1)[0]
    assert np.array_equal(one, bakusoku.cov.compute_covariance(x, ch_types=TYPES, n_jobs=2)[0])


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
