"""What no output of a command may take the place of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from toloka_upload.config_file import paths
from toloka_upload.report.outputs import Use, inputs, streams


def to_keep(files: Iterable[str], token_file: Path | None = None) -> list[Use]:
    """The inputs, the file with the token, the configuration files, and where the standard streams go."""
    kept = [Use("the file that holds the token", token_file)] if token_file else []
    kept += [Use("the configuration file", path) for path in paths() if path.exists()]
    return [*kept, *inputs(files), *streams(1, 2)]
