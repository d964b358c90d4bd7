"""A pytest plugin for toloka-kit's own functional tests: the address is the emulator's, and what cannot pass is named.

Nothing of the tests is changed or kept here. Runs in the oracle's own environment.
"""

import os

from toloka.client import TolokaClient

NOT_RUN = {
    "test_get_assignments_df": "asks the web interface's own API, which is not documented",
    "test_metrics_time_format": "asks for analytics, which the emulator has not",
    "test_all_verified_languages_skills_exist": "asks for skills, which the emulator has not",
    "test_verified_languages_to_skills_mapping_is_up_to_date": "asks the real service, without the client",
}

_begin = TolokaClient.__init__


def _begin_here(self, token, **more):
    more.pop("environment", None)
    _begin(self, token, url=os.environ["EMULATOR"], **more)


TolokaClient.__init__ = _begin_here


def pytest_collection_modifyitems(config, items):
    """Leave out what cannot pass."""
    left_out = [item for item in items if item.name in NOT_RUN]
    items[:] = [item for item in items if item.name not in NOT_RUN]
    config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter):
    """Name what was left out, and why."""
    for item in terminalreporter.stats.get("deselected", ()):
        terminalreporter.write_line(f"not run: {item.name}: {NOT_RUN[item.name]}")
