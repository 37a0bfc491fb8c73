"""``bakusoku bids IN OUT participant|group``: the contract of BIDS Apps."""

from __future__ import annotations

import json
import shutil

import pytest

from .conftest import data_files, recordings

pytestmark = pytest.mark.study
KEYS = 'ch_types = ["meg"]\nl_freq = 0.5\nh_freq = 40.0\nconditions = ["auditory", "visual"]\n'


@pytest.fixture(scope="module")
def dataset(cli, tmp_path_factory):
    folder = tmp_path_factory.mktemp("app") / "in"
    cli.ok("simulate", folder, "--subjects", 3, "--duration", 15, "--sfreq", 300)
    return folder


def test_people_one_by_one_and_then_the_group_give_what_run_gives(cli, dataset, tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(f'bids_root = "{dataset}"\nderiv_root = "whole"\n{KEYS}')
    cli.ok("run", study)
    out, work = tmp_path / "parts", tmp_path / "work"
    call = ["bids", dataset, out, "participant", "--config", study, "-w", work]
    cli.ok(*call, "--participant_label", "01", "sub-03", "--n_cpus", 1, "--mem_mb", 4000, "--skip_bids_validation")
    assert not (out / "report.html").exists()
    assert not (out / "sub-02").exists()
    cli.ok(*call, "--participant-label", "02")
    cli.ok("bids", dataset, out, "group", "--config", study)
    assert data_files(out) == data_files(tmp_path / "whole")
    assert "3 of 3" in (out / "report.html").read_text()
    description = json.loads((out / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative" and description["GeneratedBy"][0]["Name"] == "bakusoku"


def test_without_a_study_file_one_is_drafted_and_kept(cli, dataset, tmp_path):
    out = tmp_path / "out"
    said = cli.ok("bids", dataset, out, "participant", "--participant-label", "01").stderr
    assert "what the recordings suggest" in said
    study = out / "study.toml"
    study.write_text(study.read_text().replace("l_freq = 0.1", "l_freq = 1.0"))
    assert "suggest" not in cli.ok("bids", dataset, out, "participant", "--participant-label", "02").stderr
    assert "l_freq = 1.0" in study.read_text()


def test_what_is_wrong_is_said_and_the_status_tells(cli, dataset, tmp_path):
    broken = tmp_path / "in"
    shutil.copytree(dataset, broken)
    (path,) = (path for path in recordings(broken) if "sub-02" in str(path))
    path.write_bytes(path.read_bytes()[:2000])
    out = tmp_path / "out"
    failed = cli.run("bids", broken, out, "participant", "--participant-label", "02")
    assert failed.returncode == 1 and path.name in failed.stderr
    cli.ok("bids", broken, out, "participant", "--participant-label", "01", "03")
    assert cli.run("bids", broken, out, "group").returncode == 1
    report = (out / "report.html").read_text()
    assert "2 of 3" in report and path.name in report
    for arguments, expected in [
        (["--participant-label", "09"], "`09` is none of the study's subjects"),
        (["--session-label", "a"], "no session `a`"),
        (["--task-id", "rest"], "rest"),
    ]:
        wrong = cli.run("bids", broken, out, "participant", *arguments)
        assert wrong.returncode != 0 and expected in wrong.stderr, (arguments, wrong.stderr)
    assert "is not a directory" in cli.run("bids", tmp_path / "nowhere", out, "participant").stderr
