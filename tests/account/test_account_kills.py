"""The short form of the kill campaign of the account: real processes, a real socket, real SIGKILL."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_account import Account, Desk


@pytest.mark.parametrize(("command", "seed"), [("undo", 3), ("adopt", 1), ("verify", 2)])
def test_a_command_that_is_killed_goes_on(command: str, seed: int, tmp_path: Path) -> None:
    """Nothing is lost, repeated, doubled or changed that should not be."""
    account = Account()
    getattr(Desk(tmp_path, seed, account), command)(120)
    assert account.problems == []
    assert account.repeated == 0
