"""The short form of the campaign: real processes, a real socket, real SIGKILL."""

from __future__ import annotations

from pathlib import Path

import campaign
import pytest


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_uploads_that_are_killed_end_with_each_row_once(mode: str, tmp_path: Path) -> None:
    """Killed at random moments and at chosen requests, then run until it ends: nothing doubled, lost or untold."""
    account = campaign.campaign(5, 42, mode, tmp_path)
    assert account.problems == []
    assert account.kills >= 5
    assert (account.doubled, account.lost, account.untold) == (0, 0, 0)
