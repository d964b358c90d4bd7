"""The help: what people use most in a screen, and all of it in groups with `--help-all`."""

from typing import Any

import typer
from typer.core import TyperCommand

USUAL = (
    *("pool", "env", "token_file", "dry_run", "skip_invalid_items", "max_errors", "suite_size"),
    *("results", "json_output", "open_pool"),
)
"""The options of an upload that `--help` shows, in its order."""

EXAMPLE = "toloka-upload --env local --pool 21 tasks.jsonl"
"""Works as it stands, with any file of rows that the emulator's pool takes."""

STATUSES = (
    "Exit status: 0 ok, 1 some rows rejected, 2 usage, 3 some rows unknown, 4 stopped by --max-errors, "
    "65 bad input, 66 no input, 69 refused by the API, 70 bug, 73 cannot write, 75 try again, 77 denied, "
    "130/143 interrupted."
)


def _show_all(ctx: typer.Context, wanted: bool) -> None:  # noqa: FBT001  # typer calls it so
    if wanted:
        formatter = ctx.make_formatter()
        write_program(ctx, formatter, everything=True)
        typer.echo(formatter.getvalue().rstrip("\n"))
        raise typer.Exit


def help_all_option(*, hidden: bool = False) -> Any:
    """The option `--help-all`."""
    return typer.Option(
        "--help-all", callback=_show_all, is_eager=True, hidden=hidden, help="Show all options."
    )


class GroupedCommand(TyperCommand):
    """A command whose options are listed under the titles of the classes that declare them."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then the options, group by group."""
        write_groups(self, ctx, formatter)


def write_program(ctx: Any, formatter: Any, *, everything: bool) -> None:
    """Write the program's help: an example and the commands first, then the upload's options, the usual ones or all."""
    group = ctx.find_root().command
    upload = group.commands["upload"]
    formatter.write_usage("toloka-upload", "[OPTIONS] FILE...")
    formatter.write_usage("toloka-upload", "COMMAND ...", prefix="       ")
    formatter.write_paragraph()
    formatter.write_text(upload.help)
    with formatter.section("Example, which sends nothing beyond this machine"):
        formatter.write_text(EXAMPLE)
    group.format_commands(ctx, formatter)
    if everything:
        write_groups(upload, ctx, formatter)
    else:
        options = {option.name: option for option in upload.params}
        with formatter.section("The usual options"):
            formatter.write_dl(
                [(spelled(options[name], no=False), options[name].help) for name in USUAL]
            )
    records = [option.get_help_record(ctx) for option in group.get_params(ctx.find_root())]
    with formatter.section("Help and completion"):
        formatter.write_dl([record for record in records if record])
    formatter.write_paragraph()
    formatter.write_text(STATUSES)


def write_groups(command: Any, ctx: Any, formatter: Any) -> None:
    """Write what a command takes, each group under its title; what has none comes last."""
    groups: dict[str, list[tuple[str, str]]] = {"Arguments": []}
    for one in command.params:
        if one.param_type_name == "argument":
            groups["Arguments"].append(one.get_help_record(ctx))
        elif not one.hidden:
            groups.setdefault(one.rich_help_panel or "Options", []).append(_record(one))
    for title, records in groups.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def spelled(one: Any, *, no: bool = True) -> str:
    """The names of an option, and what it takes; the name that turns it off as well, unless told not to."""
    names = sorted(one.opts, key=len) + (one.secondary_opts if no else [])
    return ", ".join(names) + ("" if one.is_flag else f" {_takes(one)}")


def default(one: Any) -> str:
    """What holds without an option, in words; empty for a switch that is just off."""
    if isinstance(one.show_default, str):
        return one.show_default
    if one.secondary_opts and one.secondary_opts[0].startswith("--no-"):
        return "on" if one.default else "off"
    if one.secondary_opts:
        return str((one.opts if one.default else one.secondary_opts)[0])
    if one.is_flag or one.default in (None, ""):
        return ""
    return f"{one.default:g}" if isinstance(one.default, float) else str(one.default)


def _takes(one: Any) -> str:
    """What an option takes: its metavar, its choices, or the name of its type."""
    choices = getattr(one.type, "choices", None)
    return one.metavar or ("|".join(map(str, choices)) if choices else one.type.name.upper())


def _record(one: Any) -> tuple[str, str]:
    holds = [f"default: {default(one)}"] if default(one) else []
    holds += [f"env: {one.envvar}"] if one.envvar else []
    return spelled(one), one.help + (f" [{'; '.join(holds)}]" if holds else "")
