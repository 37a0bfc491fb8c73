"""A fork finds locked what other threads of its owner held: logging, imports, memory, streams."""

from __future__ import annotations

from .script import run_script


def test_whatever_other_threads_are_in_the_middle_of():
    ran = run_script(
        """
        import importlib, logging, os, sys, threading, time

        logging.basicConfig(stream=open(os.devnull, "w"), level="INFO")
        open("slow_to_load.py", "w").write("import time\\ntime.sleep(0.05)\\nVALUE = 3\\n")
        sys.path.insert(0, os.getcwd())

        def records():
            while True:
                logging.info("x" * 100)

        def imports():
            while True:
                sys.modules.pop("slow_to_load", None)
                importlib.import_module("slow_to_load")

        def memory():
            while True:
                [bytearray(10_000 + i) for i in range(100)]

        def lines():
            while True:
                print("y" * 50, file=out)

        out = open(os.devnull, "w")
        for f in (records, imports, memory, lines):
            threading.Thread(target=f, daemon=True).start()
        from bakusoku import Pool

        def task(x):
            logging.info("in a task")
            import slow_to_load
            print("t", file=out)
            return [bytearray(1000) for _ in range(10)] and x + slow_to_load.VALUE

        end = time.monotonic() + 6
        done = 0
        while time.monotonic() < end or done < 3:
            with Pool(2) as pool:
                assert pool.map(task, range(4), timeout=20) == [3, 4, 5, 6]
            done += 1
        print("done")
        """,
        env={"BAKUSOKU_START_METHOD": None},
        seconds=85,
    ).fine()
    assert ran.out == "done\n"


def test_children_that_threads_fork_at_once_see_all_results():
    ran = run_script(
        """
        import os, threading
        import numpy as np
        from bakusoku import Pool

        def work(i):
            return np.full(1 << 17, i)

        def are_right(results):
            return all((result == i).all() for i, result in enumerate(results))

        def fork(barrier, results, ends):
            barrier.wait()
            pid = os.fork()
            if pid == 0:
                os._exit(0 if are_right(results) else 1)
            ends.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

        if __name__ == "__main__":
            ends, here = [], []
            with Pool(2) as pool:
                for _ in range(5):
                    results = pool.map(work, range(48), 1)
                    barrier = threading.Barrier(3)
                    threads = [threading.Thread(target=fork, args=(barrier, results, ends)) for _ in range(3)]
                    for thread in threads: thread.start()
                    for thread in threads: thread.join()
                    here.append(are_right(results))
            print(set(ends), set(here))
        """
    ).fine()
    assert ran.out == "{0} {True}\n", ran.err
