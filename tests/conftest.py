"""What holds for every test: nothing of the user's environment comes in, and nothing of theirs is touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# Examples on a busy machine may be slow, which proves nothing; and a failure must be the same everywhere.
settings.register_profile("here", deadline=None, database=None)
settings.load_profile("here")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Variables that steer `toloka-upload` or a terminal are gone; state goes to a directory of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("TOLOKA_") or name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
                patch.delenv(name)
        patch.setenv("TOLOKA_UPLOAD_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        # Processes that tests start run this very checkout, wherever they are started.
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        yield
