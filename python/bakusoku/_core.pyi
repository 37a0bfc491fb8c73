"""The compiled kernels. Arrays are float64 in C order; `n_jobs` 0 is the budget."""

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

_F = npt.NDArray[np.float64]
_I = npt.NDArray[np.int64]
_Limits = tuple[float | None, float | None]

__version__: str

def n_threads() -> int: ...
def command(launcher: list[str], args: list[str]) -> int: ...
def budget() -> tuple[int, int]: ...
def parse_bytes(text: str) -> int: ...

# ── the pool: workers, what goes to them, what comes back ──

class Block:
    """Shared memory, writable; has the buffer protocol."""

    def __len__(self) -> int: ...

class ArgumentBlock:
    """An argument in shared memory."""

    def __len__(self) -> int: ...

class Function:
    def __init__(self, body: bytes, blocks: list[ArgumentBlock]) -> None: ...

_Chunk = tuple[int, int, int, Function, bytes, list[ArgumentBlock], int]

class Job:
    def wait(self, seen: int, timeout: float | None) -> bool: ...
    def take(self) -> tuple[list[tuple[Any, ...]], int, bool]: ...
    def read(self, items: int) -> None: ...
    def wanted(self) -> bool: ...
    def came(self) -> None: ...
    def again(self, chunks: list[_Chunk], listener: Callable[[], None] | None) -> None: ...
    def cancel(self) -> None: ...
    def interrupt(self) -> None: ...

class WorkerPool:
    def __init__(
        self,
        callbacks: Any,
        size: int,
        max_tasks: int | None,
        cores: int,
        memory: int,
        threads: int | None,
        most_threads: int | None,
        elastic: bool,
    ) -> None: ...
    def job(
        self,
        tag: int,
        chunks: list[_Chunk],
        source: Any,
        listener: Callable[[], None] | None,
        chunksize: int | None,
        target: float,
        total: int | None,
        others: bool,
        ahead: int | None,
        timeout: float | None,
    ) -> Job: ...
    def close(self) -> None: ...
    def terminate(self) -> None: ...
    def join(self, timeout: float | None) -> bool: ...
    def processes(self) -> list[int]: ...
    def running(self) -> list[tuple[int, int]]: ...
    def broken(self) -> tuple[Any, ...] | None: ...

class Loan:
    """A large part of a function in a worker."""

    def view(self) -> Block: ...

class WorkerConnection:
    """A worker's connection to its owner."""

    def __init__(self, socket: int, owner: int, own: int) -> None: ...
    def next(self) -> tuple[Any, ...] | list[int] | None: ...
    def is_ours(self) -> bool: ...
    def allocate(self) -> None: ...
    def lay(self, buffer: Any) -> None: ...
    def laid(self) -> int: ...
    def take_back(self, keep: int) -> None: ...
    def answer(self, status: int, body: bytes) -> None: ...
    def watch(self, output: int, error: int) -> None: ...
    def send_message(self, body: bytes) -> None: ...
    def run(
        self,
        function: Any,
        items: list[Any],
        at: int,
        most: int,
        star: bool,
        load: Callable[[Any], Any] | None,
        values: list[Any],
    ) -> None: ...
    def item(self) -> int: ...
    def tell_threads(self) -> int: ...
    def is_interrupted(self) -> bool: ...

def place(buffer: Any, shared: bool) -> ArgumentBlock: ...
def prepare_forkserver(
    program: str, arguments: list[str], environment: list[tuple[str, str | None]], modules: bytes
) -> None: ...
def inherit_forkserver(socket: int) -> None: ...
def terminate_workers() -> None: ...
def forkserver() -> int | None: ...
def before_fork() -> None: ...
def after_fork() -> None: ...
def fork_is_safe() -> bool: ...
def die_with_parent(parent: int, gently: bool = False) -> bool: ...
def end_with_parent(parent: int) -> bool: ...
def adopt_orphans() -> None: ...
def kill_tree(pid: int) -> None: ...

#: Whether workers can be forked from a process of their own.
HAS_FORKSERVER: bool

# ── kernels ──

def filter_data(
    x: _F,
    sfreq: float,
    l_freq: list[float] | None,
    h_freq: list[float] | None,
    filter_length: str | int,
    l_trans_bandwidth: list[float] | None,
    h_trans_bandwidth: list[float] | None,
    phase: str,
    fir_window: str,
    fir_design: str,
    pad: str,
    n_jobs: int,
) -> _F: ...
def notch_filter(
    x: _F,
    sfreq: float,
    freqs: list[float],
    filter_length: str | int,
    notch_widths: list[float] | None,
    trans_bandwidth: float,
    phase: str,
    fir_window: str,
    fir_design: str,
    pad: str,
    n_jobs: int,
) -> _F: ...
def create_filter(
    sfreq: float,
    l_freq: list[float] | None,
    h_freq: list[float] | None,
    filter_length: str | int,
    l_trans_bandwidth: list[float] | None,
    h_trans_bandwidth: list[float] | None,
    phase: str,
    fir_window: str,
    fir_design: str,
) -> _F: ...
def resample(
    x: _F,
    up: float,
    down: float,
    window: str,
    window_args: list[float],
    pad: str,
    npad: int | None,
    method: str,
    n_jobs: int,
) -> _F: ...
def psd_array_welch(
    x: _F,
    sfreq: float,
    fmin: float,
    fmax: float,
    n_fft: int,
    n_overlap: int,
    n_per_seg: int | None,
    average: str | None,
    window: str,
    window_args: list[float],
    remove_dc: bool,
    output: str,
    n_jobs: int,
) -> tuple[npt.NDArray[Any], _F]: ...
def find_events(
    x: _F,
    sfreq: float,
    first_samp: int,
    output: str,
    consecutive: str,
    min_duration: float,
    shortest_event: int,
    mask: int | None,
    uint_cast: bool,
    mask_type: str,
    initial_event: bool,
) -> _I: ...
def cut_epochs(
    x: _F,
    sfreq: float,
    first_samp: int,
    events: _I,
    event_id: list[tuple[str, int]],
    tmin: float,
    tmax: float,
    baseline: _Limits | None,
    reject: list[tuple[str, float]],
    flat: list[tuple[str, float]],
    decim: int,
    reject_tmin: float | None,
    reject_tmax: float | None,
    detrend: int | None,
    event_repeated: str,
    ch_types: list[str],
    ch_names: list[str],
    bad_spans: list[tuple[float, float, str]],
    projs: _F | None,
    n_jobs: int,
) -> tuple[_F, _F, _I, _I, list[list[str]]]: ...
def average(epochs: _F, n_jobs: int) -> _F: ...
def compute_covariance(
    epochs: _F,
    sfreq: float,
    first: int,
    ch_types: list[str],
    keep_sample_mean: bool,
    tmin: float | None,
    tmax: float | None,
    rank: str,
    given: list[tuple[str, int]],
    method: list[str],
    shrinkage: float,
    cv: int,
    scalings: list[tuple[str, float]],
    n_jobs: int,
) -> tuple[list[tuple[str, float | None, _F]], int]: ...
def make_interpolation_matrix(pos_from: list[list[float]], pos_to: list[list[float]]) -> _F: ...
def make_projector(vectors: _F) -> _F: ...
def apply_matrix(matrix: _F, x: _F, n_jobs: int) -> _F: ...
def set_reference(x: _F, ref_channels: list[int], picks: list[int], n_jobs: int) -> _F: ...

# ── recordings ──

class Recording:
    """An open recording."""

    def describe(self) -> dict[str, Any]: ...
    def read(self, picks: list[int], start: int, stop: int, n_jobs: int) -> _F: ...

def open_recording(path: str | PathLike[str]) -> Recording: ...
def open_brainvision(
    path: str | PathLike[str],
    eog: list[int | str],
    misc: list[int | str] | None,
    scale: float,
    ignore_marker_types: bool,
) -> Recording: ...
def open_ctf(path: str | PathLike[str], truncate: bool, clean_names: bool, mark_trials: bool) -> Recording: ...
def open_eeglab(path: str | PathLike[str], eog: list[int | str] | None, montage_units: str) -> Recording: ...
def open_edf(path: str | PathLike[str], bdf: bool, arguments: dict[str, Any]) -> Recording: ...
def edf_labels(path: str | PathLike[str], infer_types: bool, exclude_after_unique: bool) -> list[str]: ...

# ── beside a recording ──

def fit_sphere_to_headshape(
    dig: list[tuple[int, int, list[float], int]],
    dev_head_t: list[list[float]] | None,
    dig_kinds: list[int] | None,
) -> tuple[float, list[float], list[float], list[str]]: ...
def read_fine_calibration(path: str | PathLike[str]) -> tuple[list[str], _F, list[list[float]]]: ...
def write_fine_calibration(
    path: str | PathLike[str],
    ch_names: list[str],
    locs: list[list[float]],
    imb_cals: list[list[float]],
) -> None: ...
def read_cross_talk(path: str | PathLike[str]) -> tuple[list[str], _F, str | None, tuple[int, int] | None]: ...
def read_head_pos(path: str | PathLike[str]) -> _F: ...
def write_head_pos(path: str | PathLike[str], pos: _F) -> None: ...
def maxwell_filter(
    x: _F,
    sensors: Any,
    options: dict[str, Any],
    segments: list[tuple[int, int, bool]] | None,
    n_jobs: int,
) -> tuple[_F, dict[str, Any]]: ...
def find_bad_channels_maxwell(
    x: _F,
    sensors: Any,
    options: dict[str, Any],
    segments: list[tuple[int, int, bool]] | None,
    limit: float,
    duration: float,
    min_count: int,
    n_jobs: int,
) -> dict[str, Any]: ...
def compute_maxwell_basis(sensors: Any, options: dict[str, Any]) -> dict[str, Any]: ...
def maxwell_plan(
    sensors: Any,
    options: dict[str, Any],
    segments: list[tuple[int, int, bool]] | None,
    n_times: int,
) -> dict[str, Any]: ...

# ── independent components; what has attributes is described in `preprocessing/_ica_arrays.py` ──

def ica_fit(
    x: _F,
    all: _F | None,
    channels: Any,
    asked: Any,
    w_init: _F | None,
    random: _F | None,
    n_jobs: int,
) -> dict[str, Any]: ...
def ica_good_pieces(
    x: _F,
    channels: Any,
    decim: int,
    reject: list[tuple[str, float]],
    flat: list[tuple[str, float]],
    tstep: float,
    n_jobs: int,
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]: ...
def ica_sources(x: _F, fit: Any, n_jobs: int) -> _F: ...
def ica_apply(
    x: _F, fit: Any, include: list[int], exclude: list[int], n_pca_components: float | None, n_jobs: int
) -> None: ...
def ica_exclude_in_file(source: str | PathLike[str], target: str | PathLike[str], exclude: list[int]) -> None: ...
def ica_explained_variance_ratio(x: _F, fit: Any, include: list[int], rows: list[int], n_jobs: int) -> float: ...

# ── heartbeats and blinks; a band is its lower and upper edge and the number of taps ──

_Band = tuple[float, float, int | None]

def artifact_band(x: _F, sfreq: float, band: _Band, n_jobs: int) -> _F: ...
def correlate_rows(sources: _F, targets: _F, n_jobs: int) -> _F: ...
def ctps(epochs: _F, n_jobs: int) -> tuple[_F, _F]: ...
def find_ecg_samples(
    ecg: _F,
    stretches: list[tuple[int, int]],
    sfreq: float,
    band: _Band,
    threshold: float | None,
    tstart: float,
    n_jobs: int,
) -> tuple[list[int], _F]: ...
def find_eog_samples(
    eog: _F, sfreq: float, band: _Band, thresh: float | None, tstart: float, n_jobs: int
) -> tuple[list[int], int]: ...
def find_outlying_scores(scores: _F, threshold: float, absolute: bool) -> tuple[list[int], list[list[int]]]: ...
def peak_finder(x: _F, thresh: float | None, up: bool) -> list[int]: ...
