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
