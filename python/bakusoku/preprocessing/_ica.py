"""Independent components of recordings, epochs and arrays."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _core
from .. import _mne as m
from .._array import Array, as_float, as_int, as_jobs
from .._exceptions import DataError, ParameterError, UnsupportedError
from ._ica_arrays import Asked, Channels, Fit, start_of
from ._ica_scores import Scores

_STATE = (
    "pre_whitener_", "pca_mean_", "pca_components_", "pca_explained_variance_", "unmixing_matrix_", "mixing_matrix_",
)  # fmt: skip


class ICA(Scores):
    """Independent component analysis.

    It is an :class:`mne.preprocessing.ICA`, which can do whatever that one can: plots, scores, :meth:`save`. Fitting,
    sources and cleaning are bakusoku's, on MNE's objects as well as on arrays.

    Parameters
    ----------
    n_components : int | float | None
        How many components; below 1, the share of variance that they have to explain; ``None`` is 0.999999.
    noise_cov : None
        Only ``None``: channels are divided by the standard deviation of their type.
    rng : int | numpy.random.Generator | None
        Where the search starts; ``None`` is another place each time.
    random_state : int | numpy.random.RandomState | None
        The same, with the numbers of NumPy's ``RandomState``.
    method : "fastica" | "infomax" | "picard"
        See Notes.
    fit_params : dict | None
        ``tol``, ``max_iter``, ``extended`` and, of Picard, ``ortho, m, ls_tries, lambda_min, fastica_it, w_init``.
    max_iter : int | "auto"
        Most iterations; ``"auto"`` is 1000 for ``"fastica"``, else 500.
    allow_ref_meg : bool
        Whether reference channels of the MEG may be decomposed.
    verbose : object
        MNE's log level.
    n_jobs : int | None
        Threads; ``None`` is the budget.

    See Also
    --------
    mne.preprocessing.ICA : The attributes, and everything else that it can do.

    Notes
    -----
    All methods are searched by Picard (Ablin, Cardoso & Gramfort, 2018). ``"picard"`` takes the steps of the package
    ``picard`` with its defaults (``ortho=True``, ``extended`` as ``ortho``) from the same start. ``"fastica"`` ends at
    FastICA's fixed points and ``"infomax"`` at Infomax's optimum, to ``tol``, which for ``"fastica"`` is the square of
    Picard's, and 1e-7 of Picard unless told. Parameters that only say which steps these two take have no effect.
    Results depend on no number of threads.

    Examples
    --------
    >>> import numpy as np
    >>> from bakusoku.preprocessing import ICA
    >>> rng = np.random.default_rng(0)
    >>> sources = rng.laplace(size=(3, 2000))
    >>> x = 1e-5 * rng.standard_normal((3, 3)) @ sources
    >>> ica = ICA(method="picard", rng=97).fit(x, ch_types=["eeg"] * 3, sfreq=250.0)
    >>> found = ica.get_sources(x)
    >>> bool((abs(np.corrcoef(found, sources)[:3, 3:]).max(0) > 0.99).all())
    True
    >>> ica.apply(x, exclude=[0]).shape
    (3, 2000)
    """

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        noise_cov: Any = None,
        rng: Any = None,
        random_state: Any = None,
        method: str = "fastica",
        fit_params: dict[str, Any] | None = None,
        max_iter: int | str = "auto",
        allow_ref_meg: bool = False,
        verbose: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        if noise_cov is not None:
            raise UnsupportedError("`noise_cov` is not there yet, expected None; mne.preprocessing.ICA has it")
        if method not in ("fastica", "infomax", "picard"):
            raise ParameterError(f'`method` must be "fastica", "infomax" or "picard", got {method!r}')
        super().__init__(
            n_components=n_components,
            rng=rng,
            random_state=random_state,
            method=method,
            fit_params=fit_params,
            max_iter=max_iter,
            allow_ref_meg=allow_ref_meg,
            verbose=verbose,
        )
        self.n_jobs = n_jobs

    def fit(
        self,
        inst: Any,
        picks: Any = None,
        start: int | float | None = None,
        stop: int | float | None = None,
        decim: int | None = None,
        reject: dict[str, float] | None = None,
        flat: dict[str, float] | None = None,
        tstep: float = 2.0,
        reject_by_annotation: bool = True,
        verbose: Any = None,
        *,
        ch_types: Sequence[str] | None = None,
        ch_names: Sequence[str] | None = None,
        sfreq: float = 1.0,
    ) -> ICA:
        """Decompose a recording, epochs or an array.

        Parameters
        ----------
        inst : mne.io.Raw | mne.Epochs | array_like, shape (n_channels, n_times)
            The samples, high-pass filtered (at 1 Hz, say), in SI units.
        picks : str | list | slice | None
            Channels; ``None`` is good data channels.
        start, stop : int | float | None
            First sample, and one past the last one, or times in s; of a recording.
        decim : int | None
            Use every so many samples.
        reject, flat : dict of float | None
            Largest and smallest range of values by type of channel of a piece that is used; of a recording.
        tstep : float
            Length in s of a piece.
        reject_by_annotation : bool
            Leave out what is annotated as bad.
        verbose : object
            MNE's log level.
        ch_types, ch_names, sfreq : list of str, list of str, float
            What an array does not say; types are ``"eeg"`` unless told.

        Returns
        -------
        self : ICA
            The decomposition, its components in the order of the variance that they explain of ``inst``.
        """
        inst, quietly = _instance(inst, ch_types, ch_names, sfreq)
        with m.log_level("warning" if quietly and verbose is None else verbose):
            return self._fit_to(
                inst, picks, start, stop, decim, reject, flat, tstep,
                reject_by_annotation, quietly,
            )  # fmt: skip

    def _fit_to(self, inst, picks, start, stop, decim, reject, flat, tstep, reject_by_annotation, quietly):
        if not isinstance(inst, (m.BaseRaw, m.BaseEpochs)):
            raise TypeError(f"inst must be an instance of Raw or Epochs, or an array, got {type(inst)} instead")
        if np.isclose(inst.info["highpass"], 0.0) and not quietly:
            m.warn("The data has not been high-pass filtered: for a good ICA it should be, at 1.0 Hz for example")
        raw = isinstance(inst, m.BaseRaw)
        if not raw:
            if inst.baseline is not None:
                m.warn("The epochs were baseline-corrected: fit an ICA to data that are high-pass filtered instead")
            given = dict(start=start, stop=stop, reject=reject, flat=flat)
            ignored = [name for name, value in given.items() if value is not None]
            if ignored:
                m.warn(f"These parameters concern recordings, not epochs, and are ignored: {', '.join(ignored)}")
        picks = m.picks_of(inst.info, picks, with_ref_meg=self.allow_ref_meg)
        if not self.allow_ref_meg and "ref_meg" in inst.info.get_channel_types(picks):
            raise ParameterError("reference channels of the MEG need `allow_ref_meg=True`")
        decim = None if decim is None else as_int(decim, "decim", 1)
        asked = Asked.of(self)
        if asked.n_components is not None and asked.n_components > len(picks):
            raise ParameterError(
                f"ica.n_components ({self.n_components}) cannot be greater than len(picks) ({len(picks)})"
            )
        if self.current_fit != "unfitted":
            self._reset()
        m.log(f"Fitting ICA to data using {len(picks)} channels")
        info = m.pick_info(inst.info, picks)
        if info["comps"]:
            with m.unlocked(info):
                info["comps"] = []
        channels = Channels.of(info)
        self.reject_, dropped = None, None
        if raw:
            everything = _samples(inst, picks, 0, len(inst.times))
            x, whole = _selected(inst, picks, everything, start, stop, reject_by_annotation)
            x = x if decim is None else x[:, ::decim]
            whole = whole and decim in (None, 1)
            if reject is not None or flat is not None:
                used, dropped = _core.ica_good_pieces(
                    x, channels, decim or 1, _limits(reject), _limits(flat), float(tstep), as_jobs(self.n_jobs)
                )
                for first, last in dropped:
                    m.log(f"Artifact detected in [{first}, {last}]")
                x, whole = np.concatenate([x[:, first:last] for first, last in used], axis=1), False
                self.reject_ = reject
        else:
            if len(inst.events) == 0:
                raise DataError("there are no epochs to fit an ICA to")
            data = inst.get_data(picks=picks, copy=False)
            everything = np.hstack(data)
            whole = decim in (None, 1)
            x = everything if whole else np.hstack(data[:, :, ::decim])
            self.reject_ = copy.deepcopy(inst.reject)
        w_init, random = start_of(self, len(picks))
        found = _core.ica_fit(x, None if whole else everything, channels, asked, w_init, random, as_jobs(self.n_jobs))
        for name in _STATE:
            setattr(self, name, found[name.rstrip("_")])
        self.info, self.ch_names = info, info["ch_names"]
        self.n_components_ = len(self.unmixing_matrix_)
        self.n_iter_, self.n_samples_ = found["n_iter"], x.shape[1]
        if dropped is not None:
            self.drop_inds_ = dropped
        self._update_ica_names()
        m.log(f"Selected {self.n_components_} components; {self.n_iter_} iterations, gradient {found['gradient']:.2e}")
        for message in found["warnings"]:
            m.warn(message)
        self.current_fit = "raw" if raw else "epochs"
        return self

    def _fitted(self) -> Fit:
        if self.current_fit == "unfitted":
            raise DataError("No fit available. Please fit ICA.")
        return Fit.of(self)

    # What MNE's methods call on the samples that they have taken out of their objects.

    def _transform(self, data):
        return _core.ica_sources(as_float(data), self._fitted(), as_jobs(self.n_jobs))

    def _pick_sources(self, data, include, exclude, n_pca_components):
        data = as_float(data)
        return self._clean(data, include, exclude, n_pca_components)

    def _clean(self, data: Array, include, exclude, n_pca_components) -> Array:
        fit = self._fitted()
        if n_pca_components is None:
            n_pca_components = self.n_pca_components
        n = self._check_n_pca_components(n_pca_components)
        include = [] if include is None else np.unique(np.asarray(include, int)).tolist()
        exclude = sorted({int(index) for index in self._check_exclude(exclude)})
        gone = self.n_components_ - len(include) if include else len(exclude)
        m.log(f"    Transforming to ICA space ({self.n_components_} components)")
        m.log(f"    Zeroing out {gone} ICA component{'' if gone == 1 else 's'}")
        m.log(f"    Projecting back using {n} PCA components")
        _core.ica_apply(data, fit, include, exclude, float(n), as_jobs(self.n_jobs))
        return data

    def _apply_raw(self, raw, include, exclude, n_pca_components, start, stop):
        picks = m.pick_types(raw.info, meg=False, ref_meg=False, include=self.ch_names, exclude=[])
        run = _run(picks)
        contiguous = run is not None and raw.preload and raw._data.dtype == np.float64
        if not contiguous or [raw.ch_names[pick] for pick in picks] != list(self.ch_names):
            return super()._apply_raw(raw, include, exclude, n_pca_components, start, stop)
        start, stop = _sample(raw, start, 0), _sample(raw, stop, len(raw.times))
        # In place: nothing is copied.
        self._clean(raw._data[run, start:stop], include, exclude, n_pca_components)
        return raw

    def apply(
        self,
        inst: Any,
        include: Any = None,
        exclude: Any = None,
        n_pca_components: int | float | None = None,
        start: int | float | None = None,
        stop: int | float | None = None,
        *,
        on_baseline: str = "warn",
        verbose: Any = None,
    ) -> Any:
        """Take components out.

        Parameters
        ----------
        inst : mne.io.Raw | mne.Epochs | mne.Evoked | array_like, shape (..., n_channels, n_times)
            An object of MNE-Python is changed in place, its samples must be in memory; of an array, which holds the
            channels that were decomposed, a copy is returned.
        include : array_like of int | None
            Only these components stay.
        exclude : array_like of int | None
            These go, besides ``ica.exclude``.
        n_pca_components : int | float | None
            Principal components that stand for the data; all unless told.
        start, stop : int | float | None
            First sample, and one past the last one, or times in s; of a recording.
        on_baseline : str
            What to do with epochs that were baseline-corrected: ``"warn"``, ``"raise"``, ``"ignore"``, ``"reapply"``.
        verbose : object
            MNE's log level.

        Returns
        -------
        out : mne.io.Raw | mne.Epochs | mne.Evoked | ndarray
            The cleaned samples.
        """
        if isinstance(inst, (m.BaseRaw, m.BaseEpochs, m.Evoked)):
            return super().apply(
                inst, include, exclude, n_pca_components, start, stop, on_baseline=on_baseline, verbose=verbose
            )
        x = self._rows_of(inst)
        out = np.array(x)
        with m.log_level("warning" if verbose is None else verbose):
            for part in out.reshape(-1, *out.shape[-2:]):
                self._clean(part, include, exclude, n_pca_components)
        return out

    def get_sources(
        self, inst: Any, add_channels: Any = None, start: int | float | None = None, stop: int | float | None = None
    ) -> Any:
        """Time courses of the components.

        Parameters
        ----------
        inst : mne.io.Raw | mne.Epochs | mne.Evoked | array_like, shape (..., n_channels, n_times)
            The samples; an array holds the channels that were decomposed.
        add_channels : list of str | None
            Channels to copy beside them; of objects.
        start, stop : int | float | None
            First sample, and one past the last one, or times in s; of a recording.

        Returns
        -------
        sources : mne.io.Raw | mne.Epochs | mne.Evoked | ndarray, shape (..., n_components, n_times)
            The sources.
        """
        if isinstance(inst, (m.BaseRaw, m.BaseEpochs, m.Evoked)):
            return super().get_sources(inst, add_channels, start, stop)
        x = self._rows_of(inst)
        fit, jobs = self._fitted(), as_jobs(self.n_jobs)
        parts = [_core.ica_sources(part, fit, jobs) for part in x.reshape(-1, *x.shape[-2:])]
        return np.reshape(parts, (*x.shape[:-2], self.n_components_, x.shape[-1]))

    def _rows_of(self, inst: Any) -> Array:
        x = as_float(inst, "inst")
        n = len(self._fitted().channels.ch_names)
        if x.ndim < 2 or x.shape[-2] != n:
            raise ParameterError(f"`inst` must have shape (..., {n}, n_times), got {x.shape}")
        return x

    def _get_explained_variance_ratio_one_ch_type(self, *, inst, components, ch_type):
        rows = m.picks_of(inst.info, ch_type)
        names = [inst.ch_names[row] for row in rows]
        if not set(names) <= set(self.ch_names):
            return super()._get_explained_variance_ratio_one_ch_type(inst=inst, components=components, ch_type=ch_type)
        data = inst.get_data(picks=self._get_picks(inst))
        x = np.hstack(data) if data.ndim == 3 else data
        include = np.unique(np.asarray(components, int)).tolist()
        where = [list(self.ch_names).index(name) for name in names]
        return _core.ica_explained_variance_ratio(as_float(x), self._fitted(), include, where, as_jobs(self.n_jobs))

    def to_mne(self) -> m.MneICA:
        """The same decomposition as a plain :class:`mne.preprocessing.ICA`.

        Returns
        -------
        ica : mne.preprocessing.ICA
            A copy.
        """
        new = m.MneICA.__new__(m.MneICA)
        new.__dict__.update(copy.deepcopy({k: v for k, v in self.__dict__.items() if k != "n_jobs"}))
        return new

    @classmethod
    def from_mne(cls, ica: m.MneICA, n_jobs: int | None = None) -> ICA:
        """A decomposition of MNE-Python's, whose sources and cleaning are bakusoku's from here on.

        Parameters
        ----------
        ica : mne.preprocessing.ICA
            Fitted or not, by whatever method.
        n_jobs : int | None
            Threads; ``None`` is the budget.

        Returns
        -------
        ica : ICA
            A copy.
        """
        if not isinstance(ica, m.MneICA):
            raise TypeError(f"ica must be an instance of mne.preprocessing.ICA, got {type(ica)} instead")
        new = cls.__new__(cls)
        new.__dict__.update(copy.deepcopy(ica.__dict__))
        new.n_jobs = n_jobs
        return new


def read_ica(fname: Any, verbose: Any = None) -> ICA:
    """Read a decomposition.

    Parameters
    ----------
    fname : path-like
        A file, ``*_ica.fif``, of bakusoku or of MNE-Python.
    verbose : object
        MNE's log level.

    Returns
    -------
    ica : ICA
        The decomposition.

    See Also
    --------
    mne.preprocessing.read_ica : The same, which gives MNE's object.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from bakusoku.preprocessing import ICA, read_ica
    >>> x = np.random.default_rng(0).laplace(size=(3, 1000)) * 1e-5
    >>> ica = ICA(2, method="picard", rng=0).fit(x, sfreq=100.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = ica.save(f"{folder}/sub-01_ica.fif", verbose="error")
    ...     read_ica(f"{folder}/sub-01_ica.fif").n_components_
    2
    """
    with m.log_level("warning" if verbose is None else verbose):
        return ICA.from_mne(m.read_ica(fname))


def _instance(inst: Any, ch_types: Any, ch_names: Any, sfreq: float) -> tuple[Any, bool]:
    """MNE's object, or one around an array, and which of the two it is."""
    if isinstance(inst, (m.BaseRaw, m.BaseEpochs)) or hasattr(inst, "info"):
        return inst, False
    x = as_float(inst, "inst")
    if x.ndim != 2:
        raise ParameterError(f"`inst` must have shape (n_channels, n_times), got {x.shape}")
    types = ["eeg"] * len(x) if ch_types is None else [str(kind) for kind in ch_types]
    names = [str(k) for k in range(len(x))] if ch_names is None else [str(name) for name in ch_names]
    for name, values in (("ch_types", types), ("ch_names", names)):
        if len(values) != len(x):
            raise ParameterError(f"`{name}` must have one value per channel ({len(x)}), got {len(values)}")
    with m.log_level("error"):
        raw = m.RawArray(x, m.create_info(names, float(sfreq), types), copy=None)
    return raw, True


def _run(picks: np.ndarray) -> slice | None:
    """Neighbouring channels, as a slice."""
    if len(picks) and np.array_equal(picks, np.arange(picks[0], picks[0] + len(picks))):
        return slice(int(picks[0]), int(picks[0]) + len(picks))
    return None


def _sample(raw: Any, at: Any, default: int) -> int:
    if at is None:
        return default
    return int(at) if isinstance(at, (int, np.integer)) else int(raw.time_as_index(at)[0])


def _samples(raw: Any, picks: np.ndarray, start: int, stop: int) -> Array:
    """Samples of channels, of which no copy is made where that can be."""
    run = _run(picks)
    if raw.preload and run is not None and raw._data.dtype == np.float64:
        return raw._data[run, start:stop]
    return raw.get_data(picks, start, stop, verbose="error")


def _selected(raw, picks, everything, start, stop, reject_by_annotation) -> tuple[Array, bool]:
    """What is decomposed, and whether that is everything."""
    first, last = _sample(raw, start, 0), _sample(raw, stop, len(raw.times))
    if reject_by_annotation and any(text.upper().startswith("BAD") for text in raw.annotations.description):
        return raw.get_data(picks, first, last, "omit"), False
    x = everything[:, first:last]
    return x, x.shape == everything.shape


def _limits(given: dict[str, float] | None) -> list[tuple[str, float]]:
    return [(str(kind), float(limit)) for kind, limit in (given or {}).items() if limit is not None]
