"""Log records of workers: each once, through the owner's handlers, with its fields, however the workers were made."""

from __future__ import annotations

import re

import pytest

from .script import run_script

METHODS = ["fork", "forkserver", "spawn", None]

SCRIPT = """
    import logging, sys, threading
    from bakusoku import Pool

    {setup}

    def work(i):
        {work}
        return i

    for _ in range({pools}):
        with Pool(2, context={method!r}) as pool:
            assert pool.map(work, range(3), 1) == [0, 1, 2]
    {after}
"""


def ran(work, setup="pass", after="pass", method=None, pools=1, cwd=None):
    code = SCRIPT.format(work=work, setup=setup.replace("\n", "\n    "), after=after, method=method, pools=pools)
    return run_script(code, cwd=cwd).fine()


FILE = """
log = logging.getLogger("pipeline")
log.setLevel("INFO")
handler = logging.FileHandler("log.txt")
handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
log.addHandler(handler)
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("propagate", [True, False])
def test_a_file_of_a_logger(tmp_path, method, propagate):
    """Two pools, too: the second is as the first."""
    setup = FILE + f"log.propagate = {propagate}\n"
    ran("logging.getLogger('pipeline').info('item %d', i)", setup, method=method, pools=2, cwd=tmp_path)
    lines = sorted((tmp_path / "log.txt").read_text().splitlines())
    assert [re.sub(r"\[.*?\] ", "", line) for line in lines] == [
        f"INFO pipeline item {i}" for i in range(3) for _ in range(2)
    ]
    assert all(f"[item {line[-1]}]" in line for line in lines)


@pytest.mark.parametrize("method", METHODS)
def test_levels_of_loggers_and_handlers(tmp_path, method):
    setup = FILE + "handler.setLevel('WARNING')\nlogging.getLogger('other').setLevel('ERROR')\n"
    work = "log = logging.getLogger('pipeline'); log.info('quiet'); log.warning('loud'); " + (
        "logging.getLogger('other').warning('quiet')"
    )
    done = ran(work, setup, method=method, cwd=tmp_path)
    text = (tmp_path / "log.txt").read_text()
    assert text.count("loud") == 3 and "quiet" not in text + done.err


@pytest.mark.parametrize("method", METHODS)
def test_root_and_child(tmp_path, method):
    """A record of a child meets the handlers of its parents, each once."""
    setup = FILE + "logging.basicConfig(format='ROOT %(message)s')\n"
    done = ran("logging.getLogger('pipeline.filter').warning('noisy')", setup, method=method, cwd=tmp_path)
    assert (tmp_path / "log.txt").read_text().count("noisy") == 3
    assert done.err.count("ROOT") == done.err.count("noisy") == 3


@pytest.mark.parametrize("method", METHODS)
def test_nobody_has_set_up_anything(method):
    """Python's last resort: warnings on standard error."""
    done = ran("logging.warning('w'); logging.getLogger('a').error('e'); logging.info('quiet')", method=method)
    lines = done.err.splitlines()
    assert len(lines) == 6 and "quiet" not in done.err


EXTRA = """
logging.basicConfig(format="%(levelname)s %(subject)s %(run)s %(message)s %(funcName)s", stream=sys.stdout)
log = logging.getLogger()
"""


@pytest.mark.parametrize("method", METHODS)
def test_fields_of_ones_own(method):
    work = "logging.warning('x', extra={'subject': f'sub-{i:02d}', 'run': (1, i)})"
    done = ran(work, EXTRA, method=method)
    assert sorted(done.out.splitlines()) == [f"WARNING sub-{i:02d} (1, {i}) [item {i}] x work" for i in range(3)]


@pytest.mark.parametrize("method", METHODS)
def test_an_adapter(method):
    work = "logging.LoggerAdapter(logging.getLogger('a'), {'subject': i, 'run': print}).warning('x')"
    lines = sorted(ran(work, EXTRA, method=method).out.splitlines())
    assert lines == [f"WARNING {i} <built-in function print> [item {i}] x work" for i in range(3)]


@pytest.mark.parametrize("method", METHODS)
def test_fields_that_cannot_travel(method):
    work = "import threading; logging.warning('x', extra={'subject': threading.Lock(), 'run': 'y' * 100_000})"
    done = ran(work, EXTRA, method=method)
    assert done.out.count("WARNING <unlocked _thread.lock") == 3


EXCEPTION = """
class Keep(logging.Handler):
    def emit(self, record):
        print(record.exc_info[0].__name__, record.exc_info[1].args, "1 / 0" in record.exc_text, record.args)
logging.getLogger("a").addHandler(Keep())
logging.getLogger("a").propagate = False
"""


@pytest.mark.parametrize("method", METHODS)
def test_an_exception(method):
    work = "try: 1 / 0\n        except ZeroDivisionError: logging.getLogger('a').exception('no %s', 'good')"
    done = ran(work, EXCEPTION, method=method)
    assert done.out.splitlines() == ["ZeroDivisionError ('division by zero',) True ()"] * 3


def test_filters_of_the_owner_once():
    """A filter that writes into the record does it once, also where the worker is a fork that has it too."""
    setup = """
def mark(record):
    record.msg = f"<{record.msg}>"
    return "drop" not in record.msg
log = logging.getLogger("a")
log.addFilter(mark)
logging.basicConfig(stream=sys.stdout, format="%(message)s")
"""
    for method in METHODS:
        work = "logging.getLogger('a').warning('x'); logging.getLogger('a').warning('drop')"
        done = ran(work, setup, method=method)
        assert [re.sub(r"\[.*?\] ", "", line) for line in done.out.splitlines()] == ["<x>"] * 3, method


@pytest.mark.parametrize("method", METHODS)
def test_what_a_task_catches_itself(method):
    """A handler that a task adds gets its records there; that it took others away counts."""
    setup = "import io\nlogging.basicConfig(stream=sys.stdout, format='OWNER %(message)s')"
    work = (
        "s = io.StringIO(); h = logging.StreamHandler(s); log = logging.getLogger('a'); log.addHandler(h); "
        "log.propagate = False; log.warning('caught'); log.removeHandler(h); log.propagate = True; "
        "log.warning('again'); assert s.getvalue() == 'caught\\n', s.getvalue()"
    )
    done = ran(work, setup, method=method)
    assert done.out.count("again") == 3 and "caught" not in done.out


@pytest.mark.parametrize("method", METHODS)
def test_the_log_file_of_mne(tmp_path, method):
    setup = "import mne\nmne.set_log_file('mne.log', overwrite=True)\nmne.set_log_level('INFO')"
    work = "import mne; mne.utils.logger.info('item %d' % i); mne.utils.logger.debug('quiet')"
    done = ran(work, setup, method=method, cwd=tmp_path)
    text = (tmp_path / "mne.log").read_text()
    assert sorted(re.findall(r"item \d$", text, re.M)) == ["item 0", "item 1", "item 2"]
    assert "quiet" not in text and "item" not in done.out + done.err


@pytest.mark.parametrize("method", METHODS)
def test_mne_as_it_is(method):
    """MNE writes on standard output by itself; once."""
    done = ran("import mne; mne.utils.logger.info('hello')", "import mne\nmne.set_log_level('INFO')", method=method)
    assert (done.out + done.err).count("hello") == 3


@pytest.mark.parametrize("method", METHODS)
def test_what_mne_catches(method):
    work = (
        "import mne\n        with mne.utils.catch_logging() as log: mne.utils.logger.warning('caught')\n"
        "        assert log.getvalue() == 'caught\\n', log.getvalue()"
    )
    done = ran(work, "import mne", method=method)
    assert "caught" not in done.out + done.err


MODULE = """
import logging
log = logging.getLogger("lab")
log.setLevel("INFO")
log.addHandler(logging.FileHandler("lab.log"))
def work(i):
    log.info("item %d", i)
    return i
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_module_that_sets_up_its_logger(tmp_path, method):
    """Loaded again in a worker that is no fork, it makes its handler again: still once."""
    (tmp_path / "lab_with_log.py").write_text(MODULE)
    setup = f"sys.path.insert(0, {str(tmp_path)!r})\nimport lab_with_log"
    ran("lab_with_log.work(i)", setup, method=method, cwd=tmp_path)
    lines = (tmp_path / "lab.log").read_text().splitlines()
    assert sorted(re.sub(r"\[.*?\] ", "", line) for line in lines) == ["item 0", "item 1", "item 2"]


@pytest.mark.parametrize("method", METHODS)
def test_no_thread_is_left_behind(method):
    """`threading` knows of no thread more than before, whatever ran in the engine's."""
    after = (
        f"pool = Pool(2, context={method!r}); logging.warning('here'); "
        "pool.map_async(work, range(3), callback=lambda v: logging.warning('called')).get(); "
        "list(pool.imap(work, (i for i in range(5)), labels=lambda i: threading.current_thread().name)); "
        "pool.close(); pool.join(); print(threading.active_count(), threading.enumerate())"
    )
    done = ran("logging.warning('hello')", after=after, method=method)
    assert done.out.startswith("1 "), done.out
