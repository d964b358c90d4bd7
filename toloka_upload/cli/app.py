"""The commands, and which one is meant where none is named. Imports nothing heavy: `--help` must be quick."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from toloka_upload.cli.adopt import adopt
from toloka_upload.cli.config import ConfiguredCommand, UploadCommand, config
from toloka_upload.cli.emulator import emulator
from toloka_upload.cli.explain import explain
from toloka_upload.cli.help import GroupedCommand, help_all_option, write_program
from toloka_upload.cli.runs import runs
from toloka_upload.cli.template import template
from toloka_upload.cli.undo import undo
from toloka_upload.cli.upload import upload
from toloka_upload.cli.verify import verify


class _UploadByDefault(TyperGroup):
    """`toloka-upload FILE` means `toloka-upload upload FILE`. A file that is called like a command is `./runs`."""

    _OWN = frozenset({"--help", "-h", "--version", "--install-completion", "--show-completion"})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in self._OWN:
            args = ["upload", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Ctrl-C before it obeys signals is an error like any other, not typer's silent 130."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            from toloka_upload.errors import Interrupted

            raise Interrupted("Interrupted; nothing was begun.") from None

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Commands, and the options of the upload, which need no command."""
        with self.commands["upload"].make_context(
            "upload", [], parent=ctx, resilient_parsing=True
        ) as inner:
            options = inner.command.shell_complete(inner, incomplete)
        found = super().shell_complete(ctx, incomplete)
        names = {item.value for item in found}
        return [*found, *(item for item in options if item.value not in names)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The upload's help, for that is what the program does, and the other commands."""
        write_program(ctx, formatter, everything=False)


app = typer.Typer(
    cls=_UploadByDefault,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:  # noqa: FBT001  # typer calls it so
    if wanted:
        from toloka_upload._version import __version__

        typer.echo(f"toloka-upload {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
    everything: Annotated[bool, help_all_option()] = False,
) -> None:
    """Upload task files into Toloka pools, each row exactly once."""


app.command(cls=UploadCommand)(upload)
for _command in (runs, verify, undo, adopt, template, emulator):
    app.command(cls=ConfiguredCommand)(_command)
app.command(cls=GroupedCommand)(explain)
app.command(
    cls=GroupedCommand,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)(config)
