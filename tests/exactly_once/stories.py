"""Stories made up by dice: inputs that change, options that change, weather, crashes and interrupts, run after run."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulated_server import FATES, FORMS, WIRE, Weather
from simulation import History, Rows

from toloka_upload.policies.rate import Window

SYNC_WIRE = tuple(fault for fault in WIRE if fault != "twice")
"""A synchronous request has no id: nobody can tell one that was delivered twice from two."""
ASYNC_WIRE = tuple(fault for fault in WIRE if fault != "slow")
JUMPS = (-86_400.0, -5.0, 5.0, 3_600.0, 86_400.0)
"""Where a clock may jump, in seconds."""


@dataclass(slots=True)
class Story:
    """One history to be: everything that dice decide, so that a failing one can be read."""

    seed: int
    options: dict[str, Any]
    weather: Weather
    runs: list[tuple[Rows, dict[str, Any]]] = field(default_factory=list)
    jumps: tuple[float, ...] = ()


def story(seed: int) -> Story:
    """The story of a seed."""
    dice = random.Random(seed)
    mode = dice.choice(["async", "async", "sync"])
    options: dict[str, Any] = {"mode": mode, "concurrency": dice.choice([1, 2, 3, 5])}
    options["chunk_size"] = dice.randint(1, 4)
    options["skip"] = dice.random() < 0.4
    if dice.random() < 0.2:
        options |= {"pool": "22", "suite_size": dice.randint(1, 3)}
    elif dice.random() < 0.2:
        options["pool"] = None
    weather = Weather(
        wire=_some(dice, SYNC_WIRE if mode == "sync" else ASYNC_WIRE),
        fates=_some(dice, FATES),
        chance=dice.choice([0.0, 0.1, 0.3, 0.5, 0.7]),
        listing_delay=dice.choice([0.0, 0.0, 2.0]),
        forms=tuple(form for form in FORMS if dice.random() < 0.1),
    )
    if dice.random() < 0.2:
        options["rate"] = Window(dice.randint(1, 6), dice.choice([1.0, 10.0]), "odd")
    made = Story(seed, options, weather)
    if dice.random() < 0.2:
        made.jumps = JUMPS
    rows = _rows(dice, pools=options.get("pool", "21") is None)
    for _ in range(dice.randint(1, 4)):
        made.runs.append((rows, _how(dice, options)))
        rows = _changed(dice, rows)
    made.runs.append((rows, {}))
    return made


def tell(made: Story, directory: Path, account: Counter[str] | None = None) -> History:
    """Let it happen, and count runs, rows and crashes. Raises AssertionError where a promise is broken."""
    history = History(directory, made.seed, made.weather)
    if account is not None:
        history.account = account
    history.jumps = made.jumps
    for rows, how in made.runs[:-1]:
        if how.pop("weeks_later", False):
            history.server.forget()
        if made.jumps:  # how old a request of an earlier run is, only the clock can tell
            history.server.everything_arrives()
        history.run(rows, **{**made.options, **how})
    rows, _ = made.runs[-1]
    history.jumps = ()
    history.finish(rows, **made.options)
    return history


def _some(dice: random.Random, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dice.sample(names, dice.randint(0, min(4, len(names)))))


def _rows(dice: random.Random, *, pools: bool) -> Rows:
    rows: Rows = []
    bad = dice.choice([0.0, 0.0, 0.2])
    alike = dice.choice([0.0, 0.3, 0.3, 1.0])
    most = dice.choice([0, 2, 2])
    for number in range(dice.randint(3, 10)):
        values: dict[str, Any] = {
            "n": dice.randint(0, most) if dice.random() < alike else number + 10
        }
        if dice.random() < bad:
            values["bad"] = 1
        rows.append(
            {"input_values": values, "pool_id": dice.choice(["21", "26"])} if pools else values
        )
    return rows


def _how(dice: random.Random, options: dict[str, Any]) -> dict[str, Any]:
    how: dict[str, Any] = {}
    if dice.random() < 0.6:
        how["crash_at"] = dice.randint(1, 90)
    elif dice.random() < 0.4:
        how["interrupt_at"] = dice.randint(1, 90)
    if dice.random() < 0.2:
        how["chunk_size"] = dice.randint(1, 4)
    if dice.random() < 0.15:
        how["skip"] = not options["skip"]
    if dice.random() < 0.1 and options["mode"] == "async":
        how["wait"] = False
    how["weeks_later"] = dice.random() < 0.05
    return how


def _changed(dice: random.Random, rows: Rows) -> Rows:
    """The input of the next run: mostly the same."""
    change = dice.random()
    rows = list(rows)
    if change < 0.1:
        rows += [dict(dice.choice(rows)), {**dice.choice(rows)}]
    elif change < 0.2:
        rows.reverse()
    elif change < 0.3:
        dice.shuffle(rows)
    elif change < 0.35:
        del rows[dice.randrange(len(rows))]
    elif change < 0.4:
        rows = rows[: len(rows) // 2 + 1]
    return rows
