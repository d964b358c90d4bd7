"""The account of the cost's bounds: random pools, worked off by a simulator.

python tests/planning/cost_account.py 5000
"""

from __future__ import annotations

import random
import statistics
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from assignment_simulator import Simulator, random_world

from toloka_upload.planning.cost import Cost, cost_of


@dataclass
class Account:
    """What came of many pools. Tightness: a bound as a share of what came, over pools that were finished."""

    pools: int = 0
    finished: int = 0
    unbounded: int = 0
    broken: list[int] = field(default_factory=list)
    least: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)


def judge(seed: int, account: Account) -> str | None:
    """Work off the pool of a seed; say which bound it broke, if it broke one."""
    rng = random.Random(seed)
    world = random_world(rng)
    cost = cost_of([(world.pool, world.tally())])
    came = Simulator(world, rng).run()
    account.pools += 1
    account.unbounded += cost.assignments.most is None
    broken = breach(cost, came.assignments, came.reward, finished=came.finished)
    if broken:
        account.broken.append(seed)
    if came.finished:
        account.finished += 1
        if came.assignments and cost.assignments.least:
            account.least.append(float(cost.assignments.least) / came.assignments)
        if came.assignments and cost.assignments.most is not None:
            account.most.append(float(cost.assignments.most) / came.assignments)
    return f"seed {seed}: {broken}: {world}" if broken else None


def breach(cost: Cost, assignments: int, reward: Decimal, *, finished: bool) -> str | None:
    """Which bound is broken. Only a pool that is finished owes the lower ones."""
    for name, bounds, value in (
        ("assignments", cost.assignments, Decimal(assignments)),
        ("reward", cost.reward, reward),
    ):
        if bounds.most is not None and value > bounds.most:
            return f"{name} {value} > {bounds.most}"
        if finished and value < bounds.least:
            return f"{name} {value} < {bounds.least}"
    return None


def main(pools: int) -> int:
    """Print the account; exit 1 if a bound was broken."""
    account = Account()
    for seed in range(pools):
        if said := judge(seed, account):
            print(said)
    print(f"pools tried     {account.pools}")
    print(f"worked off      {account.finished}")
    print(f"without a bound {account.unbounded}")
    print(f"bounds broken   {len(account.broken)}")
    for name, shares in (("least / came", account.least), ("most / came", account.most)):
        cuts = statistics.quantiles(shares, n=20)
        exact = sum(share == 1 for share in shares) / len(shares)
        print(
            f"{name:15} median {statistics.median(shares):.2f}, 5% {cuts[0]:.2f}, 95% {cuts[-1]:.2f}, exact {exact:.0%}"
        )
    return bool(account.broken)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
