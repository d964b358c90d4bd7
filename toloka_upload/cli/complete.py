"""What a shell may complete: environments, profiles, codes, and the pools of past runs. Reads names of files alone."""

import re


def environments(incomplete: str) -> list[str]:
    """Names for `--env`."""
    return _beginning(incomplete, ["production", "sandbox", "yandex-tasks", "local"])


def profiles(incomplete: str) -> list[str]:
    """Names for `--profile`."""
    from toloka_upload.config_file import profiles as known

    return _beginning(incomplete, known())


def pools(incomplete: str) -> list[str]:
    """Pools that something was uploaded to, as their journals are called."""
    from toloka_upload.configure import state_dir

    names = (path.name for path in (state_dir(None) / "journals").glob("*.db"))
    found = {match[1] for name in names if (match := re.search(r"-pool-(\d+)-\w+\.db$", name))}
    return _beginning(incomplete, sorted(found))


def codes(incomplete: str) -> list[str]:
    """Codes that can be explained."""
    from toloka_upload.explanations import EXPLANATIONS

    return _beginning(incomplete.upper(), list(EXPLANATIONS))


def _beginning(incomplete: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
