"""The command line of an upload as a value, made of what was given: for the commands to type next."""

from __future__ import annotations

import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toloka_upload.report.command_line import CommandLine
    from toloka_upload.report.observer import Event, Observer

_NAME = "toloka-upload"


def command_line(ctx: Any, files: list[str]) -> CommandLine:
    """
    The command line of an upload.

    It has the options that were given, on the command line or by a variable, which may have been set for this one
    command. What a configuration file says, it says the next time too.
    """
    from toloka_upload.report.command_line import CommandLine

    given = []
    for option in ctx.command.params:
        source = ctx.get_parameter_source(option.name)
        value = ctx.params.get(option.name)
        by_user = source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT")
        if option.param_type_name == "option" and by_user and value is not None:
            given.append(_typed(option, value))
    return CommandLine(_program(), tuple(given), tuple(files))


def remembering(command: CommandLine, state_dir: Path) -> Observer:
    """An observer that keeps the command line of a run in the log, for who looks at it later, in another directory."""
    from toloka_upload.report.command_line import quoted
    from toloka_upload.report.observer import RunStarted
    from toloka_upload.run.run_log import NAME, append

    def observer(event: Event) -> None:
        if isinstance(event, RunStarted) and not event.dry_run:
            with suppress(OSError):  # the directory may be gone
                typed = f"cd {quoted(str(Path.cwd()))} && {command.without('--no-wait')}"
                append(state_dir / NAME, {"run": event.run_id, "typed": typed})

    return observer


def _typed(option: Any, value: Any) -> tuple[str, ...]:
    if option.is_flag:
        return ((option.opts if value else option.secondary_opts)[0],)
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return (max(option.opts, key=len), text)


def _program() -> tuple[str, ...]:
    """How this program was started, in the least words that start it again."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return (sys.executable, "-m", "toloka_upload")
    found = shutil.which(_NAME)
    if started.name != _NAME or (
        found and Path(found).exists() and started.exists() and started.samefile(found)
    ):
        return (_NAME,)
    return (str(started),)
