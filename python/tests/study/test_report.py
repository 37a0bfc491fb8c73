"""The report in a browser: index, subjects' pages and the group average, from narrow to wide windows."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from urllib.parse import unquote

import mne
import numpy as np
import pytest

from .browser import Browser, program

WIDTHS = (400, 800, 1200, 1600)
CHECKS = Path(__file__).with_name("page_checks.js").read_text()

MANY = """
task = "audiovisual"
ch_types = ["meg", "eeg"]
find_flat_channels_meg = true
find_noisy_channels_meg = true
use_maxwell_filter = true
mf_st_duration = 5.0
mf_cal_missing = "warn"
mf_ctc_missing = "warn"
notch_freq = [50, 100]
l_freq = 1.0
h_freq = 40.0
raw_resample_sfreq = 250.0
eeg_reference = "average"
conditions = { auditory = 1, visual = 2 }
events = "stim"
epochs_tmin = -0.2
epochs_tmax = 0.6
baseline = [-0.2, 0.0]
contrasts = [["auditory", "visual"]]
noise_cov = ["none", 0]
noise_cov_method = "empirical"
psd = { fmax = 60, n_fft = 1024, n_overlap = 512 }
interpolate_bads_grand_average = false
"""

#: Names as nobody should give them.
LONG = "left/" + "x" * 295
ANGRY = "<b>&\"'</b>"


def pages(root: Path) -> list[Path]:
    return sorted(root.rglob("*report.html"))


@pytest.fixture(scope="module")
def browser():
    path = program()
    if path is None:
        pytest.skip("Chromium is not installed (apt-get install chromium): the report was not opened in a browser")
    browser = Browser(path)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def many(cli, tmp_path_factory) -> Path:
    """MEG and EEG, several runs, everything switched on; one subject's file is cut."""
    folder = tmp_path_factory.mktemp("many")
    cli.ok("simulate", folder, "--subjects", 3, "--runs", 2, "--duration", 15, "--seed", 5)
    broken = next(folder.glob("sub-02/meg/*run-02_meg.fif"))
    with broken.open("r+b") as file:
        file.truncate(broken.stat().st_size // 2)
    (folder / "study.toml").write_text(MANY)
    done = cli.run("run", folder / "study.toml", timeout=280)
    assert done.returncode == 1, done.stderr
    return folder / "derivatives" / "bakusoku"


@pytest.fixture(scope="module")
def strange(cli, tmp_path_factory) -> Path:
    """EEG without positions, names of any length and with any sign, sessions."""
    folder = tmp_path_factory.mktemp("strange")
    (folder / "dataset_description.json").write_text('{"Name": "<i>&", "BIDSVersion": "1.9.0"}')
    rng = np.random.default_rng(3)
    for subject, session in [("01", "a"), ("01", "b"), ("02", "a")]:
        eeg = folder / f"sub-{subject}" / f"ses-{session}" / "eeg"
        eeg.mkdir(parents=True)
        info = mne.create_info([ANGRY, "EEG " + "long " * 2, "Cz", "Pz"], 200.0, "eeg")
        raw = mne.io.RawArray(rng.normal(0, 1e-5, (4, 4000)), info, verbose="error")
        stem = eeg / f"sub-{subject}_ses-{session}_task-x"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            raw.save(f"{stem}_eeg.fif", verbose="error")
        rows = [f"{1 + 0.8 * i:.2f}\t0\t{name}" for i, name in enumerate([LONG, ANGRY.replace('"', "")] * 10)]
        Path(f"{stem}_events.tsv").write_text("\n".join(["onset\tduration\ttrial_type", *rows]) + "\n")
    names = [LONG, ANGRY.replace('"', "")]
    (folder / "study.toml").write_text(
        f"""
ch_types = ["eeg"]
data_type = "eeg"
l_freq = 1.0
h_freq = 40.0
conditions = {names!r}
contrasts = [{names!r}]
epochs_tmin = -0.1
epochs_tmax = 0.3
baseline = ["none", 0]
noise_cov = ["none", 0]
noise_cov_method = "empirical"
psd = {{ fmax = 60, n_fft = 256, n_overlap = 128 }}
interpolate_bads_grand_average = false
""".replace(repr(names[1]), f"'''{names[1]}'''")
    )
    cli.ok("run", folder / "study.toml")
    return folder / "derivatives" / "bakusoku"


def look(browser: Browser, page: Path) -> list[str]:
    wrong = []
    for width in WIDTHS:
        browser.open(page, width)
        found = browser.evaluate(CHECKS) + browser.complaints()
        wrong += [f"{page.name} at {width} px: {text}" for text in found]
    links = browser.evaluate("[...document.querySelectorAll('a[href]')].map((a) => a.getAttribute('href'))")
    for link in links:
        if not link.startswith("#") and not (page.parent / unquote(link)).is_file():
            wrong.append(f"{page.name}: {link} leads nowhere")
    return wrong


@pytest.mark.study
@pytest.mark.parametrize("study", ["many", "strange"])
def test_pages_look_as_they_should(browser, study, request):
    root = request.getfixturevalue(study)
    opened = pages(root)
    assert len(opened) == 4, opened
    wrong = [text for page in opened for text in look(browser, page)]
    assert not wrong, "\n".join(wrong)


def titles(browser: Browser, page: Path) -> list[str]:
    browser.open(page, 1200)
    return browser.evaluate("[...document.querySelectorAll('h2')].map((h) => h.textContent)")


@pytest.mark.study
def test_failures_stand_first_and_curves_are_drawn(browser, many):
    index = many / "report.html"
    assert titles(browser, index)[:3] == ["Failures", "Subjects", "Group"]
    text = browser.evaluate("document.querySelector('#failures').parentElement.textContent")
    assert "sub-02" in text and "run-02_meg.fif" in text and "failed" not in text
    page = next(many.glob("sub-01/meg/*_report.html"))
    shown = titles(browser, page)
    assert shown == ["Evoked responses", "Recordings", "Epochs", "Noise covariance", "Processing"]
    links = browser.evaluate("[...document.querySelectorAll('nav a')].map((a) => a.textContent)")
    assert links[1:] == shown
    plots = browser.evaluate(
        "[...document.querySelectorAll('#evoked ~ * .plot, #evoked ~ .plots .plot')]"
        ".map((p) => p.querySelectorAll('path').length)"
    )
    # Two conditions and a contrast, three channel types; every good channel has a curve, and so has the GFP.
    assert len(plots) == 9 and min(plots) > 50, plots
    strokes = browser.evaluate("[...document.querySelectorAll('.plot path')].map((p) => p.getAttribute('stroke'))")
    assert len(set(strokes)) > 50, set(strokes)
    # Maps at peaks, on a scale.
    assert browser.evaluate("document.querySelectorAll('.maps figure image').length") >= 9
    assert browser.evaluate("document.querySelectorAll('.maps .scale').length") == 9
    failed = next(many.glob("sub-02/meg/*_report.html"))
    assert "Epochs" not in titles(browser, failed)


@pytest.mark.study
def test_channels_without_positions_are_drawn(browser, strange):
    page = next(strange.glob("sub-01/ses-a/eeg/*_report.html"))
    browser.open(page, 1200)
    strokes = browser.evaluate("[...document.querySelectorAll('.plot path')].map((p) => getComputedStyle(p).stroke)")
    assert len(strokes) > 12 and "none" not in strokes[:5]
    text = browser.evaluate("document.body.textContent")
    assert "No channel has a position" in text
    assert ANGRY.replace('"', "") in text and LONG in text
    assert not re.search(r"NaN", page.read_text())


@pytest.mark.study
def test_the_index_counts_sessions_and_subjects(browser, strange):
    browser.open(strange / "report.html", 1200)
    tiles = browser.evaluate("[...document.querySelectorAll('.tile > *')].map((child) => child.textContent)")
    assert tiles[:4] == ["3 of 3", "sessions complete", "2", "subjects"]
