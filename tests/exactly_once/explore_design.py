"""Look at every state of the model in `design.py`, and say how many there are.

    python tests/exactly_once/explore_design.py                  # every setup, to the end: a quarter of an hour
    python tests/exactly_once/explore_design.py "two machines"

Where something is wrong it prints a shortest way to it.
"""

from __future__ import annotations

import sys
import time

from design import Model
from design_api import Setup
from explorer import Explorer, Found


def explore(setup: Setup) -> Found:
    """Look at every state of a setup."""
    model = Model(setup)
    return Explorer(model.successors, model.problem, model.is_end).explore(model.first())


SETUPS = {
    "one machine": Setup(),
    "one machine, synchronous": Setup(sync=True),
    "two processes": Setup(journals=(0, 0), crashes=1),
    "two machines": Setup(journals=(0, 1), sizes=(1,), concurrency=1, logs=("full",)),
}
LIMITS = {
    # Of an operation that failed in silence neither machine can tell its items from the other's equal ones.
    "two machines, silent logs": Setup("xx", (1,), (0, 1), concurrency=2, crashes=0),
}
"""What the page names among the limits of the promise."""


def main() -> int:
    """Explore every setup, or those that the command line names."""
    wrong = 0
    for name in sys.argv[1:] or (*SETUPS, *LIMITS):
        started = time.monotonic()
        found = explore((SETUPS | LIMITS)[name])
        seconds = time.monotonic() - started
        print(f"{name}: {found.states:,} states, {found.steps:,} steps, ", end="")
        print(f"{found.terminal:,} good ends, {seconds:.0f} s", flush=True)
        if found.problem:
            wrong += name in SETUPS
            print(f"  {found.problem}:", *found.way, sep="\n    ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
