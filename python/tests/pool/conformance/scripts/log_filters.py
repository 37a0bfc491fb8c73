"""Filters of loggers and handlers see what the task has set."""

import logging
import os
import tempfile

from pools import Pool

CURRENT = None
FOLDER = tempfile.mkdtemp()


class AddSubject(logging.Filter):
    def filter(self, record):
        record.subject = CURRENT
        return True


class NotTwo(logging.Filter):
    def filter(self, record):
        return CURRENT != 2


def logger(name, *filters):
    made, handler = logging.getLogger(name), logging.FileHandler(os.path.join(FOLDER, name))
    made.setLevel("INFO")
    made.propagate = False
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(subject)s"))
    for one in filters:
        handler.addFilter(one)
    made.addHandler(handler)
    return made


logging.addLevelName(25, "NOTICE")
a = logger("a", AddSubject())
b = logger("b", AddSubject(), NotTwo())
c = logger("c")
c.addFilter(AddSubject())
c.addFilter(NotTwo())


def task(x):
    global CURRENT
    CURRENT = x
    for one in "abc":
        logging.getLogger(one).log(25, "done")
        logging.getLogger(one).debug("not wanted")


# %%
with Pool(2) as pool:
    none = pool.map(task, range(4), 1)
a.info("here")
for name in "abc":
    with open(os.path.join(FOLDER, name)) as file:
        print(sorted(file))
