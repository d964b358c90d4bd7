"""Stories from a seed on, for as long as one likes, and one line of account.

    python tests/exactly_once/nightly.py --seed 1000000 --for 8h

Each seed is one history: inputs, options, weather, crashes, as `stories.py` makes them up, in simulated time. What
fails is named with its seed, and stays as a test (`TOLOKA_UPLOAD_STORY=seed pytest tests/exactly_once/test_model.py`).
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from stories import story, tell

from toloka_upload.policies.durations import parse_duration

LONGEST = 120
"""Seconds of real time after which a history is taken to hang. The longest ones take about one."""
KINDS = {
    "doubled": "doubled",
    "lost": "lost",
    "not there": "lost",
    "one id": "lost",
    "ever": "hung",
}
"""How a broken promise is counted, by words of what the simulation says; all others are rows that were told wrongly."""


def main() -> int:
    """Run the stories; the status is 1 if one of them broke a promise."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--for", dest="seconds", type=parse_duration, default=60.0, help="90s, 8h")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _hangs)
    account: Counter[str] = Counter()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as work:
        seed, until = options.seed, time.monotonic() + options.seconds
        while time.monotonic() < until:
            one_history(seed, Path(work), account)
            seed += 1
    counts = ", ".join(
        f"{account[name]:,} {name}"
        for name in ("histories", "runs", "rows", "crashes", "doubled", "lost", "untold", "hung")
    )
    print(f"seeds {options.seed} to {seed - 1}: {counts}")
    return bool(account["doubled"] + account["lost"] + account["untold"] + account["hung"])


def one_history(seed: int, work: Path, account: Counter[str]) -> None:
    """Let one history happen, and count what came of it."""
    directory = work / str(seed)
    directory.mkdir()
    account["histories"] += 1
    signal.alarm(LONGEST)
    try:
        tell(story(seed), directory, account)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is named, and the next one comes
        said = str(error) or type(error).__name__
        kind = next((kind for words, kind in KINDS.items() if words in said), "untold")
        account[kind] += 1
        print(f"story {seed}: {said[:300]}", file=sys.stderr, flush=True)
    finally:
        signal.alarm(0)
        shutil.rmtree(directory)


def _hangs(*_: Any) -> None:
    raise TimeoutError("it takes for ever")


if __name__ == "__main__":
    sys.exit(main())
