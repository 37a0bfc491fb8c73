"""The forkserver: what fails once does not end it, signals to a whole job do not either, and it is replaced."""

from __future__ import annotations

import signal

import pytest

from .script import Script, run_script


def test_a_fork_that_fails_once_ends_nobody():
    ran = run_script("""
        import os, time
        from bakusoku.pool import _forkserver

        # The server of this script fails to fork its second worker, once.
        patch = "; ".join([
            "import os",
            "fork, calls = os.fork, []",
            "error = BlockingIOError(11, 'Resource temporarily unavailable')",
            "raises = lambda: (_ for _ in ()).throw(error)",
            "os.fork = lambda: (calls.append(1), raises() if len(calls) == 3 else fork())[1]",
        ]) + "\\n"
        arguments = _forkserver.arguments
        def patched(module, *given):
            *first, code = arguments(module, *given)
            return [*first, patch + code]
        _forkserver.arguments = patched
        from bakusoku import Pool, _core

        def pid(_): time.sleep(0.02); return os.getpid()
        def die(_): os._exit(1)

        if __name__ == "__main__":
            with Pool(2, context="forkserver") as pool:
                before = set(pool.map(pid, range(20), 1))
                process = _core.forkserver()
                print([type(r).__name__ for r in pool.map(die, [0], on_error="return")])
                time.sleep(0.5)
                after = set(pool.map(pid, range(40), 1))
                print(len(before & after), len(after), _core.forkserver() == process)
    """).fine()
    assert ran.out == "['WorkerDied']\n1 2 True\n", ran.err


@pytest.mark.parametrize("context", ["fork", "forkserver"])
def test_signals_to_all_processes_of_a_job(context):
    script = Script(f"""
        import os, signal, time
        from bakusoku import Pool, _core

        seen = []
        signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))

        def task(i): time.sleep(0.3); return i

        if __name__ == "__main__":
            with Pool(2, context={context!r}) as pool:
                pool.map(task, range(2), 1)
                result = pool.map_async(task, range(8), 1)
                print("running", flush=True)
                assert result.get(20) == list(range(8))
                print(len(seen) > 0)
    """)
    script.said("running")
    script.signal(signal.SIGUSR1, group=True)
    assert script.wait(30).fine().out.endswith("True\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_forkserver_that_is_killed_is_replaced(number):
    ran = run_script(f"""
        import os, signal, time
        from bakusoku import Pool, _core

        def task(i): return i

        if __name__ == "__main__":
            for _ in range(6):
                with Pool(2, context="forkserver") as pool:
                    assert pool.map(task, range(4)) == [0, 1, 2, 3]
                    process = _core.forkserver()
                os.kill(process, {int(number)})
            print("fine")
    """).fine()
    assert ran.out == "fine\n"
