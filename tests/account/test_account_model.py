"""Random histories of a pool that several programs fill, against the simplest model there is: counts by content."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from account_runs import (
    STATE,
    adopt,
    counts,
    elsewhere,
    forget,
    general,
    golden,
    upload,
    verify_files,
)
from input_runs import Service

CONTENTS = [general(0), general(1), golden(1), golden(1, "BAD"), general(2)]


def some(rng: random.Random) -> list[dict[str, Any]]:
    """Up to nine rows, some of them equal, in any order."""
    return [rng.choice(CONTENTS) for _ in range(rng.randint(1, 9))]


def tally(rows: list[dict[str, Any]]) -> Counter[str]:
    """Rows by content."""
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


@pytest.mark.parametrize("seed", range(25))
def test_whoever_fills_a_pool_each_row_is_there_once(service: Service, seed: int) -> None:
    """After an adoption, an upload creates what the pool lacks and no more, and proof finds each row."""
    rng = random.Random(seed)
    there: Counter[str] = Counter()
    for _ in range(rng.randint(2, 7)):
        rows, what = some(rng), rng.choice(["elsewhere", "upload", "upload", "lose", "adopt"])
        if what == "elsewhere":
            elsewhere(service, rows)
            there += tally(rows)
        elif what == "upload":
            adopt(service)
            created = tally(rows) - there
            assert upload(service, rows).counts.get("created", 0) == created.total()
            there += created
        elif what == "lose" and Path(STATE / "journals").exists():
            forget()
        else:
            adopt(service)
    rows = some(rng)
    adopt(service)
    lacking = tally(rows) - there
    assert upload(service, rows).counts.get("created", 0) == lacking.total()
    assert upload(service, rows).counts == {"read": len(rows), "already_uploaded": len(rows)}
    there += lacking
    assert len(service.pool()) == there.total()
    found = counts(verify_files(service, None))
    beyond = there - tally(rows)
    extra = sum(count for row, count in beyond.items() if row not in tally(rows))
    expected = {
        "rows": len(rows),
        "same": len(rows),
        "doubled": beyond.total() - extra,
        "extra": extra,
    }
    assert found == {name: count for name, count in expected.items() if count}
    shutil.rmtree(STATE)
