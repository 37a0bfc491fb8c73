"""What the kernels of independent components are told: channels, parameters, a fitted decomposition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._array import Array, as_int
from .._exceptions import ParameterError, UnsupportedError

# Of the algorithms that MNE calls: where they come to does not depend on them, only how.
_STEPS = {
    "fastica": {"algorithm", "fun", "fun_args", "whiten", "whiten_solver", "w_init"},
    "infomax": {
        "l_rate", "block", "w_change", "anneal_deg", "anneal_step", "n_subgauss", "kurt_size", "ext_blocks",
        "blowup", "blowup_fac", "n_small_angle", "use_bias", "weights", "verbose",
    },
    "picard": {"fun", "verbose"},
}  # fmt: skip
_OWN = {
    "fastica": {"tol", "max_iter"},
    "infomax": {"extended", "max_iter"},
    "picard": {
        "ortho", "extended", "tol", "max_iter", "m", "ls_tries", "lambda_min", "fastica_it", "w_init",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Channels:
    """Channels of some samples."""

    ch_names: list[str]
    ch_types: list[str]
    bads: list[str]
    sfreq: float
    projs: list[tuple[list[str], Array]]

    @classmethod
    def of(cls, info: Any) -> Channels:
        """As MNE describes them."""
        projs = [
            (list(p["data"]["col_names"]), np.ascontiguousarray(p["data"]["data"], np.float64))
            for p in info["projs"]
            if p["active"]
        ]
        return cls(list(info["ch_names"]), info.get_channel_types(), list(info["bads"]), float(info["sfreq"]), projs)


@dataclass(frozen=True)
class Asked:
    """What is asked of the algorithm."""

    n_components: float | None
    n_pca_components: float | None
    method: str
    ortho: bool | None
    extended: bool | None
    tol: float | None
    max_iter: int
    m: int
    ls_tries: int
    lambda_min: float
    fastica_it: int

    @classmethod
    def of(cls, ica: Any) -> Asked:
        """From an ICA that is to be fitted; what the kernel does not do is refused."""
        method, params = ica.method, dict(ica.fit_params)
        unknown = set(params) - _OWN[method] - _STEPS[method]
        if unknown:
            words = ", ".join(sorted(_OWN[method]))
            raise ParameterError(f"`fit_params` of {method!r} may hold {words}, got {', '.join(sorted(unknown))}")
        if params.get("fun") not in (None, "tanh", "logcosh") or params.get("fun_args") not in (
            None,
            {},
            {"alpha": 1.0},
        ):
            raise UnsupportedError(
                f"only the density of tanh (logcosh, alpha 1) is there, got {params.get('fun')!r}, "
                f"{params.get('fun_args')!r}; mne.preprocessing.ICA has the others"
            )
        return cls(
            n_components=None if ica.n_components is None else float(ica.n_components),
            n_pca_components=None if ica.n_pca_components is None else float(ica.n_pca_components),
            method=method,
            ortho=_flag(params, "ortho"),
            extended=_flag(params, "extended"),
            tol=None if params.get("tol") is None else float(params["tol"]),
            max_iter=as_int(params["max_iter"], "max_iter", 1),
            m=as_int(params.get("m", 7), "m", 1),
            ls_tries=as_int(params.get("ls_tries", 10), "ls_tries", 1),
            lambda_min=float(params.get("lambda_min", 0.01)),
            fastica_it=as_int(params.get("fastica_it") or 0, "fastica_it", 0),
        )


def _flag(params: Mapping[str, Any], name: str) -> bool | None:
    value = params.get(name)
    return None if value is None else bool(value)


@dataclass(frozen=True)
class Fit:
    """A fitted decomposition."""

    channels: Channels
    pre_whitener: Array
    pca_mean: Array
    pca_components: Array
    pca_explained_variance: Array
    unmixing_matrix: Array
    mixing_matrix: Array
    exclude: list[int]
    n_pca_components: float | None

    @classmethod
    def of(cls, ica: Any) -> Fit:
        """From MNE's object or ours."""
        n = len(ica.ch_names)
        mean = np.zeros(n) if ica.pca_mean_ is None else ica.pca_mean_
        return cls(
            channels=Channels.of(ica.info),
            pre_whitener=_matrix(ica.pre_whitener_),
            pca_mean=np.ascontiguousarray(mean, np.float64),
            pca_components=_matrix(ica.pca_components_),
            pca_explained_variance=np.ascontiguousarray(ica.pca_explained_variance_, np.float64),
            unmixing_matrix=_matrix(ica.unmixing_matrix_),
            mixing_matrix=_matrix(ica.mixing_matrix_),
            # What goes is said at each call.
            exclude=[],
            n_pca_components=None,
        )


def _matrix(x: Any) -> Array:
    return np.ascontiguousarray(x, np.float64)


def start_of(ica: Any, n_channels: int) -> tuple[Array | None, Array | None]:
    """The matrix that the search starts at, or the random numbers that it is made of (more than are needed)."""
    if ica.method == "infomax":
        # MNE's Infomax starts at the identity.
        return None, None
    given = ica.fit_params.get("w_init")
    if given is not None:
        return _matrix(given), None
    state: Any
    if ica.random_state is not None:
        state = ica.random_state
        if isinstance(state, np.random.RandomState):
            return None, state.normal(size=n_channels**2)
    else:
        state = np.random.default_rng() if ica.rng is None else ica.rng
        if isinstance(state, np.random.Generator):
            # As MNE hands a generator on to picard and scikit-learn.
            state = int(state.integers(np.iinfo(np.int32).max))
    if state is np.random:
        raise UnsupportedError("`random_state` must be a number, a RandomState or None, got the module numpy.random")
    return None, np.random.RandomState(as_int(state, "random_state", 0)).normal(size=n_channels**2)
