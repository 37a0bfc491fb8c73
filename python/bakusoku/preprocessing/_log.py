"""What was done, as MNE's log lines: people read them, scripts look for them."""

from __future__ import annotations

from itertools import islice
from typing import Any


def _s(n: int, one: str = "") -> str:
    return one if n == 1 else "s"


def plan(m: Any, report: dict[str, Any], options: dict[str, Any], sfreq: float) -> None:
    """What is known before the first sample."""
    message = f"    Processing {report['n_grads']} gradiometers and {report['n_mags']} magnetometers"
    if report["n_kit"]:
        message += f" (of which {report['n_kit']} are actually KIT gradiometers)"
    m.log(message)
    if options["mag_scale"] == "auto":
        m.log(f"    Setting mag_scale={report['mag_scale']:0.2f}")
    calibration = report["calibration"]
    if calibration is not None:
        if calibration["adjusted"]:
            m.log("        Adjusting non-orthogonal EX and EY")
        m.log(
            "        Adjusted coil orientations by (μ ± σ): "
            f"{calibration['angle_mean']:0.1f}° ± {calibration['angle_std']:0.1f}° "
            f"(max: {calibration['angle_max']:0.1f}°)"
        )
    if options["st_duration"] is not None:
        m.log(f"    Processing data using tSSS with st_duration={round(options['st_duration'] * sfreq) / sfreq}")


def warnings(m: Any, report: dict[str, Any]) -> None:
    """What somebody should know."""
    for message in report["warnings"]:
        m.warn(message)


def bases(m: Any, report: dict[str, Any], options: dict[str, Any], sfreq: float) -> None:
    """Moments kept, and how well the basis could be inverted."""
    for index, basis in enumerate(report["decompositions"]):
        n_in, n_in_all, n_out, n_out_all = (basis[key] for key in ("n_in", "n_in_all", "n_out", "n_out_all"))
        m.debug(f"    ~   MC Eval @ {index} ({round(basis['time'] * sfreq)})")
        if options["regularize"] is not None and n_in_all:
            share = 100 * basis["information"] / basis["peak_information"]
            m.debug(
                f"        Resulting information: {basis['information']:0.1f} bits/sample "
                f"({share:0.1f}% of peak {basis['peak_information']:0.1f})"
            )
        if options["regularize"] is not None or n_out != n_out_all:
            m.log(
                f"        Using {n_in + n_out}/{n_in_all + n_out_all} harmonic components for {basis['time']:8.3f}  "
                f"({n_in}/{n_in_all} in, {n_out}/{n_out_all} out)"
            )
        if options["bad_condition"] == "info" and basis["condition"] >= 1000.0:
            m.log(f"Matrix is badly conditioned: {basis['condition']:0.0f} >= 1000")


def windows(m: Any, report: dict[str, Any], options: dict[str, Any], sfreq: float) -> None:
    """Windows of the temporal extension, and what was taken out in each."""
    if options["st_duration"] is None:
        return
    all_windows = iter(report["windows"])
    for stretch in report["segments"]:
        n = stretch["n_windows"]
        m.log(
            f"    Processing {n:4d} data chunk{_s(n)} of (at least) {stretch['window'] / sfreq:0.1f} s with "
            f"{stretch['overlap'] / sfreq:0.1f} s overlap and {'hann' if stretch['overlap'] else 'boxcar'} windowing"
        )
        if stretch["tail"]:
            m.log(f"    The final {stretch['tail'] / sfreq} s will be lumped into the final window")
        for window in islice(all_windows, n):
            k, p = window["n_components"], window["n_positions"]
            message = (
                f"        Projecting {k:2d} intersecting tSSS component{_s(k, ' ')} for "
                f"{window['start'] / sfreq:8.3f} - {(window['stop'] - 1) / sfreq:8.3f} s"
            )
            m.log(message + (f" (across {p:2d} position{_s(p, ' ')})" if p > 1 else ""))
