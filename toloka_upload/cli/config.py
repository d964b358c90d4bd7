"""Options from `toloka-upload.toml`: how they come to a command, and `toloka-upload config`, which shows them."""

import os
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from toloka_upload.cli.help import GroupedCommand, default

if TYPE_CHECKING:
    from toloka_upload.config_file import Value

_ON_PURPOSE = frozenset({"again", "resend-unknown", "profile", "help-all"})
"""Options that are given with a command or not at all: each use of the first two doubles rows."""


class ConfiguredCommand(GroupedCommand):
    """A command whose options may stand in configuration files. `--profile` reads them, given or not."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As always, but what is asked for outright goes before another way to say it in a file."""
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            _drop_what_is_overruled(ctx)
        return rest


class UploadCommand(ConfiguredCommand):
    """The upload: its help is that of the whole program."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The same as `toloka-upload --help`, whichever of the two was asked."""
        ctx.find_root().command.format_help(ctx, formatter)


def read_configuration(ctx: typer.Context, profile: str | None) -> str | None:
    """Make what the files say the defaults of a command: the callback of `--profile`."""
    if ctx.resilient_parsing:
        return profile
    from toloka_upload.config_file import read_values
    from toloka_upload.errors import UsageProblem

    upload = _upload_of(ctx)
    names = _by_long_name(upload)
    said: dict[str, Value] = {}
    defaults = {}
    for value in read_values(profile, names.keys() - _ON_PURPOSE):
        option, off = names[value.key]
        earlier = said.get(option.name)
        if earlier and earlier.rank == value.rank:
            raise UsageProblem(f"{value.source}: {earlier.key} and {value.key} are one option.")
        converted = _converted(ctx, option, value, off=off)
        if _takes(ctx.command, option):
            said[option.name] = value
            defaults[option.name] = converted
    ctx.default_map, ctx.obj = defaults, said
    return profile


def config(ctx: typer.Context) -> None:
    """Show each option's value, and where it comes from.

    Takes the options of an upload: put `config` before them to see what they come to.
    """
    upload = _upload_of(ctx)
    with upload.make_context("upload", [*ctx.args, "-"], parent=ctx.parent) as inner:
        options = (one for one in upload.params if one.param_type_name == "option")
        rows = [_row(inner, one) for one in options if not one.hidden]
        rows.append(_token(inner))
        as_json = inner.params["json_output"]
    if as_json:
        import json

        typer.echo(json.dumps({row.name: {"value": row.value, "from": row.source} for row in rows}))
        return
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for row in rows:
        typer.echo(f"{row.name:{widths[0]}}  {row.shown:{widths[1]}}  {row.source}")


class _Row(NamedTuple):
    """An option, its value (in words as well), and the place where it was said."""

    name: str
    shown: str
    source: str
    value: Any


def _upload_of(ctx: Any) -> Any:
    return ctx.find_root().command.commands["upload"]


def _by_long_name(command: Any) -> dict[str, tuple[Any, bool]]:
    """A command's options by their long names without dashes; and whether that name turns the option off."""
    return {
        name.removeprefix("--"): (one, name in one.secondary_opts)
        for one in command.params
        for name in (*one.opts, *one.secondary_opts)
        if name.startswith("--")
    }


def _takes(command: Any, option: Any) -> bool:
    """Whether a command has this very option of the upload, and not another one of its name."""
    found = next((one for one in command.params if one.name == option.name), None)
    if found is None:
        return False
    same_group = getattr(found, "rich_help_panel", None) == option.rich_help_panel
    return same_group or (option.envvar is not None and found.envvar == option.envvar)


def _converted(ctx: Any, option: Any, value: "Value", *, off: bool) -> Any:
    """A file's value, as the command line would have it."""
    from toloka_upload.errors import UsageProblem

    given = value.value
    if option.is_flag:
        if not isinstance(given, bool):
            raise UsageProblem(f"{value.source}: {value.key} is true or false, not {given!r}.")
        return given != off
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise UsageProblem(f"{value.source}: {value.key} is text or a number, not {given!r}.")
    if option.type.name == "path":
        given = str(value.path.parent / Path(str(given)).expanduser())
    try:
        return option.type_cast_value(ctx, str(given))
    except typer.BadParameter as error:
        raise UsageProblem(f"{value.source}: {value.key}: {error.message}") from error


def _drop_what_is_overruled(ctx: Any) -> None:
    """Of two ways to say one thing the one that was said closer to the command holds."""
    ranks = {one.name: _rank(ctx, one.name) for one in ctx.command.params}
    ranks["TOLOKA_TOKEN"] = _ENVIRONMENT if os.environ.get("TOLOKA_TOKEN") else _NOWHERE
    token = ("token_file", "token_command", "TOLOKA_TOKEN")
    for strong, weak in [("env", "url"), *permutations(token, 2)]:
        if weak in ctx.params and ranks.get(strong, _NOWHERE) > ranks[weak]:
            ctx.params[weak] = None


_NOWHERE, _ENVIRONMENT, _COMMAND_LINE = -1, 1000, 1001


def _rank(ctx: Any, name: str) -> int:
    """How close to the command a value was said: on it, in the environment, in a file, nowhere."""
    source = ctx.get_parameter_source(name)
    if source is None or source.name == "DEFAULT":
        return _NOWHERE
    if source.name == "DEFAULT_MAP":
        return int(ctx.obj[name].rank)
    return _COMMAND_LINE if source.name == "COMMANDLINE" else _ENVIRONMENT


def _row(ctx: Any, one: Any) -> _Row:
    from toloka_upload.text import plain

    value, rank = ctx.params[one.name], _rank(ctx, one.name)
    sources = {_COMMAND_LINE: "command line", _ENVIRONMENT: one.envvar, _NOWHERE: "default"}
    source = sources[rank] if rank in sources else ctx.obj[one.name].source
    if value is None:
        shown = default(one) or "none"
        source = "default" if rank == _NOWHERE else f"overruled: {source}"
    elif isinstance(value, bool):
        shown = "on" if value else "off"
    else:
        shown = plain(f"{value:g}" if isinstance(value, float) else str(value))
    if not isinstance(value, bool | int | float | None):
        value = str(value)
    return _Row(max(one.opts, key=len).removeprefix("--"), shown, plain(source), value)


def _token(ctx: Any) -> _Row:
    """Whether there is a token, and where from; never the token."""
    for name in ("token_file", "token_command"):
        if ctx.params[name]:
            return _Row("token", "set", name.replace("_", "-"), "set")
    if os.environ.get("TOLOKA_TOKEN"):
        return _Row("token", "set", "TOLOKA_TOKEN", "set")
    return _Row("token", "none", "default", None)
