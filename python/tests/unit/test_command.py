"""The command inside the Python package."""

import signal
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import bakusoku

COMMAND = [sys.executable, "-m", "bakusoku"]


def test_it_is_the_command_and_imports_nothing_heavy():
    said = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True).stdout
    assert said == f"bakusoku {bakusoku.__version__}\n"
    assert {point.value for point in entry_points(group="console_scripts", name="bakusoku")} == {"bakusoku._cli:main"}
    code = "import sys; from bakusoku._core import command; command([], ['bakusoku', '--version'])"
    code += "; print({'numpy', 'mne'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.endswith("set()\n")


@pytest.mark.parametrize(("arguments", "status"), [(["nonsense"], 2), (["info", "missing.fif"], 1), (["--help"], 0)])
def test_its_status_is_that_of_the_process(arguments, status):
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True)
    assert done.returncode == status
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_it_without_a_traceback(tmp_path):
    arguments = ["simulate", str(tmp_path / "data"), "--subjects", "60", "--duration", "300"]
    process = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert "started" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
