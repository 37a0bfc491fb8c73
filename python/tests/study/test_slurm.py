"""A study on a real Slurm on this machine: killed units, a damaged recording, a controller that restarts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import data_files, recordings

pytestmark = pytest.mark.study
ROOT = Path(__file__).parents[3]
KEYS = """
ch_types = ["meg"]
l_freq = 0.5
h_freq = 40.0
conditions = ["auditory", "visual"]
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """The environment of a Slurm that is up, and a function that controls it."""
    missing = [name for name in ("slurmctld", "slurmd", "munged", "sbatch") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and Slurm (apt-get install slurmctld slurmd slurm-client munge); missing: {missing}")
    folder = tmp_path_factory.mktemp("slurm")

    def control(command):
        # Daemons keep what they inherit: no pipes, which somebody would wait for.
        with open(folder / "control.log", "a") as log:
            subprocess.run([ROOT / "scripts/slurm", command, folder], check=True, stdout=log, stderr=log)

    control("up")
    try:
        yield {"SLURM_CONF": str(folder / "slurm.conf")}, control
    finally:
        control("down")


@pytest.fixture(scope="module")
def dataset(cli, tmp_path_factory):
    """Twelve people; the recording of sub-07 is cut off in its header."""
    folder = tmp_path_factory.mktemp("cluster") / "data"
    cli.ok("simulate", folder, "--subjects", 12, "--duration", 15, "--sfreq", 300)
    (damaged,) = (path for path in recordings(folder) if "sub-07" in str(path))
    damaged.write_bytes(damaged.read_bytes()[:2000])
    return folder


def write_study(folder, dataset, name, setup="", more=""):
    path = folder / f"{name}.toml"
    roots = f'bids_root = "{dataset}"\nderiv_root = "{name}"\n'
    path.write_text(f"{roots}{KEYS}[run.slurm]\ncpus = 1\n{more}setup = \'\'\'\n{setup}\n\'\'\'\n")
    return path


def test_twelve_units_some_killed_one_damaged(cli, slurm, dataset, tmp_path):
    env, control = slurm
    local = cli.run("run", write_study(tmp_path, dataset, "local"))
    assert local.returncode == 1
    # A unit that is killed once; one that needs more memory than it was given at first.
    once = f'if [ "$unit" = sub-03 ] && [ ! -e {tmp_path}/killed ]; then touch {tmp_path}/killed; kill -KILL $$; fi'
    more = 'if [ "$unit" = sub-05 ] && [ "$SLURM_MEM_PER_NODE" -lt 1000 ]; then kill -KILL $$; fi'
    study = write_study(tmp_path, dataset, "cluster", f"{once}\n{more}\nsleep 1")
    process = cli.popen("run", study, "--on", "slurm", env=env)
    said = process.stdout.readline()
    assert said.startswith("job ") and "10 units" in said, said  # MaxArraySize
    again = cli.run("run", study, "--on", "slurm", "--no-wait", env=env)
    assert again.returncode == 1 and "still in the queue" in again.stderr and "bakusoku cancel" in again.stderr
    control("restart")
    out, err = process.communicate(timeout=200)
    assert process.returncode == 1, f"{out}\n{err}"

    assert data_files(tmp_path / "cluster") == data_files(tmp_path / "local")
    submission = json.loads((tmp_path / "cluster/.bakusoku/slurm/submission.json").read_text())
    assert submission["attempt"] == 1 and submission["is_finished"]
    assert sorted(submission["arrays"][-1]["units"]) == ["sub-03", "sub-05"]
    logs = "".join(path.read_text() for path in (tmp_path / "cluster/.bakusoku/slurm/logs").glob("*follow-up.log"))
    assert "sub-03 died" in logs and "sub-05 died" in logs
    report = (tmp_path / "cluster/report.html").read_text()
    assert "sub-07" in report and "11 of 12" in report
    status = json.loads(cli.run("status", study, "--json", env=env).stdout)
    states = {unit["label"]: unit["state"] for unit in status["slurm"]["units"]}
    # Its header can't be read: it was never submitted.
    assert states == {f"sub-{k:02d}": "done" for k in range(1, 13) if k != 7}


def test_what_always_dies_is_given_up_and_named(cli, slurm, dataset, tmp_path):
    env, _ = slurm
    study = write_study(tmp_path, dataset, "cluster", 'test "$unit" != sub-02 || kill -KILL $$', "retries = 1\n")
    done = cli.run("run", study, "--on", "slurm", env=env)
    assert done.returncode == 1
    report = (tmp_path / "cluster/report.html").read_text()
    assert "ended without a result" in report and "[run.slurm] memory" in report
    assert "10 of 12" in report
    told = cli.run("status", study, env=env).stdout
    assert "sub-02 job" in told and "failed: " in told


def test_jobs_are_shown_and_cancelled_and_finished_later(cli, slurm, dataset, tmp_path):
    env, _ = slurm
    study = write_study(tmp_path, dataset, "cluster", "sleep 60", "max_jobs = 2\n")
    done = cli.run("run", study, "--on", "slurm", "--no-wait", env=env)
    assert done.returncode == 0 and "bakusoku status" in done.stdout
    for _ in range(100):
        states = json.loads(cli.run("status", study, "--json", env=env).stdout)["slurm"]["units"]
        running = [unit for unit in states if unit["state"] == "running"]
        if len(running) == 2:
            break
        time.sleep(0.1)
    assert len(running) == 2 and len(states) == 11
    assert {unit["state"] for unit in states} == {"running", "waiting"}
    assert "ended: job" in cli.ok("cancel", study, env=env).stdout
    for _ in range(100):
        if "no job" in cli.ok("cancel", study, env=env).stdout:
            break
        time.sleep(0.2)
    write_study(tmp_path, dataset, "cluster")
    assert cli.run("run", study, "--on", "slurm", env=env).returncode == 1
    assert "11 of 12" in (tmp_path / "cluster/report.html").read_text()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('partition = "nowhere"\n', "name a partition of this cluster"),
        ('memory = "900TB"\n', "no node has that much"),
        ('time = "soon"\n', "`run.slurm.time` is `soon`"),
        ('options = ["--nonsense"]\n', "unrecognized option"),
    ],
)
def test_refusals_say_what_to_do(cli, slurm, dataset, tmp_path, more, expected):
    env, _ = slurm
    done = cli.run("run", write_study(tmp_path, dataset, "cluster", more=more), "--on", "slurm", env=env)
    assert done.returncode == 1 and expected in done.stderr, done.stderr


def test_without_slurm_that_is_said(cli, dataset, tmp_path):
    done = cli.run("run", write_study(tmp_path, dataset, "cluster"), "--on", "slurm", env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "`sbatch` is not on the path" in done.stderr and "login nodes" in done.stderr


def test_a_node_with_another_version_says_so(cli, slurm, dataset, tmp_path):
    env, _ = slurm
    other = tmp_path / "bakusoku"
    shutil.copy2(cli.program, other)
    study = write_study(tmp_path, dataset, "cluster", more="retries = 0\n")
    process = subprocess.Popen([other, "run", study, "--on", "slurm", "--no-wait"], env={**cli.env, **env})
    other.with_suffix(".new").write_text("#!/bin/sh\necho bakusoku 0.0.1\n")
    assert process.wait() == 0
    other.with_suffix(".new").chmod(0o755)
    other.with_suffix(".new").replace(other)
    folder = tmp_path / "cluster/.bakusoku/slurm/logs"
    for _ in range(150):
        text = "".join(path.read_text() for path in folder.glob("*.log"))
        if "expected bakusoku" in text:
            break
        time.sleep(0.1)
    assert "has: bakusoku 0.0.1" in text and "a folder that all nodes see" in text


def test_the_array_by_hand(cli, slurm, dataset, tmp_path):
    env, _ = slurm
    study = write_study(tmp_path, dataset, "cluster")
    environment = {**cli.env, **env, "PATH": f"{Path(cli.program).parent}:{os.environ['PATH']}"}
    script = ROOT / "examples/cluster/array.sbatch"
    own = tmp_path / "array.sbatch"
    own.write_text(script.read_text().replace("--mem=4G", "--mem=600M"))
    # Slurm's arrays end at index 9 here: five tasks of two or three units each.
    command = ["sbatch", "--wait", "--array=1-5", "--chdir", tmp_path, own, study]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    assert cli.run("group", study).returncode == 1
    assert "11 of 12" in (tmp_path / "cluster/report.html").read_text()
